"""A signal at the n-th step of writing, or at an allocation: the output is as it was or whole, and no file stays."""

import pytest

from helpers.verbs import VERBS

CODE = """
import os, shutil, signal
from pathlib import Path
from helpers.verbs import Command, prepare

prepare(sys.argv[1])
command, number = Command(sys.argv[2]), getattr(signal, sys.argv[3])
signal.signal(signal.SIGINT, signal.default_int_handler)  # which ``nohup`` and shells in the background ignore
signal.signal(signal.SIGTERM, signal.SIG_DFL)

def run(set_fault, at):
    return command.run(lambda: set_fault(at, -number), lambda: set_fault(0, 0))

def temporary():
    return [str(path) for path in Path().rglob("*") if path.name.endswith(".tmp") or path.name.startswith("bytepiece-")]

command.clean()
before, far, n_ended = command.found(), 2**30, 0
for set_fault, most in ((faults.fault_writes, 20), (faults.fault_allocations, 5)):
    command.clean()
    status, usual, n_events = run(set_fault, far)
    assert status == 0, usual
    expected = command.found()
    for at in range(1, n_events + 1, -(-n_events // most) or 1):
        command.clean()
        status, said, _ = run(set_fault, at)
        n_ended += status != 0
        if number == signal.SIGKILL:
            assert status == -number
        elif status:
            assert status == 128 + number and 1 <= said.count("\\n") <= 1 + usual.count("\\n"), (at, status, said)
            assert not temporary(), (at, temporary())
        if not command.into_folder:
            assert command.found() in (before, expected), at
        if at % 4 == 0:
            assert run(set_fault, far)[0] == 0
            assert command.found() == expected, at
        for path in temporary():
            shutil.rmtree(path) if os.path.isdir(path) else Path(path).unlink(missing_ok=True)
print(n_ended)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
@pytest.mark.parametrize("verb", VERBS)
def test_signals_at_many_moments(faulty, tmp_path, verb, name):
    assert int(faulty(CODE, tmp_path, verb, name)) > 0
