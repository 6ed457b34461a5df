"""The verbs that use a model: encode, tokenize, decode and vocab."""

import gzip
import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from bytepiece import Corpus, Model, Tokenizer, Trainer
from bytepiece.text.coloured import in_terminal
from bytepiece.text.display import unescape_piece
from helpers.files import PACKERS, TEXT
from helpers.processes import needs_bash, shell
from helpers.properties import examples

ODD_INPUTS = {
    "nothing": b"",
    "newline": b"\n",
    "newlines": b"\n\n\n",
    "no newline at the end": b"the end",
    "empty lines": b"a\n\n\nb\n\n",
    "CRLF": b"a\r\nb\r\n\r\n",
    "CR": b"a\rb\r",
    "NUL": b"\x00\na\x00b\n\x00",
    "invalid UTF-8": b"\xff\xfe\n\xe4\xbd\n\xed\xa0\x80",
    "BOM": b"\xef\xbb\xbfa\n",
    "all bytes": bytes(range(256)),
    "spaces": b"  \t \n ",
    "like ids": b"3 4 5\n<bos>\n",
    "decomposed": "e\u0301\n".encode(),
    "long line": b"the llo" * 20_000,
}


class TestEncodeAndDecode:
    @pytest.mark.parametrize("data", ODD_INPUTS.values(), ids=ODD_INPUTS)
    def test_give_back_standard_input(self, ok, model_path, data):
        assert ok("decode", "--model", model_path, stdin=ok("encode", "--model", model_path, stdin=data)) == data

    @pytest.mark.parametrize("data", ODD_INPUTS.values(), ids=ODD_INPUTS)
    def test_give_back_files(self, ok, model_path, tmp_path, data):
        (tmp_path / "in").write_bytes(data)
        ok("encode", "--model", model_path, "--output", tmp_path / "ids", tmp_path / "in")
        ok("decode", "--model", model_path, "--output", tmp_path / "out", tmp_path / "ids")
        assert (tmp_path / "out").read_bytes() == data

    @given(
        st.binary() | st.text().map(str.encode) | st.lists(st.sampled_from([b"\n", b"\r", b"a", b"\xff"])).map(b"".join)
    )
    @examples(50)
    def test_give_back_any_bytes(self, ok, model_path, data):
        assert ok("decode", "--model", model_path, stdin=ok("encode", "--model", model_path, stdin=data)) == data

    @pytest.mark.slow
    @needs_bash
    def test_give_back_bytes_through_a_pipe(self, model_path, tmp_path):
        (tmp_path / "in").write_bytes(b"".join(ODD_INPUTS.values()))
        pipe = '$bytepiece encode --model "$M" < in | $bytepiece decode --model "$M" > out'
        assert shell(f'cd "$D" && {pipe}', M=model_path, D=tmp_path) == (0, "")
        assert (tmp_path / "out").read_bytes() == (tmp_path / "in").read_bytes()


class TestEncode:
    @pytest.mark.parametrize("data", ODD_INPUTS.values(), ids=ODD_INPUTS)
    def test_a_line_of_ids_for_each_line(self, ok, model_path, data):
        tokenizer = Tokenizer(model_path)
        lines = [" ".join(map(str, tokenizer.encode(line))) for line in io.BytesIO(data)]
        assert ok("encode", "--model", model_path, stdin=data).decode() == "".join(line + "\n" for line in lines)

    @pytest.mark.parametrize(
        ("flags", "ids"),
        [
            (["--add-bos"], [1, 107, 13]),
            (["--add-eos"], [107, 13, 2]),
            (["--add-bos", "--add-eos"], [1, 107, 13, 2]),
            ([], [107, 13]),
        ],
    )
    def test_special_tokens(self, ok, model_path, flags, ids):
        assert ok("encode", "--model", model_path, *flags, stdin=b"h\n").decode() == " ".join(map(str, ids)) + "\n"

    @pytest.mark.parametrize("kind", PACKERS)
    def test_packed_text(self, ok, model_path, tmp_path, kind):
        (tmp_path / f"a.txt{kind}").write_bytes(PACKERS[kind](TEXT))
        expected = ok("encode", "--model", model_path, stdin=TEXT)
        assert ok("encode", "--model", model_path, tmp_path / f"a.txt{kind}") == expected

    @pytest.mark.parametrize("kind", PACKERS)
    def test_a_line_of_ids_for_each_json_document(self, ok, model_path, tmp_path, kind):
        documents = ["hello\nthere", "", "né"]
        data = "".join(json.dumps({"text": text}) + "\n" for text in documents).encode()
        (tmp_path / f"a.jsonl{kind}").write_bytes(PACKERS[kind](data))
        tokenizer = Tokenizer(model_path)
        lines = [" ".join(map(str, tokenizer.encode(text))) for text in documents]
        assert ok("encode", "--model", model_path, tmp_path / f"a.jsonl{kind}").decode().split("\n") == [*lines, ""]

    def test_decoded_json_documents_are_their_texts(self, ok, model_path, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "hello\\n"}\n\n{"text": "there"}\n')
        ids = ok("encode", "--model", model_path, tmp_path / "a.jsonl")
        assert ok("decode", "--model", model_path, stdin=ids) == b"hello\nthere"

    def test_field_of_json_documents(self, ok, model_path, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "no", "body": "hello"}\n')
        out = ok("encode", "--model", model_path, "--text-field", "body", tmp_path / "a.jsonl")
        assert out == ok("encode", "--model", model_path, stdin=b"hello")

    def test_several_files_and_standard_input_in_order(self, ok, model_path, tmp_path):
        (tmp_path / "a").write_bytes(b"one\n")
        (tmp_path / "b").write_bytes(b"two\n")
        ids = ok("encode", "--model", model_path, tmp_path / "b", "-", tmp_path / "a", stdin=b"in\n")
        assert ok("decode", "--model", model_path, stdin=ids) == b"two\nin\none\n"

    def test_model_in_the_format_of_bytepiece_normalizes(self, ok, byte_model, tmp_path):
        byte_model.save(tmp_path / "m", format="json")
        ids = ok("encode", "--model", tmp_path / "m", stdin="e\u0301\n".encode())
        assert ok("decode", "--model", tmp_path / "m", stdin=ids).decode() == "\u00e9\n"
        ids = ok("encode", "--model", tmp_path / "m", stdin="e\u0301\n".encode() + b"\xff\ne")
        assert ok("decode", "--model", tmp_path / "m", stdin=ids) == "\u00e9\n".encode() + b"\xff\ne"

    def test_failing_leaves_the_old_output(self, error, model_path, tmp_path):
        (tmp_path / "ids").write_bytes(b"old")
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n{"text": 1}\n')
        error("encode", "--model", model_path, "--output", tmp_path / "ids", tmp_path / "a.jsonl")
        assert (tmp_path / "ids").read_bytes() == b"old"


class TestSpecialTokens:
    """Special tokens that a model has beside the three reserved ones."""

    TEXT = b"he<a>llo <pad>\n\t<a>"

    def ids(self, special_path, allowed):
        tokenizer = Tokenizer(special_path)
        lines = self.TEXT.splitlines(keepends=True)
        return [" ".join(map(str, tokenizer.encode(line, allowed_special=allowed))).encode() for line in lines]

    @pytest.mark.parametrize(
        ("flags", "allowed"),
        [
            ([], ()),
            (["--allow-special", "<a>"], {"<a>"}),
            (["--allow-special", "<a>", "--allow-special", "<pad>"], {"<a>", "<pad>"}),
            (["--allow-special", "all"], "all"),
            (["--allow-special", "<a>", "--allow-special", "all"], "all"),
        ],
    )
    def test_found_in_text_where_they_are_allowed(self, ok, special_path, flags, allowed):
        out = ok("encode", "--model", special_path, *flags, stdin=self.TEXT)
        assert out.splitlines() == self.ids(special_path, allowed)

    def test_shown_they_give_the_text_back(self, ok, special_path):
        ids = ok("encode", "--model", special_path, "--allow-special", "all", stdin=self.TEXT)
        assert ok("decode", "--model", special_path, "--show-special", stdin=ids) == self.TEXT
        assert ok("decode", "--model", special_path, stdin=ids) == b"hello \n\t"

    def test_an_unknown_one_is_named(self, error, special_path):
        assert "'<b>'" in error("encode", "--model", special_path, "--allow-special", "<b>", stdin=b"x")

    @pytest.mark.slow
    @pytest.mark.parametrize("size", [300, "264,300"])
    def test_trained(self, ok, corpus, tmp_path, size):
        flags = ["--special-token", "<a>", "--special-token", "the c"]
        ok("train", "--quiet", corpus, "--vocab-size", size, "--output", tmp_path / "m", *flags)
        trainer = Trainer(vocab_size=[264, 300], special_tokens=["<a>", "the c"])
        trainer.train(Corpus([corpus]))
        for path in set(tmp_path.iterdir()) - {corpus}:
            model = Model.load(path)
            assert model == trainer.models[model.settings["vocab_size"]]
            assert [*model.special_tokens][3:] == ["<a>", "the c"]

    @pytest.mark.parametrize(
        ("names", "says"), [(["<a>", "<a>"], "'<a>' already"), (["<pad>"], "'<pad>'"), ([""], "non-empty")]
    )
    def test_bad_names_for_training(self, error, corpus, tmp_path, names, says):
        flags = [word for name in names for word in ("--special-token", name)]
        assert says in error("train", corpus, "--vocab-size", 300, "--output", tmp_path / "m", *flags)

    def test_the_format_of_bytepiece_has_no_room(self, error, corpus, tmp_path):
        flags = ["--special-token", "<a>", "--format", "json"]
        message = error("train", corpus, "--vocab-size", 300, "--output", tmp_path / "m", *flags, status=2)
        assert "no room for a --special-token" in message


class TestTokenize:
    def test_looks(self, ok, model_path):
        out = ok("tokenize", "--model", model_path, stdin="hello the\n\n你好é\xff".encode("latin-1", "ignore"))
        assert out.decode() == "he\tllo\t the\t\\n\n\\n\n\\xe9\t\\xff\n"

    def test_characters_for_people(self, ok, model_path):
        assert ok("tokenize", "--model", model_path, stdin="你好 é\n".encode()).decode() == "你好\t \té\t\\n\n"

    def test_a_tab_in_a_piece_is_escaped(self, ok, model_path):
        assert ok("tokenize", "--model", model_path, stdin=b"a\tb") == b"a\\tb\n"

    @pytest.mark.parametrize("data", ODD_INPUTS.values(), ids=ODD_INPUTS)
    def test_pieces_joined_are_the_input(self, ok, model_path, data):
        cells = ok("tokenize", "--model", model_path, stdin=data).replace(b"\n", b"\t").split(b"\t")
        assert b"".join(map(unescape_piece, cells)) == data

    @pytest.mark.parametrize(
        ("flags", "terminal", "colored"),
        [
            ([], False, False),
            ([], True, True),
            (["--color", "auto"], True, True),
            (["--color", "never"], True, False),
            (["--color", "always"], False, True),
        ],
    )
    def test_colors(self, ok, model_path, monkeypatch, flags, terminal, colored):
        monkeypatch.setattr("bytepiece.cli.encode.is_terminal", lambda stream: terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        out = ok("tokenize", "--model", model_path, *flags, stdin=b"hello the").decode()
        if colored:
            assert out == in_terminal([b"he", b"llo", b" the"]) + "\n"
            monkeypatch.setenv("NO_COLOR", "1")
            out = ok("tokenize", "--model", model_path, stdin=b"hello the").decode()
        assert out == "he\tllo\t the\n"

    def test_output_file(self, ok, model_path, tmp_path):
        assert ok("tokenize", "--model", model_path, "--output", tmp_path / "out", stdin=b"he\n") == b""
        assert (tmp_path / "out").read_bytes() == b"he\t\\n\n"


class TestDecode:
    @pytest.mark.parametrize(
        ("ids", "expected"),
        [
            (b"", b""),
            (b"\n\n", b""),
            (b"107 13\n", b"h\n"),
            (b"107 13", b"h\n"),
            (b"107\n13\n", b"h\n"),
            (b"  107\t 13  \r\n", b"h\n"),
            (b"0 1 107 2\n", b"h"),  # special tokens have no bytes
            (b"258\n", b"\xff"),
        ],
    )
    def test_lines_of_ids(self, ok, model_path, ids, expected):
        assert ok("decode", "--model", model_path, stdin=ids) == expected

    @pytest.mark.parametrize(
        "bad", ["266", "99999999999999999999", "-1", "abc", "1.0", "1e2", "0x10", "1_0", "５", "nan", "\x00", "3,4"]
    )
    def test_bad_id_is_named_with_its_line(self, error, model_path, bad):
        err = error("decode", "--model", model_path, stdin=f"\n107 {bad} 13\n".encode())
        assert "standard input, line 2: " in err

    @pytest.mark.parametrize("bad", ["266", "-1", "abc", "1.0", "1_0"])
    def test_bad_id_is_shown(self, error, model_path, bad):
        assert bad in error("decode", "--model", model_path, stdin=f"{bad}\n".encode())

    def test_bad_id_in_a_file_is_named_with_the_file(self, error, model_path, tmp_path):
        (tmp_path / "some.ids").write_bytes(b"0\n\nabc\n")
        assert "some.ids, line 3: " in error("decode", "--model", model_path, tmp_path / "some.ids")

    def test_packed_ids(self, ok, model_path, tmp_path):
        (tmp_path / "ids.gz").write_bytes(gzip.compress(b"107 13\n"))
        assert ok("decode", "--model", model_path, tmp_path / "ids.gz") == b"h\n"

    @pytest.mark.parametrize("end", [b"", b"\n"])
    def test_bad_id_after_many_lines_is_named_with_its_line(self, run, model_path, tmp_path, end, monkeypatch):
        monkeypatch.setattr("bytepiece.corpus.blocks.BLOCK_BYTES", 100)
        (tmp_path / "some.ids").write_bytes(b"107 13\n" * 200 + b"107 266" + end)
        status, out, err = run("decode", "--model", model_path, tmp_path / "some.ids")
        assert (status, out) == (1, b"h\n" * 200)
        assert "some.ids, line 201: 266 is not an id" in err

    def test_bad_id_of_more_digits_than_python_reads(self, error, model_path):
        said = error("decode", "--model", model_path, stdin=b"107 " + b"9" * 5000)
        assert f"'{'9' * 40}' is not an id" in said

    def test_field_that_is_not_utf8(self, error, model_path):
        flags = ["--jsonl", "--text-field", "\udcff"]
        assert "is not UTF-8" in error("decode", "--model", model_path, *flags, stdin=b"107", status=2)


class TestDocuments:
    """Documents of JSON come back as documents."""

    DOCUMENTS = ("hello\nthere", "", 'né\u2028"\\', "\n\n", "🙂" * 50)

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in self.DOCUMENTS * 30))
        return path

    @pytest.mark.parametrize("workers", [1, 3])
    def test_come_back(self, ok, model_path, path, monkeypatch, workers):
        monkeypatch.setattr("bytepiece.corpus.blocks.BLOCK_BYTES", 100)
        ids = ok("encode", "--model", model_path, "--workers", workers, path)
        out = ok("decode", "--model", model_path, "--workers", workers, "--jsonl", stdin=ids)
        assert [json.loads(line) for line in out.splitlines()] == [{"text": text} for text in self.DOCUMENTS * 30]

    def test_have_another_field_and_special_tokens(self, ok, special_path):
        flags = ["--jsonl", "--text-field", "béla", "--show-special"]
        out = ok("decode", "--model", special_path, *flags, stdin=b"1 107 2\n\n258")
        assert [json.loads(line) for line in out.splitlines()] == [
            {"béla": "<bos>h<eos>"},
            {"béla": ""},
            {"béla": "\ufffd"},
        ]

    def test_of_parquet_are_encoded(self, ok, model_path, write_parquet):
        path = write_parquet(text=list(self.DOCUMENTS))
        tokenizer = Tokenizer(model_path)
        lines = [" ".join(map(str, tokenizer.encode(text))) for text in self.DOCUMENTS]
        assert ok("encode", "--model", model_path, path).decode().splitlines() == lines

    def test_of_parquet_are_no_ids(self, error, model_path, write_parquet):
        path = write_parquet(text=["1 2"])
        assert "a.parquet: rows, where lines" in error("decode", "--model", model_path, path)


class TestVocab:
    def test_begins_with_the_special_tokens(self, ok, model_path):
        lines = ok("vocab", model_path).decode().split("\n")
        assert lines[:4] == ["0\t<pad>\t-", "1\t<bos>\t-", "2\t<eos>\t-", "3\t\\x00\t1"]

    def test_has_every_piece_with_id_and_count(self, ok, model_path, byte_model):
        rows = [line.split(b"\t") for line in ok("vocab", model_path).split(b"\n")[3:-1]]
        assert [(int(id), unescape_piece(piece), int(count)) for id, piece, count in rows] == [
            (id, piece, count)
            for id, (piece, count) in enumerate(zip(byte_model.pieces, byte_model.counts, strict=True), 3)
        ]

    def test_ends_with_added_special_tokens(self, ok, special_path, byte_model):
        expected = ok("vocab", special_path).splitlines()
        assert len(expected) == byte_model.vocab_size + 3
        assert expected[:3] == [b"0\t<pad>\t-", b"1\t<bos>\t-", b"2\t<eos>\t-"]
        first = byte_model.vocab_size
        assert expected[first:] == [b"%d\t<a>\t-" % first, b"%d\t\\n\\t\t-" % (first + 1), b"%d\tall\t-" % (first + 2)]

    def test_output_file(self, ok, model_path, tmp_path):
        expected = ok("vocab", model_path)
        assert ok("vocab", model_path, "--output", tmp_path / "out") == b""
        assert (tmp_path / "out").read_bytes() == expected


class TestProgress:
    @pytest.fixture
    def bars(self, monkeypatch):
        """What is shown of progress: for each bar its total, what was done of it, and whether nobody sees it."""
        made = []

        class Bar(tqdm):
            def __init__(self, *given, **options):
                made.append([options["total"], 0, options["disable"]])
                super().__init__(*given, **options)

            def update(self, n=1):
                made[-1][1] += n
                return super().update(n)

        monkeypatch.setattr("bytepiece.bars.Bar", Bar)
        return made

    @pytest.mark.parametrize(
        ("terminals", "hidden"), [([], True), (["stderr"], False), (["stdout", "stderr"], True), (["stdout"], True)]
    )
    def test_is_shown_where_it_is_seen_alone(self, run, model_path, tmp_path, bars, monkeypatch, terminals, hidden):
        monkeypatch.setattr(
            "bytepiece.cli.streams.is_terminal", lambda stream: stream in [getattr(sys, name) for name in terminals]
        )
        (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT))
        assert run("encode", "--model", model_path, tmp_path / "a.txt.gz")[0] == 0
        size = (tmp_path / "a.txt.gz").stat().st_size
        assert bars == [[size, size, hidden]]

    def test_is_not_shown_for_standard_input(self, run, model_path, bars, monkeypatch):
        monkeypatch.setattr("bytepiece.cli.streams.is_terminal", lambda stream: stream is sys.stderr)
        assert run("encode", "--model", model_path, stdin=TEXT)[0] == 0
        assert bars == [[0, 0, True]]
