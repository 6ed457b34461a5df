"""The n-th step of writing fails, for every n, on a full disk or a broken one: one line, and nothing half-written."""

import pytest

CODE = """
import contextlib, errno, gc, io, os
from pathlib import Path
from bytepiece.cli.main import main
from helpers.verbs import VERBS, prepare

prepare(sys.argv[1])
arguments = VERBS[sys.argv[2]].split()
error, n, step = getattr(errno, sys.argv[3]), 0, 1
while True:
    n += step
    Path("out").write_text("old")
    before = {*os.listdir()} | {"saved"}
    err = io.StringIO()
    faults.fault_writes(n, error)
    with contextlib.redirect_stderr(err):
        status = main(arguments)
    done = faults.fault_writes(0, 0) < n
    gc.collect()  # an engine that failed removes its folder when it goes, at the end of the process at last
    left = {*os.listdir()} | ({*os.listdir("saved")} if os.path.exists("saved") else set())
    assert not [name for name in left if name.endswith(".tmp")], (n, left)
    if done:
        assert status == 0, err.getvalue()
        break
    if status:
        said = err.getvalue()
        assert said.count("\\n") == 1 and os.strerror(error) in said, (n, said)
        assert Path("out").read_text() == "old"
        assert {*os.listdir()} <= before
assert Path("out").read_bytes() != b"old"
print(n)
"""


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize(
    "verb", ["encode", "count", "sample", "train", "checkpoint", "engine", "json", "sentencepiece", "inspect"]
)
@pytest.mark.slow
def test_each_step_of_writing_may_fail(faulty, tmp_path, verb, error):
    assert int(faulty(CODE, tmp_path, verb, error)) > 1


@pytest.mark.slow
def test_the_training_goes_on_after_a_full_disk(faulty, tmp_path):
    """The checkpoint is whole, whatever step failed; the model is that of a training without faults."""
    code = (
        CODE
        + """
again = Path("out").read_bytes()
assert main(VERBS["train"].split()) == 0
assert Path("out").read_bytes() == again
"""
    )
    faulty(code, tmp_path, "checkpoint", "ENOSPC")
