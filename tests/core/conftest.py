"""Vocabularies in which pieces overlap, and what segments with them."""

import pytest

from helpers.segmenters import byte_core, core, twin
from helpers.vocabularies import random_text, random_vocabulary, tokenizer_of


@pytest.fixture(params=[core, byte_core, twin], ids=["core", "core by bytes", "reference"], scope="module")
def make(request):
    """Makes the function that cuts a text into pieces, of counted pieces; every test runs on both twins."""
    return request.param


@pytest.fixture(scope="module")
def overlapping():
    return random_vocabulary(1, b"ab\n\xff", 200)


@pytest.fixture(scope="module")
def tokenizer(overlapping):
    return tokenizer_of(overlapping)


@pytest.fixture(scope="module")
def long_text(overlapping):
    return random_text(2, overlapping, 60_000)
