"""Costs: a search for texts and vocabularies on which a byte costs much more work than in ordinary text (Linux, gcc).

Work is counted, not timed: basic blocks of the kernels, and words that they move, compare and search. So the search
finds the same on a busy machine. It needs a build that counts; what Python itself does is not counted:

    BYTEPIECE_BUILD=work python setup.py -q build_ext --inplace --force
    gcc -O2 -fno-builtin -fno-tree-loop-distribute-patterns -shared -fPIC -o work.so benchmarks/work.c
    LD_PRELOAD=$PWD/work.so python benchmarks/costs.py work.so README.md docs/*.md
"""

from __future__ import annotations

import argparse
import ctypes
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from timing import progress, table

from bytepiece import Model, Tokenizer, Trainer

SIZE = 4000
"""Bytes of a text: so many that what a call costs by itself does not count."""

SPECIAL = ["<|im_start|>", "<|im_end|>", "<a>", "<aa>"]

PARTS = [*SPECIAL, "\u0301\u0323", "e\u0301", "\u1112\u1161\u11ab", "你", "🙂"]
"""What comes into texts beside pieces and bytes: special tokens, what NFC composes, characters of several bytes."""


class Method(NamedTuple):
    call: Callable[[Tokenizer, bytes], object]
    normalization: str | None = None


def string(text: bytes) -> str:
    """A text without what is no UTF-8: it is never longer, so what a byte costs is not overstated."""
    return text.decode(errors="ignore")


METHODS = {
    "encode": Method(lambda t, text: t.encode(text)),
    "encode, str": Method(lambda t, text: t.encode(string(text))),
    "encode, str, NFC": Method(lambda t, text: t.encode(string(text)), "nfc"),
    "count": Method(lambda t, text: t.count(text)),
    "encode_with_offsets": Method(lambda t, text: t.encode_with_offsets(text)),
    "encode_with_offsets, str, NFC": Method(lambda t, text: t.encode_with_offsets(string(text)), "nfc"),
    "encode_stream": Method(lambda t, text: [*t.encode_stream([text])]),
    "encode_stream, 1 byte a chunk": Method(lambda t, text: [*t.encode_stream([text[k : k + 1] for k in range(SIZE)])]),
    "special tokens": Method(lambda t, text: t.encode(text, allowed_special="all")),
    "sampling": Method(lambda t, text: t.encode(text, alpha=0.3, seed=0)),
    "nbest(5)": Method(lambda t, text: t.nbest(text, 5)),
    "entropy": Method(lambda t, text: t.entropy(text)),
}


class Search:
    """Hill climbing: a change stays if a byte costs no less.

    Args:
        take_work: the work since the last call.
        ordinary: a text that begins the search, and with which its results are compared.
        chance: decides.
    """

    def __init__(self, take_work: Callable[[], int], ordinary: bytes, chance: random.Random) -> None:
        self._take_work = take_work
        self._ordinary = ordinary
        self._chance = chance

    def work(self, method: Method, tokenizer: Tokenizer, text: bytes) -> float:
        """What a byte costs, without what only the first call does."""
        method.call(tokenizer, text)
        self._take_work()
        method.call(tokenizer, text)
        return self._take_work() / len(text)

    def of_text(self, method: Method, tokenizer: Tokenizer, steps: int) -> tuple[float, float, bytes]:
        """What a byte of ordinary text costs, the most that was found, and the text."""
        pieces = [piece for piece in tokenizer.model.pieces if len(piece) > 1]
        text = self._ordinary
        first = best = self.work(method, tokenizer, text)
        for _ in range(steps):
            changed = self._changed(text, pieces)
            if (found := self.work(method, tokenizer, changed)) >= best:
                best, text = found, changed
        return first, best, text

    def of_vocabulary(self, method: Method, steps: int) -> tuple[float, bytes, list[bytes]]:
        """The most that was found with a vocabulary of 40 pieces of up to 32 bytes; its text, and its pieces."""
        pieces = {bytes(self._chance.choices(b"ab\n", k=self._chance.randint(2, 8))) for _ in range(40)}
        text = bytes(self._chance.choices(b"ab", k=SIZE))
        best = 0.0
        for _ in range(steps):
            new_text, new_pieces = text, pieces
            if self._chance.random() < 0.5:
                new_text = self._changed(text, sorted(pieces))
            else:
                kept = self._chance.sample(sorted(pieces), len(pieces) - 1)
                piece = self._chance.choice(kept) + self._chance.choice([b"a", b"b", b"\n", *kept])
                new_pieces = {*kept, self._chance.choice([piece, piece[::-1]])[:32]}
            counts = dict.fromkeys(sorted(new_pieces), 1)
            tokenizer = Tokenizer(Model.from_counts(counts, {"normalization": method.normalization}, SPECIAL))
            if (found := self.work(method, tokenizer, new_text)) >= best:
                best, text, pieces = found, new_text, new_pieces
        return best, text, sorted(pieces)

    def _changed(self, text: bytes, pieces: list[bytes]) -> bytes:
        """A text of the same length, in which something is repeated, inserted or replaced."""
        chance = self._chance
        begin = chance.randrange(len(text))
        end = begin + min(int(chance.paretovariate(0.5)), len(text))
        parts = [text[begin:end], b"".join(chance.choices(pieces, k=3)), chance.randbytes(2), b"\n"]
        part = chance.choice([*parts, chance.choice(PARTS).encode()])
        part *= chance.choice([1, 1, 2, 30, 5000])
        at = chance.randrange(len(text))
        replaced = chance.choice([len(part), 0])
        return (text[:at] + part[: SIZE - at] + text[at + replaced :])[:SIZE]


def shown(text: bytes) -> str:
    return f"`{text[1000:1020]!r}`".replace("|", "\\|")


def rows_of(search: Search, tokenizers: dict[str | None, Tokenizer], steps: int) -> Iterator[list[str]]:
    for name, method in METHODS.items():
        progress(name)
        ordinary, found, text = search.of_text(method, tokenizers[method.normalization], steps)
        most, other, pieces = search.of_vocabulary(method, steps)
        ratios = [f"{ordinary:.1f}", f"{found / ordinary:.1f}", shown(text), f"{most / ordinary:.1f}", shown(other)]
        yield [name, *ratios, str(max(map(len, pieces)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counter", help="the library made of work.c")
    parser.add_argument("texts", nargs="+", metavar="FILE", help="ordinary text, and what the vocabulary is made of")
    parser.add_argument("--steps", type=int, default=3000, metavar="N", help="of each search (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    take_work = ctypes.CDLL(str(Path(options.counter).resolve())).take_work
    take_work.restype = ctypes.c_uint64
    text = "\n".join([Path(path).read_text(encoding="utf-8") for path in options.texts])
    trainer = Trainer(vocab_size=4000, min_count=2, special_tokens=SPECIAL)
    trainer.train(text.splitlines(keepends=True), progress=False)
    model = trainer.models[4000]
    tokenizers = {
        form: Tokenizer(Model(model.pieces, model.counts, model.settings | {"normalization": form}, SPECIAL))
        for form in (None, "nfc")
    }
    search = Search(take_work, text.encode()[:SIZE], random.Random(options.seed))
    assert search.work(METHODS["encode"], tokenizers[None], text.encode()[:SIZE]), "nothing is counted: see --help"

    print(f"{options.steps} steps of each search, texts of {SIZE} bytes, work for a byte.\n")
    head = ["", "ordinary text", "the most found, ratio", "in", "other vocabularies, ratio", "in", "longest piece"]
    table(head, rows_of(search, tokenizers, options.steps))


if __name__ == "__main__":
    main()
