"""A small causal transformer over tokens: the same code on a CPU and on a GPU."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from kneser_ney import Documents
from numpy.typing import NDArray
from torch import Tensor, nn

_NO_TOKEN = -100  # what cross_entropy ignores
_WARMUP = 0.05
"""The share of steps in which the learning rate rises; then it falls as a cosine, to a twentieth."""


@dataclass(frozen=True)
class Settings:
    """What a model is like. ``context`` is the length of a window in tokens, ``batch`` the windows of a step."""

    n_ids: int
    width: int
    layers: int
    context: int
    batch: int
    rate: float
    seed: int

    @property
    def heads(self) -> int:
        return max(1, self.width // 64)


class Block(nn.Module):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self._heads = settings.heads
        self.norm_1, self.norm_2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.inward, self.outward = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        n, length, width = x.shape
        heads = self.inward(self.norm_1(x)).view(n, length, 3, self._heads, width // self._heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(
            _rotated(query, rotation), _rotated(key, rotation), value, is_causal=True
        )
        x = x + self.outward(attended.transpose(1, 2).reshape(n, length, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class Transformer(nn.Module):
    """Predicts each token from those before it. The embedding is the output matrix, too."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._head = settings.width // settings.heads
        self.embedding = nn.Embedding(settings.n_ids, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.RMSNorm(settings.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for name, parameter in self.named_parameters():
            if name.endswith(("outward.weight", "down.weight")):
                parameter.data /= math.sqrt(2 * settings.layers)

    def forward(self, tokens: Tensor, following: Tensor) -> Tensor:
        """The cost of each following token, in nats, 0 where there is none."""
        places = torch.arange(tokens.shape[1], device=tokens.device).float()
        frequencies = 10000 ** (-torch.arange(0, self._head, 2, device=tokens.device).float() / self._head)
        angles = torch.outer(places, frequencies)
        x = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        for block in self.blocks:
            x = block(x, (angles.cos(), angles.sin()))
        scores = self.norm(x) @ self.embedding.weight.T
        return F.cross_entropy(
            scores.flatten(0, 1).float(), following.flatten(), ignore_index=_NO_TOKEN, reduction="none"
        )


def _rotated(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary position embedding (Su and others, 2021)."""
    cosine, sine = rotation
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1).to(x.dtype)


def operations_of_token(settings: Settings) -> float:
    """Floating-point operations of training on one token: six for each weight it meets, and those of attention."""
    weights = settings.layers * 12 * settings.width**2 + settings.n_ids * settings.width
    return 6 * (weights + settings.layers * settings.context * settings.width)  # half of the window, on the average


def train(
    documents: Documents, settings: Settings, n_tokens: int | None = None, operations: float | None = None
) -> tuple[Transformer, dict[str, Any]]:
    """Train on so many tokens, or with so many operations. Documents come in an order of the seed's.

    Returns the model, and a report: parameters, tokens, operations, seconds, and the device.
    """
    device = _device()
    torch.manual_seed(settings.seed)
    model = Transformer(settings).to(device)
    if n_tokens is None:
        assert operations is not None
        n_tokens = round(operations / operations_of_token(settings))
    step_tokens = settings.context * settings.batch
    n_steps = max(1, n_tokens // step_tokens)
    stream = _Stream(documents, settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, betas=(0.9, 0.95), weight_decay=0.1)
    start = time.perf_counter()
    for step in range(n_steps):
        optimizer.param_groups[0]["lr"] = settings.rate * _schedule((step + 1) / n_steps)
        window = stream.next(step_tokens + 1)
        shape = settings.batch, settings.context
        tokens = torch.from_numpy(window[:-1]).view(shape).to(device)
        following = torch.from_numpy(window[1:]).view(shape).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(tokens, following).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    report = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": n_steps * step_tokens,
        "operations": n_steps * step_tokens * operations_of_token(settings),
        "train_seconds": round(time.perf_counter() - start),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
    }
    return model.eval(), report


def bits_of_tokens(model: Transformer, documents: Documents, settings: Settings) -> NDArray[np.float64]:
    """The cost of each token of the documents, in bits. A document is cut into windows of the training's length."""
    device = next(model.parameters()).device
    windows = []  # of each its first token and the last, documents never sharing one
    for begin, end in zip(documents.offsets[:-1].tolist(), documents.offsets[1:].tolist(), strict=True):
        windows += [(k, min(k + settings.context, end), k == begin) for k in range(begin, end, settings.context)]
    windows.sort(key=lambda window: window[1] - window[0])  # so that little is filled up
    bits = np.zeros(len(documents.ids))
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        for k in range(0, len(windows), settings.batch):
            batch = windows[k : k + settings.batch]
            length = max(end - begin for begin, end, _ in batch)
            tokens = np.zeros((len(batch), length), dtype=np.int64)
            following = np.full((len(batch), length), _NO_TOKEN, dtype=np.int64)
            for row, (begin, end, first) in enumerate(batch):
                following[row, : end - begin] = documents.ids[begin:end]
                tokens[row, 1 : end - begin] = documents.ids[begin : end - 1]
                # Before a document stands the end of another.
                tokens[row, 0] = settings.n_ids - 1 if first else documents.ids[begin - 1]
            costs = model(torch.from_numpy(tokens).to(device), torch.from_numpy(following).to(device))
            costs = costs.view(len(batch), length).double().cpu().numpy() / math.log(2)
            for row, (begin, end, _) in enumerate(batch):
                bits[begin:end] = costs[row, : end - begin]
    return bits


class _Stream:
    """The tokens of all documents one after the other, each time in another order."""

    def __init__(self, documents: Documents, settings: Settings) -> None:
        self._documents = documents
        self._generator = np.random.default_rng(settings.seed)
        self._rest = np.array([settings.n_ids - 1])
        self._order: list[int] = []

    def next(self, n_tokens: int) -> NDArray[np.int64]:
        """So many tokens; the last one is the first of the next time."""
        parts, size = [self._rest], len(self._rest)
        while size < n_tokens:
            if not self._order:
                self._order = self._generator.permutation(len(self._documents.offsets) - 1).tolist()
            k = self._order.pop()
            parts.append(self._documents.ids[self._documents.offsets[k] : self._documents.offsets[k + 1]])
            size += len(parts[-1])
        tokens = np.concatenate(parts)
        self._rest = tokens[n_tokens - 1 :]
        return tokens[:n_tokens]


def _schedule(done: float) -> float:
    if done < _WARMUP:
        return done / _WARMUP
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (done - _WARMUP) / (1 - _WARMUP)))


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
