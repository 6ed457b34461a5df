"""Models to be exported, and texts that they should encode as before."""

import random

from bytepiece import Model

NAMES = ["<|im_start|>", "tool call", "né"]

TEXTS = [
    "",
    "\n",
    "\n\n\nhello\n\nthe hello",
    "hello the he llo",
    "a\tb\r\nb\x00",
    "你好，世界 é e\u0301 😀\u2581",
    "<pad><bos><eos><unk><|im_start|>tool callné<0x41>",
    "  he  llo\n \n he",
    "\U0010ffff\ufffd\ufeff",
]


def id_of(model, piece):
    return model.first_id + model.pieces.index(piece)


def many_scores(n_counts=3000, seed=1):
    """A model with scores in plenty."""
    draw = random.Random(seed)
    counts = {bytes([byte]): draw.randint(1, 10**6) for byte in range(256)}
    counts |= {f"w{k:x}".encode(): int(10 ** draw.uniform(0, 9)) + 1 for k in range(n_counts)}
    return Model.from_counts(counts)
