"""The modules of the page, run by Node."""

import base64
import json
import shutil
import subprocess
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


class Page:
    """Calls functions of the page on some models.

    >>> Page(tokenizer).call("encode", ["a text", b"bytes"])  # doctest: +SKIP
    """

    def __init__(self, *tokenizers):
        self._models = [base64.b64encode(pack_model(each.model, "model")).decode() for each in tokenizers]

    def call(self, function, calls, model=0):
        """The result of a function for each of some calls, given by their arguments after the model."""
        request = {
            "model": self._models[model],
            "function": function,
            "calls": [[as_json(each) for each in (call if isinstance(call, tuple) else (call,))] for call in calls],
        }
        done = subprocess.run(
            ["node", DRIVER, MODULES], input=json.dumps(request).encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)
