"""Fixtures that many files share, and how thorough a run is.

A plain ``pytest`` is quick: it leaves out the tests marked ``slow``, runs one case of each test, and tries a property
on few examples. ``pytest -m ""`` runs everything, and a property on many.
"""

import gc
import io
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bytepiece import Model
from bytepiece.cli.main import main
from helpers.goldens import Goldens
from helpers.vocabularies import BYTES

N_EXAMPLES = {"quick": 5, "thorough": 100}
NO_GOLDENS = "no goldens in"


def is_quick(config):
    return config.getoption("markexpr") == "not slow"


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect without garbage collection, which would look at every test again and again: all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config, items):
    """Of a test with many cases, a quick run takes the first that is not slow."""
    if not is_quick(config):
        return
    kept = {}
    for item in items:
        if item.get_closest_marker("slow") is None:
            kept.setdefault(item.nodeid.partition("[")[0], item)
    config.hook.pytest_deselected(items=[*(set(items) - set(kept.values()))])
    items[:] = kept.values()


def pytest_configure(config):
    """Choose the number of examples, before the test files are imported, whose decorators use it."""
    run = "quick" if is_quick(config) else "thorough"
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
def goldens() -> Goldens:
    """What BytePiece made of some texts, where it is at hand."""
    folder = Path(os.environ.get("BYTEPIECE_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"{NO_GOLDENS} {folder}: CONTRIBUTING.md says how they are made, BYTEPIECE_SHARED where they are")
    return Goldens(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Give all tests skipped for want of goldens one place, so that the summary has one line for them."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and NO_GOLDENS in report.longrepr[2]:
        report.longrepr = (__file__, None, report.longrepr[2])
    return report


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


@pytest.fixture
def run(monkeypatch):
    """Run the command in this process: status, standard output and standard error."""

    monkeypatch.setattr("bytepiece.bars.DELAY", 600)  # no test expects a bar, however slow the machine is

    def run(*arguments, stdin=b""):
        out, err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8"))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit:
            status = exit.code or 0
        sys.stdout.flush()
        return status, out.getvalue(), err.getvalue().decode()

    return run


@pytest.fixture
def ok(run):
    """Run the command, which must succeed without a word on standard error; its standard output."""

    def ok(*arguments, stdin=b""):
        status, out, err = run(*arguments, stdin=stdin)
        assert (status, err) == (0, "")
        return out

    return ok


@pytest.fixture
def error(run):
    """Run the command, which must fail with one line on standard error and nothing else; that line."""

    def error(*arguments, stdin=b"", status=1):
        got, out, err = run(*arguments, stdin=stdin)
        assert (got, out) == (status, b"")
        assert re.fullmatch(r"bytepiece.*: .*\n", err), f"not one line: {err!r}"
        return err

    return error
