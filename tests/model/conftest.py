"""Model files."""

import json

import pytest

from bytepiece import Model


@pytest.fixture(scope="module")
def own(byte_model, tmp_path_factory):
    """The bytes of a small model file in this project's format."""
    path = tmp_path_factory.mktemp("own") / "m"
    byte_model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def rows(byte_model, tmp_path_factory):
    """The rows of a small model file in BytePiece's JSON: [key, [id, text, count]]."""
    path = tmp_path_factory.mktemp("json") / "m"
    byte_model.save(path, "json")
    return [[key, row] for key, row in json.loads(path.read_bytes()).items()]


@pytest.fixture
def load(tmp_path):
    """Load a model file of the bytes given."""

    def load(data):
        (tmp_path / "m").write_bytes(data)
        return Model.load(tmp_path / "m")

    return load
