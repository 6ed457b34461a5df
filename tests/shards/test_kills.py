"""Shards of a program that is killed again and again (POSIX)."""

import os
import random
import signal
import subprocess
import sys

import pytest

from helpers.files import content
from helpers.processes import run_command

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs POSIX")]


def test_killed_and_started_again(tmp_path, model):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"".join(b"the cat sat on mat %d\n" % number for number in range(150_000)))
    model.save(tmp_path / "model")
    arguments = ["shards", path, "--model", tmp_path / "model", "--shard-tokens", "100000", "--quiet", "--output"]
    assert run_command(*arguments, tmp_path / "whole").returncode == 0
    chance = random.Random(0)
    for _ in range(6):
        command = [sys.executable, "-m", "bytepiece", *map(str, arguments), str(tmp_path / "out")]
        process = subprocess.Popen(command)
        try:
            process.wait(chance.uniform(0.3, 1.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert run_command(*arguments, tmp_path / "out").returncode == 0
    assert content(tmp_path / "out") == content(tmp_path / "whole")
