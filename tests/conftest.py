"""Fixtures that many files share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bytepiece import Model

BYTES = [bytes([byte]) for byte in range(256)]

# Where a change lands, the same examples each time, and no complaint about a machine that is slow or busy.
settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def byte_model() -> Model:
    """The 256 single bytes and a few pieces, in the order of trained models."""
    counts = dict.fromkeys(BYTES, 1)
    counts |= {b"he": 20, b"llo": 30, b"\n\n": 5, b" the": 40, "é".encode(): 7, "你好".encode(): 9, b"a\tb": 3}
    return Model.from_counts(counts)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ``shared`` beside the checkout: goldens, published models, corpora."""
    path = Path(os.environ.get("BYTEPIECE_SHARED") or Path(__file__).parents[2] / "shared")
    if not path.is_dir():
        pytest.skip(f"needs ../shared: {path} is not there")
    return path
