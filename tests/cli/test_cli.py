"""The command: verbs, streams, and errors in one line."""

import gzip
import io
import json
import lzma
import os
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, Model, Tokenizer, Trainer
from bytepiece.text.display import unescape_piece
from helpers.processes import run_command
from helpers.properties import examples

TEXT = "the cat sat on the mat\r\n\n\nthe hat, the rat: 你好，世界 42 😀\n".encode() * 20
PACKERS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}

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

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture(scope="module")
def model_path(tmp_path_factory, byte_model):
    path = tmp_path_factory.mktemp("model") / "my.model"
    byte_model.save(path)
    return str(path)


@pytest.fixture(scope="module")
def special_path(tmp_path_factory, byte_model):
    path = tmp_path_factory.mktemp("model") / "special.model"
    byte_model.with_special_tokens(["<a>", "\n\t", "all"]).save(path)
    return str(path)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT)
    return path


def shell(script, **variables):
    """Run a line of bash, in which ``$bytepiece`` is the command; its status, and what it says on standard error."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script.replace("$bytepiece", f'"{sys.executable}" -m bytepiece')],
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


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

    def test_failing_leaves_the_old_output(self, error, model_path, tmp_path):
        (tmp_path / "ids").write_bytes(b"old")
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n{"text": 1}\n')
        error("encode", "--model", model_path, "--output", tmp_path / "ids", tmp_path / "a.jsonl")
        assert (tmp_path / "ids").read_bytes() == b"old"


class TestSpecialTokens:
    """Those that were added."""

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

    @pytest.mark.parametrize("size", [300, "264,300"])
    def test_trained(self, ok, corpus, tmp_path, size):
        flags = ["--special-token", "<a>", "--special-token", "the c"]
        ok("train", "--quiet", corpus, "--vocab-size", size, "--output", tmp_path / "m", *flags)
        trainer = Trainer(max_vocab_size=[264, 300], special_tokens=["<a>", "the c"])
        trainer.train(Corpus([corpus]))
        for path in set(tmp_path.iterdir()) - {corpus}:
            model = Model.load(path)
            assert model == trainer.models[model.settings["max_vocab_size"]]
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


class TestVocab:
    def test_begins_with_the_special_tokens(self, ok, model_path):
        lines = ok("vocab", "--model", model_path).decode().split("\n")
        assert lines[:4] == ["0\t<pad>\t-", "1\t<bos>\t-", "2\t<eos>\t-", "3\t\\x00\t1"]

    def test_has_every_piece_with_id_and_count(self, ok, model_path, byte_model):
        rows = [line.split(b"\t") for line in ok("vocab", "--model", model_path).split(b"\n")[3:-1]]
        assert [(int(id), unescape_piece(piece), int(count)) for id, piece, count in rows] == [
            (id, piece, count)
            for id, (piece, count) in enumerate(zip(byte_model.pieces, byte_model.counts, strict=True), 3)
        ]

    def test_ends_with_added_special_tokens(self, ok, special_path, byte_model):
        expected = ok("vocab", "--model", special_path).splitlines()
        assert len(expected) == byte_model.vocab_size + 3
        assert expected[:3] == [b"0\t<pad>\t-", b"1\t<bos>\t-", b"2\t<eos>\t-"]
        first = byte_model.vocab_size
        assert expected[first:] == [b"%d\t<a>\t-" % first, b"%d\t\\n\\t\t-" % (first + 1), b"%d\tall\t-" % (first + 2)]

    def test_output_file(self, ok, model_path, tmp_path):
        expected = ok("vocab", "--model", model_path)
        assert ok("vocab", "--model", model_path, "--output", tmp_path / "out") == b""
        assert (tmp_path / "out").read_bytes() == expected


class TestTrain:
    def test_gives_what_the_trainer_gives(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m")
        trainer = Trainer(max_vocab_size=300)
        trainer.train(Corpus([corpus]))
        assert Model.load(tmp_path / "m") == trainer.models[300]

    @pytest.mark.parametrize(
        ("flags", "name", "value"),
        [
            ([], "max_vocab_size", 300),
            ([], "order", 6),
            ([], "max_piece_length", 36),
            ([], "min_count", 2),
            ([], "isolate_digits", False),
            ([], "ensure_unicode", True),
            ([], "normalization", None),
            (["--order", 3], "order", 3),
            (["--max-piece-length", 5], "max_piece_length", 5),
            (["--min-count", 4], "min_count", 4),
            (["--isolate-digits"], "isolate_digits", True),
            (["--no-ensure-unicode"], "ensure_unicode", False),
            (["--normalization", "nfc"], "normalization", "nfc"),
            (["--normalization", "none"], "normalization", None),
        ],
    )
    def test_flags_are_settings(self, ok, corpus, tmp_path, flags, name, value):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m", *flags)
        assert Model.load(tmp_path / "m").settings[name] == value

    def test_one_size_is_one_file(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m")
        assert sorted(os.listdir(tmp_path)) == ["corpus.txt", "m"]

    def test_each_of_several_sizes_is_a_file(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", "264,300,270", "--output", tmp_path / "m")
        assert sorted(os.listdir(tmp_path)) == ["corpus.txt", "m.264", "m.270", "m.300"]
        assert [Model.load(tmp_path / f"m.{size}").settings["max_vocab_size"] for size in (264, 270)] == [264, 270]

    def test_format_of_bytepiece(self, ok, corpus, tmp_path):
        flags = ["--vocab-size", 300, "--normalization", "nfc"]
        ok("train", "--quiet", corpus, "--output", tmp_path / "own", *flags)
        ok("train", "--quiet", corpus, "--output", tmp_path / "json", *flags, "--format", "json")
        assert json.loads((tmp_path / "json").read_bytes())["AA=="] == [3, "\x00", 1]
        assert Model.load(tmp_path / "json").pieces == Model.load(tmp_path / "own").pieces

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_file_is_the_same_for_any_number_of_workers(self, ok, corpus, tmp_path, workers):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "default")
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m", "--workers", workers)
        assert (tmp_path / "m").read_bytes() == (tmp_path / "default").read_bytes()

    @pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.xz", "a.jsonl", "a.jsonl.gz", "a.jsonl.xz"])
    def test_kind_of_file_makes_no_difference(self, ok, corpus, tmp_path, name):
        lines = TEXT.decode().splitlines(keepends=True)
        data = "".join(json.dumps({"text": line}) + "\n" for line in lines).encode() if "jsonl" in name else TEXT
        path = tmp_path / name
        path.write_bytes(PACKERS.get(path.suffix, bytes)(data))
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "plain")
        ok("train", "--quiet", path, "--vocab-size", 300, "--output", tmp_path / "m")
        assert (tmp_path / "m").read_bytes() == (tmp_path / "plain").read_bytes()

    def test_several_files_and_a_field(self, ok, corpus, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"body": "zebra zebra zebra zebra"}\n' * 20)
        ok(
            "train",
            "--quiet",
            corpus,
            tmp_path / "a.jsonl",
            "--text-field",
            "body",
            "--vocab-size",
            350,
            "--output",
            tmp_path / "m",
        )
        assert any(b"zebr" in piece for piece in Model.load(tmp_path / "m").pieces)

    def test_own_process(self, corpus, tmp_path):
        done = run_command("train", "--quiet", corpus, "--vocab-size", 300, "--output", "m", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert Model.load(tmp_path / "m").vocab_size <= 300


class TestUsage:
    """Wrong flags: status 2."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "VERB"),
            (["fly"], "invalid choice: 'fly'"),
            (["--fly"], "VERB"),
            (["encode"], "--model"),
            (["decode"], "--model"),
            (["tokenize"], "--model"),
            (["vocab"], "--model"),
            (["vocab", "--model"], "expected one argument"),
            (["vocab", "--model", "m", "--fly"], "--fly"),
            (["vocab", "--model", "m", "file"], "file"),
            (["inspect"], "MODEL"),
            (["compare", "m"], "OTHER"),
            (["train"], "--output"),
            (["train", "a.txt"], "--output"),
            (["train", "a.txt", "--output", "m"], "--vocab-size"),
            (["train", "--output", "m", "--vocab-size", "300"], "INPUT"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "many"], "'many'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", ""], "--vocab-size"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300,"], "'300,'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300.0"], "'300.0'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--order", "x"], "--order"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--format", "xml"], "'xml'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--normalization", "nfd"], "'nfd'"),
        ],
        ids=" ".join,
    )
    def test_is_one_line_that_says_what(self, error, arguments, says):
        assert says in error(*arguments, status=2)

    @pytest.mark.parametrize(
        "verb", ["train", "encode", "tokenize", "decode", "vocab", "inspect", "compare", "evaluate"]
    )
    def test_help(self, ok, verb):
        assert ok(verb, "--help").startswith(f"usage: bytepiece {verb} ".encode())

    def test_help_of_all(self, ok):
        assert ok("--help").startswith(b"usage: bytepiece ")

    def test_version(self, ok):
        assert re.fullmatch(rb"bytepiece \d+\.\d+\.\d+\S*\n", ok("--version"))


class TestTrainErrors:
    @pytest.fixture
    def train_error(self, run, tmp_path):
        """Train, which must fail in one line with status 1 or 2, and leave no model; that line."""

        def train_error(*arguments):
            status, out, err = run("train", "--output", tmp_path / "m", *arguments)
            assert status in (1, 2)
            assert out == b""
            assert re.fullmatch(r"bytepiece train: .*\n", err), f"not one line: {err!r}"
            assert not (tmp_path / "m").exists()
            return err

        return train_error

    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (["--vocab-size", 258], "258"),
            (["--vocab-size", 0], "259"),
            (["--vocab-size", -5], "259"),
            (["--vocab-size", "300,8"], "8"),
            (["--vocab-size", 10**30], "max_vocab_size"),
            (["--vocab-size", 300, "--order", 0], "order"),
            (["--vocab-size", 300, "--order", 1000], "order"),
            (["--vocab-size", 300, "--min-count", 0], "min_count"),
            (["--vocab-size", 300, "--max-piece-length", 0], "max_piece_length"),
            (["--vocab-size", 300, "--workers", 0], "workers"),
            (["--vocab-size", 300, "--workers", -1], "workers"),
        ],
        ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else value,
    )
    def test_setting_out_of_range_is_named(self, train_error, corpus, flags, says):
        assert says in train_error(corpus, *flags)

    @pytest.mark.parametrize("data", [b"", b'{"text": ""}\n' * 3], ids=["no documents", "empty documents"])
    def test_empty_corpus(self, train_error, tmp_path, data):
        (tmp_path / "a.jsonl").write_bytes(data)
        assert "no text" in train_error(tmp_path / "a.jsonl", "--vocab-size", 300)

    def test_standard_input(self, train_error):
        assert "standard input" in train_error("-", "--vocab-size", 300)

    def test_missing_file(self, train_error, tmp_path):
        assert "nothing.txt: No such file" in train_error(tmp_path / "nothing.txt", "--vocab-size", 300)

    def test_missing_file_after_a_good_one(self, train_error, corpus, tmp_path):
        assert "nothing.txt: No such file" in train_error(corpus, tmp_path / "nothing.txt", "--vocab-size", 300)

    def test_directory_without_documents(self, train_error, tmp_path):
        assert f"{tmp_path}: " in train_error(tmp_path, "--vocab-size", 300)

    def test_text_that_is_not_utf8(self, train_error, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"good\n\xff\n")
        assert "a.txt, line 2: not UTF-8" in train_error(tmp_path / "a.txt", "--vocab-size", 300)

    @pytest.mark.parametrize("line", [b"{", b"{}", b'{"text": 1}', b'{"text": "\\ud800"}', b'{"\\ud800\\n": "a"}'])
    def test_broken_json_line(self, train_error, tmp_path, line):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n' + line + b"\n")
        assert "a.jsonl, line 2: " in train_error(tmp_path / "a.jsonl", "--vocab-size", 300)

    def test_truncated_archive(self, train_error, tmp_path):
        (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT)[:-3])
        assert "a.txt.gz, after line" in train_error(tmp_path / "a.txt.gz", "--vocab-size", 300)

    def test_output_in_a_missing_folder(self, error, corpus, tmp_path):
        assert "nowhere" in error("train", corpus, "--vocab-size", 300, "--output", tmp_path / "nowhere" / "m")

    def test_output_that_is_a_directory(self, error, corpus, tmp_path):
        assert "directory" in error("train", corpus, "--vocab-size", 300, "--output", tmp_path).lower()


VERBS_WITH_MODEL = ["encode", "tokenize", "decode", "vocab"]


class TestOtherErrors:
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_missing_model(self, error, tmp_path, verb):
        assert "nothing.model: No such file" in error(verb, "--model", tmp_path / "nothing.model")

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_model_that_is_a_directory(self, error, tmp_path, verb):
        assert "a directory, not a model file" in error(verb, "--model", tmp_path)

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    @pytest.mark.parametrize("data", [b"", b"nothing\nof\nthe kind", b"{}", b"bytepiece-model 9\n"], ids=repr)
    def test_bad_model_is_named(self, error, tmp_path, verb, data):
        (tmp_path / "bad.model").write_bytes(data)
        assert "bad.model: " in error(verb, "--model", tmp_path / "bad.model")

    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_missing_input(self, error, model_path, tmp_path, verb):
        assert "nothing.txt: No such file" in error(verb, "--model", model_path, tmp_path / "nothing.txt")

    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_input_that_is_a_directory(self, error, model_path, tmp_path, verb):
        assert "directory" in error(verb, "--model", model_path, tmp_path)

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_output_in_a_missing_folder(self, error, model_path, tmp_path, verb):
        assert "nowhere" in error(verb, "--model", model_path, "--output", tmp_path / "nowhere" / "out")

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_output_that_is_a_directory(self, error, model_path, tmp_path, verb):
        assert "directory" in error(verb, "--model", model_path, "--output", tmp_path).lower()

    def test_broken_json_line(self, run, model_path, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n{"text": 1}\n')
        status, _, err = run("encode", "--model", model_path, tmp_path / "a.jsonl")
        assert (status, err.count("\n")) == (1, 1)
        assert "a.jsonl, line 2: field 'text' must be text, not int" in err

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_no_archive(self, error, model_path, tmp_path, verb, kind):
        (tmp_path / f"a{kind}").write_bytes(b"1 2 3\n")
        assert f"a{kind}, after line 0: damaged archive" in error(verb, "--model", model_path, tmp_path / f"a{kind}")

    @pytest.mark.parametrize("name", ["two\nlines", "a\rb", "\x1b[31mred", "\udcff"])
    def test_any_name_is_in_one_line(self, error, tmp_path, name):
        assert "No such file" in error("vocab", "--model", tmp_path / name)

    @pytest.mark.parametrize(
        ("problem", "status", "says"),
        [(KeyboardInterrupt(), 130, "interrupted"), (MemoryError(), 1, "out of memory")],
        ids=["interrupted", "out of memory"],
    )
    def test_stopped_from_outside(self, error, model_path, monkeypatch, problem, status, says):
        def stop(*args, **options):
            raise problem

        monkeypatch.setattr(Tokenizer, "encode", stop)
        assert says in error("encode", "--model", model_path, stdin=b"text\n", status=status)


class TestOwnProcess:
    """What depends on real streams."""

    def test_error(self, tmp_path):
        done = run_command("vocab", "--model", tmp_path / "nothing")
        assert (done.returncode, done.stdout) == (1, b"")
        assert re.fullmatch(rb"bytepiece vocab: .*nothing: No such file or directory\n", done.stderr)

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
        status, err = shell('{ sleep 0.2; $bytepiece vocab --model "$M"; } | true', M=model_path)
        assert (status, err) == (141, "")

    @pytest.mark.slow
    @needs_dev_full
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_full_disk_behind_standard_output(self, model_path, verb):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "bytepiece", verb, "--model", model_path],
                input=b"107 13\n",
                stdout=full,
                stderr=subprocess.PIPE,
            )
        assert (done.returncode, done.stderr) == (1, f"bytepiece {verb}: No space left on device\n".encode())

    @needs_dev_full
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL)
    def test_full_disk_behind_output(self, error, model_path, verb):
        err = error(verb, "--model", model_path, "--output", "/dev/full", stdin=b"107 13\n")
        assert "No space left on device" in err

    @needs_dev_full
    def test_full_disk_in_training(self, error, corpus):
        assert "No space left" in error("train", corpus, "--vocab-size", 300, "--output", "/dev/full")

    @pytest.mark.slow
    @needs_bash
    @pytest.mark.parametrize(
        "script",
        [
            '$bytepiece vocab --model "$M" >&-',
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
        script = 'cd "$D" && $bytepiece vocab --model "$M" --output /dev/stdout | cat > out'
        assert shell(script, M=model_path, D=tmp_path) == (0, "")
        assert (tmp_path / "out").read_bytes() == run_command("vocab", "--model", model_path).stdout
