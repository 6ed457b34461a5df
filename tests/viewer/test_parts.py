"""Smaller parts of the page: display, search, links, parts of a long text; run by Node."""

import re

import pytest

from bytepiece import Model, Tokenizer
from helpers.hostile import HOSTILE, HOSTILE_BYTES, SURROGATES
from helpers.node import Page, needs_node

pytestmark = needs_node

VISIBLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff]*")


@pytest.fixture(scope="module")
def page():
    return Page(Tokenizer(Model.from_counts({"clock": 9, "tower": 4, "钟楼": 7, b"\xe9\x92": 2, "a.c": 1})))


def test_labels_have_nothing_that_hides(page):
    pieces = [text.encode() for text in HOSTILE] + HOSTILE_BYTES
    for label in page.call("label", pieces):
        assert VISIBLE.fullmatch(label)


def test_labels(page):
    pieces = [b" a\n", "e\u0301".encode(), "\u0301".encode(), b"\xe9\x92", "\u202e".encode(), "钟\t".encode()]
    assert page.call("label", pieces) == ["␣a↵", "e\u0301", "◌\u0301", "‹E9›‹92›", "‹U+202E›", "钟⇥"]


def search(page, words, mode="text", order="id", descending=False):
    query = {"mode": mode, "words": words, "order": order, "descending": descending, "onlyHere": False}
    (numbers,) = page.call("search", [(query,)])
    return numbers


def test_search(page):
    model = Model.from_counts({"clock": 9, "tower": 4, "钟楼": 7, b"\xe9\x92": 2, "a.c": 1})
    pieces = model.pieces

    def found(*arguments, **options):
        return [pieces[k] for k in search(page, *arguments, **options)]

    assert found("lo") == [b"clock"]
    assert found("a.c") == [b"a.c"]
    assert found("^.{5}$", mode="regex") == [b"clock", b"tower"]
    assert found("E9 92", mode="bytes") == [b"\xe9\x92", "钟楼".encode()]
    assert found("", order="count", descending=True)[:3] == [b"clock", "钟楼".encode(), b"tower"]
    assert found("", order="length", descending=True)[0] == "钟楼".encode()
    assert found("") == pieces
    assert found("", order="bytes") == sorted(pieces)


def test_a_link_brings_the_text_back(page):
    texts = [*HOSTILE, *SURROGATES, "", "x" * 100_000]
    assert page.call("share", texts) == texts
    assert page.call("share", HOSTILE_BYTES) == [[*data] for data in HOSTILE_BYTES]


@pytest.mark.parametrize("fragment", ["", "#", "#x", "#eJwDAAAAAAE", "#<script>", "#" + "A" * 1000, "#%00"])
def test_damaged_links_carry_nothing(page, fragment):
    assert page.call("fragment", [fragment]) == [None]


@pytest.mark.slow
def test_parts_of_a_long_text(page):
    texts = ["", "a\n" * 30_000, "🙂" * 50_000, "x" * 7_999 + "🙂", "x" * 8_001, "\n" * 45_000]
    for text, parts in zip(texts, page.call("parts", texts), strict=True):
        assert "".join(parts) == text
        assert all(len(part.encode("utf-16-le")) <= 2 * 8_000 for part in parts)


def test_without_a_piece(page):
    model = Model.from_counts({"clock": 9, "tower": 4, "钟楼": 7, b"\xe9\x92": 2, "a.c": 1})
    number = model.pieces.index("钟楼".encode())
    (pieces,) = page.call("without", [("钟楼".encode(), number)])
    assert [model.pieces[k] for k in pieces] == [b"\xe9\x92", b"\x9f", b"\xe6", b"\xa5", b"\xbc"]
