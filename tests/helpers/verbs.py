"""Verbs that write, with small inputs: for tests in which something disturbs them."""

import os
import shutil
import signal
import threading
from pathlib import Path

from bytepiece import LocalEngine, Model
from bytepiece.cli import options
from bytepiece.cli.main import main
from bytepiece.training.resources import Resources
from helpers.files import content
from helpers.vocabularies import BYTE_COUNTS

_TRAIN = "train texts --vocab-size 270 --order 4 --quiet --refine-rounds 0 --output out --temp-dir ."
VERBS = {
    "encode": "encode --model model texts --output out",
    "decode": "decode --model model ids --output out",
    "count": "count texts --quiet --temp-dir . --output out",
    "merge": "merge counts counts --output out",
    "sample": "sample texts --quiet --output out",
    "train": _TRAIN,
    "checkpoint": _TRAIN + " --checkpoint saved",
    "engine": _TRAIN + " --checkpoint saved --engine ray",
    "refine": _TRAIN.replace("rounds 0", "rounds 1") + " --workers 2",
    "json": "convert model --to json out",
    "sentencepiece": "convert model --to sentencepiece --force out",
    "huggingface": "convert model --to huggingface out",
    "inspect": "inspect model --output out",
    "view": "view model --output out",
    "shards": "shards texts --model model --shard-tokens 200 --quiet --output out",
}
"""What each command is: the texts are in `texts`, the model in `model`, and it writes `out`, a file or a folder."""


def prepare(folder):
    """Go into a folder, and make there what the verbs read. Counts go to disk, and so does what tasks yield."""
    Resources.store_bytes = lambda self, taken=0: 2000
    options.RayEngine = lambda address, workers: LocalEngine(".", 1)
    os.chdir(folder)
    Path("texts").write_text("a clock and a boat\n" * 30)
    Path("ids").write_text("100 7 9 12\n" * 30)
    Model.from_counts(BYTE_COUNTS | {b"clock": 5}).save("model")


class Command:
    """A verb, to be run in processes of its own in the folder that was prepared.

    ``out`` is an old file before each run, or for some verbs a folder that is not there.
    """

    def __init__(self, verb):
        self.into_folder = verb in ("huggingface", "shards")
        self.arguments = VERBS[verb].split()
        if verb == "merge":
            assert main(["count", "texts", "--quiet", "--output", "counts"]) == 0

    def clean(self):
        for folder in ("out", "saved"):
            shutil.rmtree(folder, ignore_errors=True)
        if not self.into_folder:
            Path("out").write_text("old")

    def found(self):
        out = Path("out")
        if out.is_dir():
            return {name: data for name, data in content(out).items() if not name.endswith(".tmp")}
        return out.read_bytes() if out.exists() else None

    def run(self, disturb, note=lambda: 0):
        """What becomes of it, if the process begins with a call of ``disturb``.

        Returns its status, what it said on standard error, and what ``note`` gave in the end, an int.
        """
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            signal.alarm(60)  # a command that waits forever ends all the same
            disturb()
            status = main(self.arguments)
            os.write(writer, b"%d" % note())
            threading._shutdown()  # waits for what is still at work, as the end of Python does
            os._exit(status)
        os.close(writer)
        with open(reader, "rb") as noted:
            number = int(noted.read() or 0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), Path("said").read_text(), number
