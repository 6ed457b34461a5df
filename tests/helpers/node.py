"""The modules of the page, run by Node."""

import atexit
import base64
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

import bytepiece.viewer
from bytepiece.viewer.packed_model import pack_model

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js (`node`), version 18 or later")

MODULES = Path(bytepiece.viewer.__file__).with_name("page")
DRIVER = Path(__file__).with_name("node_driver.mjs")


def as_json(value):
    """A text or bytes, as the driver reads them; anything else as it is."""
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


@cache
def driver():
    """The process that runs the page's modules, one for all tests of a session."""
    process = subprocess.Popen(["node", DRIVER, MODULES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)  # which ends it, by the end of its input
    return process


class Page:
    """Calls functions of the page on a model.

    >>> Page(tokenizer).call("encode", ["a text", b"bytes"])  # doctest: +SKIP
    """

    def __init__(self, tokenizer):
        self._model = base64.b64encode(pack_model(tokenizer.model, "model")).decode()

    def call(self, function, calls):
        """The result of a function of the driver for each of some calls, given by their arguments."""
        arguments = [[as_json(each) for each in (call if isinstance(call, tuple) else (call,))] for call in calls]
        request = {"model": self._model, "function": function, "calls": arguments}
        process = driver()
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert "failure" not in answer, answer["failure"]
        return answer["results"]
