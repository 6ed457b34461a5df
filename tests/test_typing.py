"""Types: what mypy says of a user's script, right calls and wrong ones."""

import importlib
import os
import re
import sys
from pathlib import Path

import pytest

import bytepiece

PACKAGE = Path(bytepiece.__file__).parent
USAGE = Path(__file__).parent / "data" / "typing" / "usage.py"


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


COMPILED = sorted(
    ".".join([*path.relative_to(PACKAGE.parent).parent.parts, path.name.partition(".")[0]])
    for path in PACKAGE.rglob("*")
    if path.suffix in (".so", ".pyd")
)


@pytest.mark.parametrize("name", COMPILED)
def test_each_compiled_module_has_a_stub(name):
    module = importlib.import_module(name)
    own = [each for each, value in vars(module).items() if getattr(value, "__module__", None) == name]
    stub = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".pyi")
    assert stub.is_file() or not own  # what has nothing for Python needs none
    for each in own if stub.is_file() else ():
        assert re.search(rf"^(class|def|    def) {each}\b", stub.read_text(), re.M) or each.startswith("_")


@pytest.mark.slow
def test_wrong_calls_are_refused_and_right_ones_are_not(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api", reason="needs mypy")
    monkeypatch.chdir(tmp_path)  # where it finds no settings
    if not any(PACKAGE.is_relative_to(path) for path in sys.path if "site-packages" in path):
        monkeypatch.setenv("MYPYPATH", str(PACKAGE.parent))
    script = USAGE.read_text(encoding="utf-8")
    # silent: as for an installed package, whose own lines, and the stubs they want, are not the user's to mend
    options = ["--strict", "--follow-imports=silent", "--python-executable", sys.executable]
    output, errors, _ = api.run([*options, os.fspath(USAGE)])
    assert errors == ""
    refused = {(int(line), code) for line, code in re.findall(r"usage\.py:(\d+): error: .*\[([\w-]+)\]$", output, re.M)}
    expected = {
        (number, match[1])
        for number, line in enumerate(script.splitlines(), 1)
        if (match := re.search(r"# error: ([\w-]+)$", line))
    }
    assert refused == expected, output
    assert len(expected) > 30
    assert re.search(r"^Found \d+ errors in 1 file ", output, re.M), output
