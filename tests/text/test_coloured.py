"""Pieces in colour."""

import re
from html.parser import HTMLParser

import pytest

from bytepiece import Model, Tokenizer, show
from bytepiece.text.coloured import colour_of, in_html, in_terminal
from bytepiece.text.display import escape_piece
from helpers.hostile import HOSTILE, HOSTILE_BYTES
from helpers.node import Page, needs_node

PIECES = [text.encode() for text in HOSTILE] + HOSTILE_BYTES


class Reader(HTMLParser):
    """The tags of some HTML, and its text."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {name for name, _ in attributes}))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("piece", PIECES)
def test_html_has_pieces_as_text(piece):
    reader = Reader()
    reader.feed(in_html([piece, "<b>&"]))
    assert reader.tags == [("div", {"style"}), ("bdi", {"style"}), ("span", {"style"})]
    shown = escape_piece(piece.rstrip(b"\n")) + "↵" * (len(piece) - len(piece.rstrip(b"\n")))
    assert reader.text.replace("\n", "") == shown + "<b>&"


@pytest.mark.parametrize("piece", PIECES)
def test_a_terminal_gets_no_sequence_of_a_piece(piece):
    line = in_terminal([piece, "\x1b[31m\n"])
    assert re.sub(r"\x1b\[(30;(4;)?48;5;\d+|1|0)m", "", line) == escape_piece(piece) + "\\x1b[31m\\n"


def test_neighbours_of_one_colour_are_told_apart():
    assert [style for style in re.findall(r"\x1b\[([\d;]+)m", in_terminal([b"a", b"a", b"a"])) if style != "0"] == [
        "30;48;5;" + (last := in_terminal([b"a"]).split(";")[3].partition("m")[0]),
        *[f"30;4;48;5;{last}"] * 2,
    ]


@pytest.mark.slow
@needs_node
def test_colours_are_those_of_the_page(byte_model):
    pieces = [*byte_model.pieces, *PIECES]
    assert Page(Tokenizer(byte_model)).call("colour", pieces) == [*map(colour_of, pieces)]


def test_show(byte_model):
    tokenizer = Tokenizer(byte_model.with_special_tokens(["<sep>"]))
    shown = show(tokenizer, "he<sep>\n\ud800", allowed_special="all")
    assert repr(shown) == "<he|<sep>|\\n|\\xef|\\xbf|\\xbd>"
    assert str(shown) == in_terminal(shown.pieces)
    assert "6 tokens, 6 bytes, 1.00 bytes per token" in shown._repr_html_()
    assert "0 tokens" in show(tokenizer, "")._repr_html_()


def test_a_tokenizer_in_a_notebook(byte_model):
    reader = Reader()
    reader.feed(Tokenizer(byte_model)._repr_html_())
    assert reader.text.startswith("Tokenizer(")
    first, second = " the", "llo"
    assert f"{first}{second}he你好é" in reader.text


def test_a_notebook_shows_hostile_pieces_as_text():
    reader = Reader()
    reader.feed(Tokenizer(Model.from_counts(dict.fromkeys(HOSTILE, 9)))._repr_html_())
    assert {tag for tag, _ in reader.tags} == {"div", "bdi"}


def test_command(ok, byte_model, tmp_path):
    byte_model.save(tmp_path / "my.model")
    out = ok("tokenize", "--model", tmp_path / "my.model", "--color", "always", stdin=b"hello\x1b\n")
    assert out.decode() == in_terminal([b"he", b"llo", b"\x1b", b"\n"]) + "\n"
