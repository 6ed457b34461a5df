"""The n-th step of writing fails, for every n, on a full disk or a broken one: one line, and nothing half-written."""

import pytest

CODE = """
import contextlib, errno, gc, io, os
from pathlib import Path
from bytepiece import LocalEngine, Model
from bytepiece.cli import options
from bytepiece.cli.main import main
from bytepiece.training import resources
from helpers.vocabularies import BYTE_COUNTS

resources.Resources.store_bytes = lambda self, taken=0: 2000  # so that counts go to disk
options.RayEngine = lambda address, workers: LocalEngine(".", 1)  # what tasks yield goes through files
os.chdir(sys.argv[1])
Path("texts").write_text("a clock and a boat\\n" * 30)
Model.from_counts(BYTE_COUNTS | {b"clock": 5}).save("model")
for name in ("out", "report"):
    Path(name).write_text("old")
train = "train texts --vocab-size 270 --order 4 --quiet --refine-rounds 0 --output out --temp-dir ."
VERBS = {
    "encode": "encode --model model texts --output out",
    "count": "count texts --quiet --temp-dir . --output out",
    "sample": "sample texts --quiet --output out",
    "train": train,
    "checkpoint": train + " --checkpoint saved",
    "engine": train + " --checkpoint saved --engine ray",
    "json": "convert model --to json out",
    "sentencepiece": "convert model --to sentencepiece --force out",
    "inspect": "inspect model --output out",
}
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
assert main(train.split()) == 0
assert Path("out").read_bytes() == again
"""
    )
    faulty(code, tmp_path, "checkpoint", "ENOSPC")
