"""One Tokenizer in many threads that do everything at once: the results are those of one thread."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest

from bytepiece import Model, Tokenizer
from bytepiece.encoding import encoder
from helpers.vocabularies import BYTE_COUNTS

N_THREADS = 16
PIECES = {"ab": 5, "abc": 3, "bca": 4, "e\u0301x": 2, "é": 3, "你好": 4, "a\n": 2}
TEXTS = ["abcab\nbca e\u0301x<a>\n" * 9, "你好 é" * 20, "", "a" * 300, "\n" * 40, "x\0y" * 30]


def everything(tokenizer, text):
    """What each method makes of a text."""
    ids = tokenizer.encode(text)
    return [
        ids,
        tokenizer.encode(text.encode()),
        tokenizer.encode(text, allowed_special="all"),
        tokenizer.encode_to_numpy(text, 2).tolist(),
        tokenizer.encode_batch([text, text], 2),
        [*tokenizer.encode(text, iter=True)],
        [*tokenizer.encode_stream([text[:7], text[7:]])],
        tokenizer.encode_with_offsets(text).char_offsets.tolist(),
        tokenizer.count(text),
        tokenizer.tokenize(text),
        tokenizer.encode(text, alpha=0.3, seed=5),
        tokenizer.nbest(text[:50], 3),
        tokenizer.entropy(text[:50]),
        tokenizer.decode(ids),
        tokenizer.decode_bytes(ids),
    ]


@pytest.mark.slow
def test_threads_that_need_an_automaton_at_once_share_it(monkeypatch):
    """Weights belong to one automaton. Before Python 3.12, the second thread waits for the first."""
    model = Model.from_counts(BYTE_COUNTS | {"é".encode(): 3, "你好".encode(): 4})
    tokenizer = Tokenizer(model)
    barrier = Barrier(2)
    make = encoder.Automaton

    def together(*arguments):
        with suppress(BrokenBarrierError):
            barrier.wait(0.2)
        return make(*arguments)

    monkeypatch.setattr(encoder, "Automaton", together)
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(lambda: tokenizer._encoder._byte_automaton) for _ in range(2)]
    first, second = (each.result() for each in found)
    assert first is second is tokenizer._encoder._byte_automaton
    assert first is not tokenizer._encoder._automaton


@pytest.mark.parametrize("normalization", [None, "nfc"])
def test_threads_give_what_one_gives(normalization):
    model = Model.from_counts(
        BYTE_COUNTS | {k.encode(): n for k, n in PIECES.items()}, {"normalization": normalization}, ["<a>"]
    )
    expected = [everything(Tokenizer(model), text) for text in TEXTS]
    tokenizer = Tokenizer(model)  # of which no thread has used anything yet
    barrier = Barrier(N_THREADS)

    def work(number):
        order = random.Random(number).sample(range(len(TEXTS)), len(TEXTS))
        barrier.wait()
        return {k: everything(tokenizer, TEXTS[k]) for k in order}

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(N_THREADS) as threads:
            found = list(threads.map(work, range(N_THREADS)))
    finally:
        sys.setswitchinterval(interval)
    for results in found:
        assert [results[k] for k in range(len(TEXTS))] == expected
