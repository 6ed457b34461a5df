"""Fixtures that many files share, and how thorough a run is.

A plain ``pytest`` is quick: it leaves out the tests marked ``slow``, and tries a property on few examples.
``pytest -m ""`` runs everything, and a property on many.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bytepiece import Model

BYTES = [bytes([byte]) for byte in range(256)]
N_EXAMPLES = {"quick": 20, "thorough": 100}


def pytest_configure(config):
    """Choose the number of examples, before the test files are imported, whose decorators use it."""
    run = "quick" if config.getoption("markexpr") == "not slow" else "thorough"
    for name, n in N_EXAMPLES.items():
        # No complaint about a busy machine, nor about a folder that all examples of a test share.
        unchecked = [HealthCheck.function_scoped_fixture]
        settings.register_profile(name, deadline=None, max_examples=n, suppress_health_check=unchecked)
        # Where a change lands: the same examples each time.
        unchecked = [*unchecked, HealthCheck.too_slow, HealthCheck.data_too_large]
        settings.register_profile(
            f"{name}-ci", deadline=None, max_examples=n, suppress_health_check=unchecked, derandomize=True
        )
    settings.load_profile(f"{run}-ci" if os.environ.get("CI") else run)


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


@pytest.fixture
def zstd():
    return pytest.importorskip("zstandard")


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def write_parquet(arrow, tmp_path):
    """Write columns to a parquet file, and return its path."""
    from pyarrow import parquet

    def write(name="a.parquet", *, row_group_size=None, types=None, **columns):
        table = arrow.table({name: arrow.array(values, (types or {}).get(name)) for name, values in columns.items()})
        parquet.write_table(table, tmp_path / name, row_group_size=row_group_size, write_page_checksum=True)
        return tmp_path / name

    return write
