"""The command in a process of its own: pipes, closed streams and full disks."""

import re
import signal
import subprocess
import sys
import time

import pytest

from helpers.processes import needs_bash, needs_dev_full, needs_posix, run_command, run_python, shell

VERBS_WITH_MODEL = [("encode", "--model"), ("tokenize", "--model"), ("decode", "--model"), ("vocab",)]


class TestOwnProcess:
    """Behaviour that depends on real streams."""

    def test_error(self, tmp_path):
        done = run_command("vocab", tmp_path / "nothing")
        assert (done.returncode, done.stdout) == (1, b"")
        assert re.fullmatch(rb"bytepiece vocab: .*nothing: No such file or directory\n", done.stderr)

    @pytest.mark.slow
    def test_wrong_usage(self):
        done = run_command("vocab")
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)

    @pytest.mark.slow
    @needs_bash
    @pytest.mark.parametrize("verb", ["encode", "tokenize"])
    def test_closed_pipe_is_silent(self, model_path, tmp_path, verb):
        (tmp_path / "long").write_bytes(b"the end\n" * 100_000)
        status, err = shell(f'$bytepiece {verb} --model "$M" "$F" | head -1', M=model_path, F=tmp_path / "long")
        assert (status, err) == (141, "")  # as of other programs: 128 + SIGPIPE

    @pytest.mark.slow
    @needs_bash
    def test_pipe_closed_before_the_first_byte_is_silent(self, model_path):
        status, err = shell('{ sleep 0.2; $bytepiece vocab "$M"; } | true', M=model_path)
        assert (status, err) == (141, "")

    @pytest.mark.slow
    @needs_dev_full
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_full_disk_behind_standard_output(self, model_path, verb):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "bytepiece", *verb, model_path],
                input=b"107 13\n",
                stdout=full,
                stderr=subprocess.PIPE,
            )
        assert (done.returncode, done.stderr) == (1, f"bytepiece {verb[0]}: No space left on device\n".encode())

    @needs_dev_full
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_full_disk_behind_output(self, error, model_path, verb):
        err = error(*verb, model_path, "--output", "/dev/full", stdin=b"107 13\n")
        assert "No space left on device" in err

    @needs_dev_full
    def test_full_disk_in_training(self, error, corpus):
        assert "No space left" in error("train", corpus, "--vocab-size", 300, "--output", "/dev/full")

    @pytest.mark.slow
    @needs_bash
    @pytest.mark.parametrize(
        "script",
        [
            '$bytepiece vocab "$M" >&-',
            '$bytepiece encode --model "$M" <&-',
            '$bytepiece decode --model "$M" <&- >&-',
        ],
    )
    def test_closed_standard_stream_is_one_line(self, model_path, script):
        status, err = shell(script, M=model_path)
        assert status == 1
        assert re.fullmatch(r"bytepiece \w+: .*standard.*\n", err)

    @pytest.mark.slow
    @needs_bash
    def test_training_needs_no_standard_streams(self, corpus, tmp_path):
        script = '$bytepiece train --quiet "$C" --vocab-size 300 --output "$M" <&- >&-'
        assert shell(script, C=corpus, M=tmp_path / "m") == (0, "")

    @pytest.mark.slow
    @needs_bash
    def test_output_to_the_device_of_standard_output(self, model_path, tmp_path):
        script = 'cd "$D" && $bytepiece vocab "$M" --output /dev/stdout | cat > out'
        assert shell(script, M=model_path, D=tmp_path) == (0, "")
        assert (tmp_path / "out").read_bytes() == run_command("vocab", model_path).stdout


@needs_posix
@pytest.mark.slow
class TestSignals:
    """Ctrl-C, and how a cluster ends a job: nothing half-written stays."""

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
    def test_end_the_command_and_leave_no_file(self, model_path, tmp_path, name):
        command = [sys.executable, "-m", "bytepiece", "encode", "--model", model_path, "--output", tmp_path / "ids"]
        number = getattr(signal, name)
        before = signal.signal(number, signal.SIG_DFL)  # the tests may run where it is ignored, as under nohup
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        finally:
            signal.signal(number, before)
        with process:
            while not [*tmp_path.iterdir()]:
                time.sleep(0.01)
            process.send_signal(number)
            said = process.stderr.read()
        says = b"interrupted" if name == "SIGINT" else b"ended by " + name.encode()
        assert (process.returncode, said) == (128 + number, b"bytepiece encode: " + says + b"\n")
        assert [*tmp_path.iterdir()] == []

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
    def test_come_again_where_python_drops_the_error(self, name):
        """As in the callback of a weak reference, which imports have."""
        code = """
            import signal, sys, time, weakref
            from bytepiece.cli.main import _Ended, _signals_raised
            signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where it is ignored
            try:
                with _signals_raised():
                    thing = set()
                    reference = weakref.ref(thing, lambda _: signal.raise_signal(getattr(signal, sys.argv[1])))
                    del thing
                    time.sleep(60)
            except (_Ended, KeyboardInterrupt):
                sys.exit(7)
        """
        ended = run_python(code, name)
        assert (ended.returncode, ended.stderr) == (7, "")

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
    def test_come_again_where_a_lock_is_taken(self, name):
        """An error there would leave it locked for good; where a thread only waits, it comes at once."""
        code = """
            import functools, signal, sys, threading, time, types
            from bytepiece.cli.main import _Ended, _signals_raised
            signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where it is ignored
            number = getattr(signal, sys.argv[1])
            condition, taken = threading.Condition(), []
            condition._lock = types.SimpleNamespace(__enter__=functools.partial(signal.raise_signal, number))
            try:
                with _signals_raised():
                    condition.__enter__()
                    taken.append(True)
                    threading.Event().wait(60)
            except (_Ended, KeyboardInterrupt):
                sys.exit(7 if taken else 8)
        """
        ended = run_python(code, name)
        assert (ended.returncode, ended.stderr) == (7, "")

    def test_what_is_ignored_stays_so(self, model_path):
        """As by ``nohup``."""
        code = """
            import signal, sys
            from bytepiece.cli.main import main
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            assert main(["vocab", sys.argv[1]]) == 0
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        """
        assert run_python(code, model_path).returncode == 0
