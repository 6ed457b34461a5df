"""Vocabularies that language models are measured on: this project's and its peers', each lossless."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from kneser_ney import Documents
from trainers import ACROSS_SPACES

# SentencePiece has no pieces with newlines, and shows its own mark as a space.
_NEWLINE, _SPACE_MARK = "\ue000", "\u2581"


class Tokenizer(Protocol):
    """What all of them have."""

    pieces: list[bytes]
    """The bytes of each id."""

    def encode(self, texts: list[str]) -> list[Any]:
        """The ids of each text."""


class Vocabulary(NamedTuple):
    label: str
    train: Callable[[str, int, str], None]
    """Train on a .jsonl file, to so many ids, and save to a path."""
    open: Callable[[str], Tokenizer]


def texts_of(path: str) -> Iterator[str]:
    """The documents of a .jsonl file, but for those that SentencePiece cannot give back: left out for all."""
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            text = json.loads(line)["text"]
            if text and _NEWLINE not in text and _SPACE_MARK not in text:
                yield text


def held_out(path: str, n_bytes: int, longest: int) -> list[str]:
    """The first documents of a file, up to ``n_bytes`` in all, without those of more than ``longest`` bytes."""
    chosen, size = [], 0
    for text in texts_of(path):
        length = len(text.encode())
        if length <= longest:
            chosen.append(text)
            size += length
        if size >= n_bytes:
            break
    return chosen


def encode(tokenizer: Tokenizer, texts: Iterable[str], batch_size: int = 500) -> Documents:
    """Encode documents, each followed by an end token, which comes after all other ids.

    Raises ``ValueError`` where a document does not come back byte for byte.
    """
    arrays, lengths, batch = [], [0], []

    def flush() -> None:
        for text, ids in zip(batch, tokenizer.encode(batch), strict=True):
            if b"".join(map(tokenizer.pieces.__getitem__, ids)) != text.encode():
                raise ValueError(f"not lossless: {text[:100]!r}")
            arrays.append(np.append(np.asarray(ids, dtype=np.int64), len(tokenizer.pieces)))
            lengths.append(len(arrays[-1]))
        batch.clear()

    for text in texts:
        batch.append(text)
        if len(batch) == batch_size:
            flush()
    flush()
    return Documents(np.concatenate(arrays), np.cumsum(lengths))


# This project.


class _This:
    def __init__(self, path: str) -> None:
        from bytepiece import Tokenizer

        self._tokenizer = Tokenizer(path)
        self.pieces = [self._tokenizer.decode_bytes([id]) for id in range(self._tokenizer.vocab_size)]

    def encode(self, texts: list[str]) -> list[Any]:
        ids, offsets = self._tokenizer.encode_batch_to_numpy(texts, 1)
        return np.split(ids, offsets[1:-1])


def _this(settings: str) -> Vocabulary:
    """With settings of `bytepiece.Trainer`, written ``name=value,name=value``."""
    pairs = [setting.partition("=") for setting in settings.split(",") if setting]
    values = {name: _value(value) for name, _, value in pairs}

    def train(path: str, size: int, output: str) -> None:
        from bytepiece import Trainer

        trainer = Trainer(vocab_size=size, **values)
        trainer.train(list(texts_of(path)), workers=1, progress=False)
        trainer.save(output)

    return Vocabulary(", ".join(["this project", *filter(None, settings.split(","))]), train, _This)


def _value(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


# SentencePiece.


class _SentencePiece:
    def __init__(self, path: str) -> None:
        from sentencepiece import SentencePieceProcessor

        self._processor = SentencePieceProcessor(model_file=path)
        self.pieces = [self._piece(id) for id in range(self._processor.get_piece_size())]

    def _piece(self, id: int) -> bytes:
        piece = self._processor.id_to_piece(id)
        if self._processor.is_byte(id):
            return bytes([int(piece[1:-1], 16)])
        return piece.replace(_SPACE_MARK, " ").replace(_NEWLINE, "\n").encode()  # type: ignore[no-any-return]

    def encode(self, texts: list[str]) -> list[Any]:
        return self._processor.encode([text.replace("\n", _NEWLINE) for text in texts])  # type: ignore[no-any-return]


def _sentencepiece(label: str, **settings: Any) -> Vocabulary:
    def train(path: str, size: int, output: str) -> None:
        from sentencepiece import SentencePieceTrainer

        lines = (line for text in texts_of(path) for line in text.split("\n") if line)
        with open(output, "wb") as file:
            SentencePieceTrainer.train(
                sentence_iterator=lines,
                model_writer=file,
                vocab_size=size,
                num_threads=1,
                byte_fallback=True,
                # Each character that is covered takes an id, and those of this corpus are 5,000 at 0.9995.
                character_coverage=0.9995 if size >= 8000 else 0.98,
                normalization_rule_name="identity",
                add_dummy_prefix=False,
                remove_extra_whitespaces=False,
                max_sentence_length=100_000_000,
                user_defined_symbols=[_NEWLINE, 2 * _NEWLINE],
                minloglevel=1,
                **settings,
            )

    return Vocabulary(label, train, _SentencePiece)


# Hugging Face tokenizers.


class _HuggingFace:
    def __init__(self, path: str) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(path)
        shown = [*range(33, 127), *range(161, 173), *range(174, 256)]  # GPT-2's alphabet of bytes
        hidden = [byte for byte in range(256) if byte not in shown]
        byte_of = {chr(byte): byte for byte in shown} | {chr(256 + k): byte for k, byte in enumerate(hidden)}
        size = self._tokenizer.get_vocab_size()
        self.pieces = [bytes(map(byte_of.__getitem__, self._tokenizer.id_to_token(id))) for id in range(size)]

    def encode(self, texts: list[str]) -> list[Any]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]


def _train_huggingface(path: str, size: int, output: str) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts_of(path), trainer)
    tokenizer.save(output)


PEERS = {
    "hf-bpe": Vocabulary("Hugging Face BPE", _train_huggingface, _HuggingFace),
    "sp-bpe": _sentencepiece("SentencePiece BPE, words", model_type="bpe"),
    "sp-bpe-spaces": _sentencepiece(
        "SentencePiece BPE, across spaces", allow_whitespace_only_pieces=True, **ACROSS_SPACES
    ),
    "sp-unigram": _sentencepiece("SentencePiece unigram, words", model_type="unigram"),
}


def vocabulary(name: str) -> Vocabulary:
    """A peer, or ``this:name=value,...``."""
    if name in PEERS:
        return PEERS[name]
    head, _, settings = name.partition(":")
    if head != "this":
        raise SystemExit(f"{name!r} is neither this:SETTINGS nor one of {', '.join(PEERS)}")
    return _this(settings)
