"""The sources of the page, put together: modules become one script, and all becomes one file of HTML.

Modules import from each other in one way only, ``import { a, b } from "./module.js";``, and export declarations. In the
script each module is a function, called at once, that returns what the module exports:

    const $trie = (() => { class Trie { ... } return { Trie }; })();
    const $vocabulary = (() => { const { Trie } = $trie; class Vocabulary { ... } return { Vocabulary }; })();
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from importlib.resources import files

__all__ = ["page", "script"]

_SOURCES = files("bytepiece.viewer") / "page"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z_]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|function|async function|const) (\w+))", re.MULTILINE)
_COMMENT = re.compile(r"^ */\*\*(?:[^*]|\*(?!/))*\*/\n", re.MULTILINE)


def page(title: str, data: str) -> str:
    """The page.

    Args:
        title: a title, of any characters.
        data: JSON that is read by the script, with nothing that could end a script in HTML.
    """
    style, main, worker = _source("style.css"), script("main"), script("worker")
    # What is here by its hash may run, a worker may be started from memory, and nothing may be fetched or sent.
    policy = (
        f"default-src 'none'; script-src 'sha256-{_hash(main)}'; style-src 'sha256-{_hash(style)}'; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    values = {
        "policy": policy,
        "title": html.escape(title),
        "style": style,
        "data": data,
        "worker": worker,
        "script": main,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _source("index.html"))


@cache
def script(entry: str) -> str:
    """A module and all that it imports, as one script, whose names are its own."""
    modules = "".join(_as_function(name) for name in _order(entry))
    return f'"use strict";\n{{\n{modules}}}\n'


def _order(entry: str) -> list[str]:
    """The modules that a module needs, each after those that it needs itself; they make no circle."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules of the page import each other: {' -> '.join([*above, name])}")
        if name not in order:
            for _, needed in _IMPORT.findall(_source(f"{name}.js")):
                visit(needed, (*above, name))
            order.append(name)

    visit(entry, ())
    return order


def _as_function(name: str) -> str:
    source = _COMMENT.sub("", _source(f"{name}.js"))
    exported = ", ".join(_EXPORT.findall(source))
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = $\2;", source))
    return f"const ${name} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
