"""Too little memory, too few open files, a folder that cannot be written: one line, and nothing half-written."""

import sys
from pathlib import Path

import pytest

from helpers.processes import UNDER_ASAN, run_python
from helpers.verbs import VERBS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")]

CODE = """
import os, resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from bytepiece.cli.main import main
from helpers.verbs import Command, prepare

prepare(sys.argv[2])
command = Command(sys.argv[3])

def check(limit, name):
    # Whether the command came to its end; None where it was waiting.
    command.clean()
    before, others = command.found(), {*os.listdir()} | {"saved", "out"}
    status, said, _ = command.run(limit)
    if status == -signal.SIGALRM:
        return None
    if status == 0:
        assert said == usual and command.found() == expected, (name, said)
        return True
    assert status == 1 and said.count("\\n") == 1 and said.startswith("bytepiece "), (name, status, said[-2000:])
    assert command.into_folder or command.found() == before, name
    assert {*os.listdir()} <= others, (name, os.listdir())
    return False

command.clean()
status, usual, _ = command.run(lambda: None)
assert status == 0, usual
expected = command.found()
"""
MEMORY = """
def most(n_bytes):
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, resource.RLIM_INFINITY))

# With less than a thread needs for its stack, CPython may wait forever for one that ended before it began.
threaded = ("encode", "decode", "count", "train", "checkpoint", "refine", "sample", "shards")
least = 13 if sys.argv[3] in threaded else 0
ends = [check(most(int((least + n) * 2**20)), n) for n in (0, 1 / 4, 1, 3, 9, 30)]
assert ends[-1], ends
assert None not in ends or sys.argv[3] in threaded, ends
"""
FILES = """
def most(n):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))

ends = [check(most(n), n) for n in range(3, 31, 3)]
assert not ends[0] and ends[-1] and None not in ends, ends
"""
CLOSED = """
def nobody():
    if os.getuid() == 0:
        os.setuid(65534)  # root may write everywhere

# Once before, for what Python imports late: nobody may not read an environment that is root's alone.
assert main(command.arguments) == 0
command.clean()
Path("out").unlink(missing_ok=True)
before = {*os.listdir()}
os.chmod(".", 0o555)
status, said, _ = command.run(nobody)
os.chmod(".", 0o755)
assert (status, said.count("\\n")) == (1, 1) and "Permission denied" in said, said
assert {*os.listdir()} == before
"""


@pytest.mark.parametrize("fault", [MEMORY, FILES, CLOSED], ids=["memory", "files", "folder"])
# The folder of an engine goes when the process ends, which these processes do not wait for.
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "engine"])
def test_faults(tmp_path, verb, fault):
    if fault is MEMORY and UNDER_ASAN:
        pytest.skip("AddressSanitizer has no memory to report with where addresses are limited")
    done = run_python(CODE + fault, Path(__file__).parents[1], tmp_path, verb)
    assert done.returncode == 0, done.stderr[-3000:]
