"""Documents from files of text and of JSON lines; errors name the file and the line."""

import bz2
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError
from bytepiece.corpus.kinds import is_jsonl
from helpers.files import PACKERS
from helpers.properties import examples


@pytest.fixture
def write(tmp_path):
    """Write a file of that name, packed as its ending says, and return its path."""

    def write(name, data):
        path = tmp_path / name
        path.write_bytes(PACKERS.get(path.suffix, bytes)(data))
        return path

    return write


@pytest.fixture(params=PACKERS, ids=["plain", "gz", "xz"])
def ending(request):
    return request.param


class TestText:
    @pytest.mark.parametrize(
        ("data", "documents"),
        [
            (b"", []),
            (b"\n", ["\n"]),
            (b"one\ntwo\n", ["one\n", "two\n"]),
            (b"one\ntwo", ["one\n", "two"]),
            (b"one\n\n\ntwo\n", ["one\n", "\n", "\n", "two\n"]),
            (b"one\r\ntwo\rthree\n", ["one\r\n", "two\rthree\n"]),
            ("né\u2028x\u0085y\x0bz\n你好".encode(), ["né\u2028x\u0085y\x0bz\n", "你好"]),
            (b"a\x00b\n", ["a\x00b\n"]),
            (b"\xef\xbb\xbfa\n", ["\ufeffa\n"]),
        ],
        ids=repr,
    )
    def test_a_line_with_its_newline_is_a_document(self, write, ending, data, documents):
        assert list(Corpus([write(f"a.txt{ending}", data)])) == documents

    @given(st.text())
    @examples(50)
    def test_documents_together_are_the_file(self, write, text):
        assert "".join(Corpus([write("a.txt", text.encode())])) == text

    @pytest.mark.parametrize("name", ["a", "a.md", "a.json", "a.TXT", "jsonl", "a.jsonl.txt"])
    def test_any_other_ending_is_text(self, write, name):
        assert list(Corpus([write(name, b'{"text": "x"}\n')])) == ['{"text": "x"}\n']


class TestJsonLines:
    @given(st.lists(st.text()), st.booleans())
    @examples(50)
    def test_documents_come_back(self, write, documents, ensure_ascii):
        lines = [json.dumps({"text": text}, ensure_ascii=ensure_ascii) for text in documents]
        path = write("a.jsonl", "".join(line + "\n" for line in lines).encode())
        assert list(Corpus([path])) == documents

    @pytest.mark.parametrize(
        ("data", "documents"),
        [
            (b"", []),
            (b'{"text": "one"}\n{"text": "two"}', ["one", "two"]),
            (b'{"id": 1, "text": "one\\n", "more": [1, {}]}\n', ["one\n"]),
            (b'{"text": ""}\n', [""]),
            (b'{"text": "one"}\r\n{"text": "two"}\r\n', ["one", "two"]),
            (b'{"text": "\\ud83d\\ude00\\\\ud800"}\n', ["😀\\ud800"]),
            (b'{"text": "\\u0000"}\n', ["\x00"]),
        ],
        ids=repr,
    )
    def test_the_field_of_a_line_is_a_document(self, write, ending, data, documents):
        assert list(Corpus([write(f"a.jsonl{ending}", data)])) == documents

    def test_blank_lines_are_empty_documents(self, write):
        assert list(Corpus([write("a.jsonl", b'\n{"text": "one"}\n \n')])) == ["", "one", ""]

    @pytest.mark.parametrize("field", ["content", "", "né"])
    def test_field_of_another_name(self, write, field):
        path = write("a.jsonl", json.dumps({"text": "no", field: "yes"}).encode())
        assert list(Corpus([path], text_field=field)) == ["yes"]

    @pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "folder.txt/a.jsonl"])
    def test_names(self, name):
        assert is_jsonl(name)

    @pytest.mark.parametrize("name", ["a.txt", "a.json", "a.gz", "a.jsonl.bz2", "a.jsonl/b.txt", "a.jsonl/b"])
    def test_names_of_others(self, name):
        assert not is_jsonl(name)


class TestFiles:
    def test_several_in_order(self, write):
        paths = [write("b.txt", b"1\n2"), write("a.jsonl.gz", b'{"text": "3"}'), write("c.xz", b"4\n")]
        assert list(Corpus(paths)) == ["1\n", "2", "3", "4\n"]

    def test_a_single_path(self, write):
        path = write("a.txt", b"one\n")
        assert list(Corpus(path)) == list(Corpus(str(path))) == ["one\n"]

    def test_iterating_starts_anew(self, write, ending):
        corpus = Corpus([write(f"a.txt{ending}", b"one\ntwo\n")])
        assert [*corpus] == [*corpus] == ["one\n", "two\n"]

    def test_two_iterations_at_once(self, write):
        corpus = Corpus([write("a.txt", b"one\ntwo\n")])
        assert list(zip(corpus, corpus, strict=True)) == [("one\n", "one\n"), ("two\n", "two\n")]

    def test_archives_one_after_the_other(self, write, tmp_path):
        for ending in (".gz", ".xz"):
            (tmp_path / f"a{ending}").write_bytes(PACKERS[ending](b"one\ntw") + PACKERS[ending](b"o\n"))
            assert list(Corpus([tmp_path / f"a{ending}"])) == ["one\n", "two\n"]

    def test_paths_are_str(self, write):
        path = write("a.txt", b"")
        assert Corpus([path]).paths == [str(path)]

    def test_repr_names_the_files(self, write):
        path = write("a.txt", b"")
        assert repr(str(path)) in repr(Corpus([path]))


def error_of(path, **options):
    with pytest.raises(CorpusError) as caught:
        list(Corpus([path], **options))
    message = str(caught.value)
    assert message.startswith(str(path)), "names the file"
    return message.removeprefix(str(path))


class TestErrors:
    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"one\ntwo\xff\n", ", line 2: not UTF-8: byte 0xff at position 3"),
            (b"\xe4\xbd", ", line 1: not UTF-8: byte 0xe4 at position 0"),
            (b"a\n\nb\n\xed\xa0\x80\n", ", line 4: not UTF-8: byte 0xed at position 0"),
        ],
    )
    def test_text_that_is_not_utf8(self, write, ending, data, says):
        assert error_of(write(f"a.txt{ending}", data)) == says

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            (b"{", "not JSON"),
            (b"one", "not JSON"),
            (b'{"text": "one', "not JSON"),
            (b'{"text": "one"} {"text": "two"}', "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b'{"text": ' + b"9" * 5000 + b"}", ""),
            (b'\xef\xbb\xbf{"text": "one"}', "not JSON"),
            (b'{"text": "\xff"}', "not UTF-8: byte 0xff at position 10"),
            (b'{"text": "\xed\xa0\x80"}', "not UTF-8: byte 0xed at position 10"),
            (b'"one"', "expected a JSON object, not str"),
            (b'["one"]', "expected a JSON object, not list"),
            (b"null", "expected a JSON object, not NoneType"),
            (b"{}", "no field 'text' (there are: none)"),
            (b'{"body": "one", "id": 1}', "no field 'text' (there are: body, id)"),
            (b'{"text": null}', "field 'text' must be text, not NoneType"),
            (b'{"text": 1}', "field 'text' must be text, not int"),
            (b'{"text": ["one"]}', "field 'text' must be text, not list"),
            (b'{"text": "\\ud800"}', "lone surrogate U+D800 at character 0"),
            (b'{"text": "ab\\uDFFFc"}', "lone surrogate U+DFFF at character 2"),
            (b'{"text": "\\ude00\\ud83d"}', "lone surrogate U+DE00 at character 0"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_json_line(self, write, line, says):
        path = write("a.jsonl", b'{"text": "good"}\n\n' + line + b'\n{"text": "good"}\n')
        assert error_of(path).startswith(f", line 3: {says}")

    def test_missing_field_is_the_one_asked_for(self, write):
        assert "no field 'body' (there are: text)" in error_of(write("a.jsonl", b'{"text": "a"}'), text_field="body")

    def test_lines_before_the_error_are_given(self, write):
        documents = iter(Corpus([write("a.txt", b"one\ntwo\n\xff\n")]))
        assert [next(documents), next(documents)] == ["one\n", "two\n"]

    def test_lines_are_counted_in_each_file(self, write):
        good, bad = write("a.txt", b"one\ntwo\n"), write("b.txt", b"one\n\xff\n")
        with pytest.raises(CorpusError, match=r"b\.txt, line 2: "):
            list(Corpus([good, bad]))

    def test_directory_without_documents(self, tmp_path):
        assert error_of(tmp_path).startswith(":")

    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl.gz", "a.xz"])
    def test_missing_file_is_an_os_error_that_names_it(self, tmp_path, name):
        with pytest.raises(FileNotFoundError) as caught:
            list(Corpus([tmp_path / name]))
        assert caught.value.filename == str(tmp_path / name)


class TestDamagedArchives:
    LINES = b"".join(b"line %d\n" % k for k in range(5000))

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
    @pytest.mark.parametrize("data", [b"plain text\n", bz2.compress(b"one\n"), b"\x00" * 100], ids=repr)
    def test_no_archive_at_all(self, tmp_path, name, kind, data):
        path = tmp_path / (name + kind)
        path.write_bytes(data)
        assert error_of(path).startswith(", after line 0: damaged archive")

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    @pytest.mark.parametrize("left", [1, 5, 11, -1, -5, -9, -100])
    def test_truncated(self, tmp_path, kind, left):
        path = tmp_path / f"a.txt{kind}"
        path.write_bytes(PACKERS[kind](self.LINES)[:left])
        assert "damaged archive" in error_of(path)

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    def test_place_is_after_the_last_good_line(self, tmp_path, kind):
        path = tmp_path / f"a.txt{kind}"
        path.write_bytes(PACKERS[kind](b"one\ntwo\n") + PACKERS[kind](b"three\n")[:-3])
        assert error_of(path).startswith((", after line 2: damaged", ", after line 3: damaged"))

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    @given(data=st.data())
    @examples(50)
    def test_any_flipped_bit_is_an_error_or_harmless(self, tmp_path, kind, data):
        damaged = bytearray(PACKERS[kind](self.LINES))
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
        path = tmp_path / f"a.txt{kind}"
        path.write_bytes(damaged)
        try:
            text = "".join(Corpus([path]))
        except CorpusError:
            return
        assert text.encode() == self.LINES
