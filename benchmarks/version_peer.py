"""Encodes texts with the version of this project that the interpreter has; `versions.py` starts it."""

from __future__ import annotations

import json
import sys
import time
from hashlib import blake2b

import numpy as np
from texts import documents, label

from bytepiece import Tokenizer

TIMES = 15
"""The fastest of so many counts: hosts are slow for moments."""


def main(model: str, *corpora: str) -> None:
    """Print, for each corpus, the least seconds of each method over all documents, and a hash of the ids."""
    tokenizer = Tokenizer(model)
    figures = {}
    for path in corpora:
        texts = documents(path)
        ids = blake2b(b"".join(np.array(tokenizer.encode(text), dtype="<u4").tobytes() for text in texts))
        seconds = {}
        for name in ("encode", "encode_to_numpy"):
            encode, times = getattr(tokenizer, name), []
            for _ in range(TIMES):
                start = time.perf_counter()
                for text in texts:
                    encode(text)
                times.append(time.perf_counter() - start)
            seconds[name] = min(times)
        figures[label(path)] = {"seconds": seconds, "ids": ids.hexdigest()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
