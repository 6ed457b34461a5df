"""The n-th allocation fails, for every n: the answer is right, or there is a MemoryError, and nothing else is lost."""

import pytest

from helpers.processes import UNDER_ASAN

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(UNDER_ASAN, reason="AddressSanitizer's allocations do not reach the shim"),
]
CODE = """
import errno, gc, os
from bytepiece import Model, Tokenizer
from helpers.trainers import plain_trainer
from helpers.vocabularies import BYTE_COUNTS

model = Model.from_counts(BYTE_COUNTS | {b"ab": 5, b"abc": 3, b"bca": 4, "e\u0301x".encode(): 2}, None, ["<a>"])
lossy = Model.from_counts(BYTE_COUNTS | {b"ab": 5, "\u00e9x".encode(): 2}, {"normalization": "nfc"})
tokenizer, nfc = Tokenizer(model), Tokenizer(lossy)
text = "abcab\\nbcae\u0301x<a>\\n" * 40
texts = ["a clock and a boat\\n", "two boats, and 1 clock", ""] * 9

def train(**settings):
    trainer = plain_trainer(order=4, vocab_size=280, **settings)
    trainer.train(texts, 2, progress=False)
    return trainer.models[280]

CALLS = {
    "tokenizer": lambda: Tokenizer(model).encode(text),
    "encode": lambda: tokenizer.encode(text),
    "bytes": lambda: tokenizer.encode(text.encode()),
    "nfc": lambda: nfc.encode(text),
    "special": lambda: tokenizer.encode(text, allowed_special="all"),
    "batch": lambda: tokenizer.encode_batch([text, text.encode(), ""] * 5, 2),
    "array": lambda: tokenizer.encode_to_numpy(text, 2).tolist(),
    "stream": lambda: [*tokenizer.encode_stream([text[:50], text[50:]])],
    "iterator": lambda: [*tokenizer.encode(text, iter=True)],
    "offsets": lambda: tokenizer.encode_with_offsets(text).char_offsets.tolist(),
    "count": lambda: tokenizer.count(text),
    "nbest": lambda: tokenizer.nbest(text, 3),
    "draw": lambda: tokenizer.encode(text, alpha=0.3, seed=1),
    "entropy": lambda: tokenizer.entropy(text),
    "train": lambda: train(),
    "refine": lambda: train(refine_rounds=1, boundaries="words", refine_objective="likelihood"),
}

call, step = CALLS[sys.argv[1]], int(sys.argv[2])
expected = call()
assert call() == expected
gc.collect()
live = faults.live_allocations()
n = failed = 0
done = False
while not done:
    n += step
    faults.fault_allocations(n, errno.ENOMEM)
    try:
        found = call()
    except MemoryError:
        failed += 1
    else:
        assert found == expected
    done = faults.fault_allocations(0, 0) < n
    assert call() == expected, n
gc.collect()
assert faults.live_allocations() == live, (live, faults.live_allocations())
print(failed, n)
"""
CALLS = ["tokenizer", "encode", "bytes", "nfc", "special", "batch", "array", "stream", "iterator", "offsets", "count"]
CALLS += ["nbest", "draw", "entropy"]


@pytest.mark.parametrize("call", CALLS)
def test_each_allocation_of_a_call_may_fail(faulty, call):
    failed, _ = map(int, faulty(CODE, call, 1).split())
    assert failed > 0


@pytest.mark.parametrize("call", ["train", "refine"])
def test_allocations_of_a_training_may_fail(faulty, call):
    failed, _ = map(int, faulty(CODE, call, 3).split())
    assert failed > 0
