"""Models and a corpus for the command."""

import pytest

from helpers.files import TEXT


@pytest.fixture(scope="module")
def model_path(tmp_path_factory, byte_model):
    path = tmp_path_factory.mktemp("model") / "my.model"
    byte_model.save(path)
    return str(path)


@pytest.fixture(scope="module")
def special_path(tmp_path_factory, byte_model):
    path = tmp_path_factory.mktemp("model") / "special.model"
    byte_model.with_special_tokens(["<a>", "\n\t", "all"]).save(path)
    return str(path)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT)
    return path
