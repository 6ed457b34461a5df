"""The command in a process of its own: pipes, closed streams and full disks."""

import re
import subprocess
import sys

import pytest

from helpers.processes import needs_bash, needs_dev_full, run_command, shell

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
