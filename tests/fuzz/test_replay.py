"""The targets of fuzzing run with the inputs where fuzzing begins, and with those that once found a defect."""

import random

import pytest

from fuzz.seeds import seeds
from fuzz.targets import TARGETS

SEEDS = seeds()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_find_nothing(name):
    for data in SEEDS[name]:
        TARGETS[name](data)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_mutated_seeds_find_nothing(name):
    """A few hundred steps of fuzzing that is not guided."""
    generator = random.Random(name)
    for _ in range(300):
        data = bytearray(generator.choice(SEEDS[name]))
        for _ in range(generator.randint(1, 4)):
            begin = generator.randrange(len(data) + 1)
            end = min(len(data), begin + generator.choice([0, 1, 1, 1, 2, 8, 30]))
            data[begin:end] = generator.choice([b"", generator.randbytes(end - begin), data[:8], b"\0", b"\xff"])
        TARGETS[name](bytes(data))
