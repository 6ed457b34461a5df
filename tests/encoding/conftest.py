"""A model with special tokens, and its tokenizers."""

import pytest

from bytepiece import Model, Tokenizer
from helpers.special import NAMES


@pytest.fixture(scope="module")
def model(byte_model):
    return byte_model.with_special_tokens(NAMES)


@pytest.fixture(scope="module")
def tokenizer(model):
    return Tokenizer(model)


@pytest.fixture(scope="module")
def nfc(model):
    return Tokenizer(Model(model.pieces, model.counts, {"normalization": "nfc"}, NAMES))
