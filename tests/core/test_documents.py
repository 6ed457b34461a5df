"""Documents in a block: where lines end, what is UTF-8, and texts in lines of JSON, which are those of `json`."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.documents import are_utf8, count_newlines, json_texts, line_ends
from bytepiece.core.packed import PackedBytes
from bytepiece.corpus.fields import parse_json_line

NO_BOUND = 2**63 - 1
CHARACTERS = "zwölf 漢字 🙂\x7f\x80\u07ff\u0800\uffff\U00010000".encode()
WRONG = [b"\xe6\xbc", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]
BYTES = st.lists(st.binary(max_size=5) | st.sampled_from([b"a" * 20, b"\n", CHARACTERS, *WRONG])).map(b"".join)
# Characters that a word of eight bytes, or the parser, may take for others.
LETTERS = st.text('a"\\/\x1f \x7f\x80é漢\ufffd🙂!#[]{}:,u0', max_size=30) | st.text(max_size=9)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=8,
)
SPACES = st.text(" \t\r", max_size=2)
REFUSED = [
    b'{"text": "a"',
    b'{"text": "a",}',
    b'{"text": "a"}}',
    b'{"text": "a"} b',
    b'{"text": "a"}\0',
    b'{"text" "a"}',
    b'{"text": "a\\q"}',
    b'{"text": "a\\u12g4"}',
    b'{"text": "a\\u123',
    b'{"text": "a\\',
    b'{"text": "\\ud83d"}',
    b'{"text": "\\ude42\\ud83d"}',
    b'{"text": "\\ud83d\\u0041"}',
    b'{"text": "a\x1f"}',
    b'{"text": "\xff"}',
    b'{"text": "a", "b": "\xed\xa0\x80"}',
    b'{"text": "a", "b": 01}',
    b'{"text": "a", "b": 1.}',
    b'{"text": "a", "b": .5}',
    b'{"text": "a", "b": +1}',
    b'{"text": "a", "b": -}',
    b'{"text": "a", "b": 1e}',
    b'{"text": "a", "b": nul}',
    b'{"text": "a", "b": [1,]}',
    b'{"text": "a", "b": [1}',
    b'{"text": "a", "b": {"c"}}',
    b'{"text": "a", "b": {"c": 1,}}',
    b'{"text": "a", "b": NaN}',
    b'{"text": "a", "b": ' + b"1" * 700 + b"}",
    b'{"text": "a", "b": ' + b"[" * 65 + b"]" * 65 + b"}",
    b'{"text": 1}',
    b'{"text": "a", "text": 1}',
    b'{"Text": "a"}',
    b"{}",
    b"[]",
    b'"text"',
    b"\xef\xbb\xbf{}",
    b"\v",
]
READ = {
    b"": "",
    b" \t\r": "",
    b'{"text": "a"}': "a",
    b'{"text":""}': "",
    b'\t{ "a" : [ ] , "text"\t:\r"b" } ': "b",
    b'{"text": "a", "text": "b\\n"}': "b\n",
    b'{"text": "first and long", "a": "x\\ty", "text": "b"}': "b",
    b'{"text": "a", "\\u0074ext": "b"}': "b",
    b'{"text": "a", "\\ud83d": "\\ude42"}': "a",
    b'{"text": "\\ud83d", "text": "b"}': "b",
    b'{"text": "\\ud83d\\ude42\\u6f22\\u00e9\\u0041\\u0000"}': "🙂漢éA\0",
    b'{"text": "\\"\\\\\\/\\b\\f\\n\\r\\t"}': '"\\/\b\f\n\r\t',
    b'{"b": [[1, -0.5e+3], {"c": {"d": []}, "e": {}}, true, false, null, 0], "text": "a"}': "a",
    b'{"text": "a", "b": ' + b"[" * 60 + b"]" * 60 + b"}": "a",
}


def read(content, field="text", numbers=None, longest=NO_BOUND):
    """The text of each line, or None where it is refused."""
    ends = line_ends(content)
    numbers = np.arange(len(ends)) if numbers is None else np.array(numbers, dtype=np.int64)
    *arrays, are_read = json_texts(bytearray(content), ends, numbers, field.encode("utf-8", "surrogatepass"), longest)
    return [text if is_read else None for text, is_read in zip(PackedBytes(*arrays).to_list(), are_read, strict=True)]


def text_by_json(line, field="text"):
    try:
        return parse_json_line(line, field).encode()
    except ValueError:
        return None


@given(BYTES)
def test_lines(data):
    lines = data.split(b"\n")
    ends = np.cumsum([len(line) + 1 for line in lines])
    assert count_newlines(data) == data.count(b"\n")
    assert line_ends(data).tolist() == [min(end, len(data)) for end in ends.tolist()[: len(lines) - (not lines[-1])]]


@given(st.lists(BYTES))
def test_utf8(texts):
    def is_utf8(text):
        try:
            text.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert are_utf8(PackedBytes.from_list(texts)).tolist() == [*map(is_utf8, texts)]


class TestJson:
    @pytest.mark.parametrize(("line", "text"), READ.items())
    def test_is_read(self, line, text):
        assert read(line + b"\n") == [text.encode()] == [text_by_json(line + b"\n")]
        assert read(line) == [text.encode()] * bool(line)

    @pytest.mark.parametrize("line", REFUSED)
    def test_is_refused(self, line):
        assert read(line + b"\n") == read(line) == [None]

    @given(st.dictionaries(LETTERS, VALUES, max_size=4), LETTERS, LETTERS, st.booleans(), SPACES, SPACES)
    def test_objects(self, fields, field, text, ascii, space, other):
        line = json.dumps(
            fields | {field: text}, ensure_ascii=ascii, separators=(f"{space},{other}", f"{space}:{other}")
        )
        assert read(f"{other}{line}{space}".encode(), field) == [text.encode()]

    @given(
        st.lists(
            st.lists(
                st.sampled_from([*'{}[]:,"\\/-+.eEu01 \t\r\x00\x1f\x7f', '"text"', '{"text":', "true", "null", "\\u"])
                | st.sampled_from(["\\ud83d", "\\ude42", "\\u0074", "漢", "a" * 9, "é"])
            ).map(lambda parts: "".join(parts).encode())
            | st.sampled_from([*READ, *REFUSED]),
            max_size=6,
        ),
        st.data(),
    )
    def test_whatever_is_read_is_what_json_reads(self, lines, data):
        content = bytearray(b"\n".join(lines))
        for _ in range(data.draw(st.integers(0, 2)) if content else 0):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        for line, text in zip(bytes(content).split(b"\n"), read(content), strict=False):
            assert text is None or text == text_by_json(line + b"\n")

    def test_wanted_ones_that_are_not_too_long(self):
        content = b'{"text": "a"}\n' * 3 + b'{"text": "longer"}\n' + b'{"text": "b"}'
        assert read(content, numbers=[0, 3, 4], longest=16) == [b"a", None, b"b"]

    @pytest.mark.parametrize("ends", [[2, 1], [9], [-1], [1, 3]])
    def test_what_are_no_lines(self, ends):
        with pytest.raises(ValueError, match="line"):
            json_texts(bytearray(b"a\nb"), np.array(ends), np.zeros(0, dtype=np.int64), b"text", NO_BOUND)

    @pytest.mark.parametrize("numbers", [[2], [-1], [0, 0], [1, 0]])
    def test_lines_that_are_not_there(self, numbers):
        with pytest.raises(ValueError, match="line"):
            json_texts(bytearray(b"a\nb"), np.array([2, 3]), np.array(numbers), b"text", NO_BOUND)
