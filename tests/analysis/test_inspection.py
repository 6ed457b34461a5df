"""Inspecting a vocabulary, and comparing two."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer, Trainer
from bytepiece.analysis import batches as batches_module
from bytepiece.analysis.comparison import compare_models
from bytepiece.analysis.inspection import inspect_model
from bytepiece.analysis.tables import report_as_text
from bytepiece.cli.main import main
from bytepiece.exchange import drop_unused_pieces, to_huggingface

TEXTS = ["the cat and the hat\n", "", "he said 你好\n\nhello", "a\tb the"]


def failing(model, check):
    return inspect_model(model)["checks"][check]


class TestInspect:
    def test_sizes(self, byte_model):
        model = byte_model.with_special_tokens(["<a>"])
        report = inspect_model(model)
        assert (report["ids"], report["pieces"], report["counts"]) == (model.vocab_size, 263, sum(model.counts))
        assert report["special_tokens"] == model.special_tokens
        assert report["settings"] == model.settings

    def test_lengths(self):
        lengths = inspect_model(Model.from_counts({"ab": 100, "abcd": 44, "é": 100}))["lengths"]
        assert lengths == {"mean": 1.02, "mean_by_counts": 1.66, "1": 256, "2": 2, "4": 1}

    def test_scripts(self):
        words = {
            "Latin": ["né", "ｆｕｌｌ", " the ", "ª", "𝕏"],
            "Han": ["钟楼", "，好"],
            "Hiragana": ["とけい"],
            "Katakana": ["ｱ"],
            "Cyrillic": ["мир"],
            "Greek": ["µ1"],
            "Devanagari": ["क"],
            "several scripts": ["Aы"],
            "digits": ["1.0", "٣"],
            "spaces": ["\n\n", "  "],
            "other characters": ["->", "🙂"],
            "parts of characters": [b"\xe4\xbd", b"a\xff"],
        }
        report = inspect_model(Model.from_counts({word: 10 for each in words.values() for word in each}))
        singles = {"Latin": 52, "digits": 10, "spaces": 10, "other characters": 56, "parts of characters": 128}
        assert {name: row["pieces"] for name, row in report["scripts"].items()} == {
            name: len(each) + singles.get(name, 0) for name, each in words.items()
        }
        total = sum(row["share_of_counts"] for row in report["scripts"].values())
        assert total == pytest.approx(1, abs=1e-3)
        assert report["scripts"]["several scripts"]["share_of_counts"] == round(10 / report["counts"], 4)

    @pytest.mark.slow
    def test_a_trained_model_fails_no_check(self):
        settings = {"vocab_size": 300, "isolate_digits": True, "max_piece_length": 9}
        trainer = Trainer(**settings, special_tokens=["<a>"])
        trainer.train([text + str(k) for k, text in enumerate(TEXTS * 20)], progress=False)
        checks = inspect_model(trainer.models[300])["checks"]
        assert set(checks) == {
            "used_by_no_text",
            "not_whole_characters",
            "with_digits_not_isolated",
            "longer_than_max_piece_length",
            "beyond_vocab_size",
        }
        assert {check["pieces"] for check in checks.values()} == {0}

    @given(st.dictionaries(st.text("abc\n", min_size=2, max_size=5), st.integers(1, 10**6), max_size=30))
    def test_pieces_that_no_text_uses(self, words):
        model = Model.from_counts(words)
        tokenize = Tokenizer(model).tokenize
        assert failing(model, "used_by_no_text")["pieces"] == sum(tokenize(piece) != [piece] for piece in model.pieces)
        assert failing(drop_unused_pieces(model), "used_by_no_text")["pieces"] == 0

    def test_the_most_counted_come_first(self):
        words = {f"{word}\n{word}": count for count, word in enumerate("abcdefgh", 2)}
        examples = [f"{word}\n{word}".encode() for word in "hgfed"]
        assert failing(Model.from_counts(words), "used_by_no_text") == {"pieces": 8, "examples": examples}

    def test_what_normalization_undoes_is_used_by_no_text(self):
        words = {"e\u0301": 1000, "é": 1000, "xy": 1000}
        assert failing(Model.from_counts(words), "used_by_no_text")["pieces"] == 0
        normalized = Model.from_counts(words, {"normalization": "nfc"})
        assert failing(normalized, "used_by_no_text")["examples"] == ["e\u0301".encode()]

    @pytest.mark.parametrize(
        ("setting", "check", "wrong", "right"),
        [
            ({"ensure_unicode": True}, "not_whole_characters", [b"\xe4\xbd", b"a\xff"], ["你好", "ab"]),
            ({"isolate_digits": True}, "with_digits_not_isolated", ["1a", "٣٣"], ["٣", "½a"]),
            ({"max_piece_length": 3}, "longer_than_max_piece_length", ["abcd"], ["abc"]),
        ],
    )
    def test_what_settings_promise(self, setting, check, wrong, right):
        counts = dict.fromkeys([*wrong, *right], 5)
        summary = failing(Model.from_counts(counts, setting), check)
        assert summary["pieces"] == len(wrong)
        assert {*summary["examples"]} == {word if isinstance(word, bytes) else word.encode() for word in wrong}
        assert check not in inspect_model(Model.from_counts(counts))["checks"]

    @pytest.mark.parametrize(("size", "too_large"), [(259, 3), (261, 1), (262, 0), (300, 0)])
    def test_size(self, size, too_large):
        model = Model.from_counts({"ab": 2, "cd": 2}, {"vocab_size": size}, ["<a>"])
        assert failing(model, "beyond_vocab_size") == {"pieces": too_large}


class TestCompare:
    def test_equal_models(self, byte_model):
        report = compare_models(byte_model, byte_model)
        n = len(byte_model.pieces)
        assert report == {
            "settings": {},
            "pieces": {"each": (n, n), "both": n, "same_id": n, "only_first": [], "only_second": []},
            "special_tokens": {"only_first": {}, "only_second": {}},
        }

    def test_different_models(self):
        first = Model.from_counts({"ab": 5, "cd": 3, "ef": 1, "zz": 4}, {"order": 6, "min_count": 2}, ["<a>", "<b>"])
        second = Model.from_counts({"cd": 7, "xyz": 2, "zz": 1}, {"order": 5, "min_count": 2}, ["<b>", "<c>"])
        report = compare_models(first, second)
        assert report["settings"] == {"order": (6, 5)}
        assert report["pieces"] == {
            "each": (260, 259),
            "both": 258,
            "same_id": 256,
            "only_first": [b"ab", b"ef"],
            "only_second": [b"xyz"],
        }
        assert report["special_tokens"] == {"only_first": {"<a>": 263}, "only_second": {"<c>": 263}}

    @pytest.mark.parametrize("batch_bytes", [1, 20, 2**22])
    def test_texts(self, byte_model, batch_bytes, monkeypatch):
        monkeypatch.setattr(batches_module, "BATCH_BYTES", batch_bytes)
        other = Model.from_counts({"the ": 9, "你好": 9, "a\tb": 9, " the": 9}, {"normalization": "nfc"})
        texts = [*TEXTS, b"\xff the", "\ufffd", "a\tb"]
        first, second = Tokenizer(byte_model), Tokenizer(other)
        pieces = [(first.tokenize(text), second.tokenize(text)) for text in texts]
        tokens = tuple(sum(map(len, side)) for side in zip(*pieces, strict=True))
        n_bytes = sum(len(text if isinstance(text, bytes) else text.encode()) for text in texts)
        assert compare_models(byte_model, other, iter(texts))["texts"] == {
            "texts": 7,
            "bytes": n_bytes,
            "tokens": tokens,
            "bytes_per_token": tuple(round(n_bytes / n, 4) for n in tokens),
            "tokens_of_second_for_one_of_first": round(tokens[1] / tokens[0], 4),
            "texts_with_the_same_pieces": sum(ours == theirs for ours, theirs in pieces),
        }

    @pytest.mark.parametrize("texts", [[], [""], ["", b""]])
    def test_no_text(self, byte_model, texts):
        assert "texts" not in compare_models(byte_model, byte_model, texts)


class TestCommand:
    @pytest.fixture
    def ok(self, ok):
        return lambda *arguments: ok(*arguments).decode()

    @pytest.fixture
    def paths(self, tmp_path):
        first = Model.from_counts({"ab": 5, "é\n": 2, "a\nb": 3}, {"order": 6, "note": "two\nlines"}, ["<a>", "<\n>"])
        first.save(tmp_path / "first")
        to_huggingface(Model.from_counts({"ab": 9, "cd": 3}), tmp_path / "second")
        (tmp_path / "corpus.jsonl").write_text(json.dumps({"body": "abcd"}) + "\n")
        return tmp_path / "first", tmp_path / "second", tmp_path / "corpus.jsonl"

    def test_inspect(self, ok, paths):
        lines = ok("inspect", paths[0]).splitlines()
        assert lines[:3] == ["ids: 264", "pieces: 259", "counts: 266"]
        for line in (
            "  <a>: 262",
            "  <\\n>: 263",
            "  note: two\\nlines",
            "  normalization: null",
            "  2: 1",
            '  used_by_no_text: pieces 1, examples "a\\nb"',
        ):
            assert line in lines

    def test_inspect_of_another_kind(self, ok, paths, tmp_path):
        assert ok("inspect", paths[1], "--output", tmp_path / "out") == ""
        assert (tmp_path / "out").read_text().startswith("ids: 261\n")

    def test_compare(self, ok, paths):
        lines = ok("compare", *paths, "--text-field", "body").splitlines()
        for line in (
            "  order: 6 / null",
            "  each: 259 / 258",
            '  only_first: "a\\nb", "é\\n"',
            "  only_first: <a> 262, <\\n> 263",
            "  only_second: none",
            "  tokens: 3 / 2",
            "  bytes_per_token: 1.3333 / 2.0",
        ):
            assert line in lines

    def test_without_a_corpus(self, ok, paths):
        assert "texts:" not in ok("compare", *paths[:2])

    @pytest.mark.parametrize(
        "arguments", [["inspect", "{0}.x"], ["compare", "{0}", "{0}.x"], ["compare", "{0}", "{1}", "{0}.txt"]]
    )
    def test_a_missing_file_is_named(self, paths, arguments, capsys):
        assert main([argument.format(*paths) for argument in arguments]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"bytepiece {arguments[0]}: {paths[0]}.")
        assert err.count("\n") == 1


def test_settings_with_lone_surrogates_are_shown():
    report = inspect_model(Model.from_counts({"ab": 5}, {"note": "a\ud800"}))
    assert "note: a\\xed\\xa0\\x80" in report_as_text(report)


def test_a_vocabulary_is_given_in_any_way(tmp_path):
    model = Model.from_counts({"ab": 5})
    model.save(tmp_path / "model")
    assert inspect_model(model) == inspect_model(Tokenizer(model)) == inspect_model(tmp_path / "model")
    with pytest.raises(FileNotFoundError):
        inspect_model(tmp_path / "other")
