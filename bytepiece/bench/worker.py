"""The program of a process that encodes with one tokenizer, as it is asked to.

It is run as a file, ``python worker.py MODULE MODEL``, by the Python that has the tokenizer, which need not have this
package. So it imports nothing of it. Each line of its input is a JSON list, the name of a method of `Worker` and its
arguments; each line of its output is an object with the ``result``, or the ``error`` as text.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import pickle
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any

__all__ = ["Worker", "open_tokenizer"]

Encode = Callable[[str], "list[int]"]

SHORTEST = 0.1
"""The least seconds of a measurement; an interruption would distort a shorter one."""

DIGEST_BYTES = 8


def open_tokenizer(module: str, path: str) -> Encode:
    """Load a model with a library: its public method that makes a list of ids of a text."""
    library = importlib.import_module(module)
    if module == "sentencepiece":
        encode: Encode = library.SentencePieceProcessor(model_file=path).encode
        return encode
    if module == "tokenizers":
        to_encoding = library.Tokenizer.from_file(path).encode
        return lambda text: to_encoding(text, add_special_tokens=False).ids
    encode = library.Tokenizer(path).encode  # BytePiece, whoever wrote it
    return encode


class Worker:
    """Encodes some texts with a tokenizer, one by one.

    Args:
        encode: makes a list of ids of a text.
    """

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._texts: list[str] = []

    def read(self, path: str) -> int:
        """Take the texts of a pickle; returns how many there are."""
        with open(path, "rb") as file:
            self._texts = pickle.load(file)
        return len(self._texts)

    def digest(self, path: str) -> int:
        """Write a digest of the ids of each text, `DIGEST_BYTES` each; returns the number of all ids."""
        n_ids = 0
        with open(path, "wb") as file:
            for text in self._texts:
                ids = self._encode(text)
                n_ids += len(ids)
                file.write(hashlib.blake2b(array("I", ids).tobytes(), digest_size=DIGEST_BYTES).digest())
        return n_ids

    def time(self) -> float:
        """The seconds to encode all texts once. An untimed pass first fills the caches, which other processes used.

        Passes are repeated until they take `SHORTEST` seconds together; the result is their mean.
        """
        self._encode_all()
        passes = 0
        seconds = 0.0
        start = time.perf_counter()
        while seconds < SHORTEST:
            self._encode_all()
            passes += 1
            seconds = time.perf_counter() - start
        return seconds / passes

    def _encode_all(self) -> None:
        encode = self._encode
        for text in self._texts:
            encode(text)


def main(module: str, path: str) -> None:
    """Answer questions until the input ends."""
    answers, worker = sys.stdout, None
    with contextlib.redirect_stdout(sys.stderr):  # what a library prints is no answer
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            try:
                worker = worker or Worker(open_tokenizer(module, path))
                answer: dict[str, Any] = {"result": getattr(worker, name)(*arguments)}
            except Exception as error:  # of whatever kind: it is not this library that raises it
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
