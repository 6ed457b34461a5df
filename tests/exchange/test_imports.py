"""Models of other tokenizers, and counted words, as models."""

import json
import os
import struct
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ImportModelError, Model, ModelFormatError, SettingsError, Tokenizer, reference
from bytepiece import convert_to_bytepiece as convert
from bytepiece.cli.main import main
from bytepiece.core.automaton import log_probabilities
from bytepiece.exchange import (
    KINDS,
    drop_unused_pieces,
    from_huggingface,
    from_sentencepiece,
    import_model,
    read_counts,
    to_huggingface,
    to_sentencepiece,
)
from bytepiece.exchange.protobuf import field
from bytepiece.exchange.recovery import counts_from_scores
from helpers.properties import examples

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

counts_of_words = st.dictionaries(
    st.binary(min_size=1, max_size=8), st.integers(1, 5) | st.integers(1, 10**12), min_size=1, max_size=40
)


class TestCountsFromScores:
    @given(st.lists(st.integers(1, 100) | st.integers(1, 10**13), min_size=2, max_size=300), st.integers(1, 20))
    def test_float64(self, counts, least):
        counts = [least, *(count + least for count in counts)]
        scores = log_probabilities(counts)
        assert np.array_equal(log_probabilities(counts_from_scores(scores)), scores)

    def test_float64_gives_the_very_counts(self):
        counts = [1, 1, 2, 3, 10, 999_999_937, 10**12 + 39]
        assert counts_from_scores(log_probabilities(counts)) == counts

    @pytest.mark.slow
    @given(st.lists(st.integers(1, 10**6), max_size=300))
    def test_float32(self, counts):
        scores = log_probabilities([*range(1, 257), *counts]).astype(np.float32)
        found = counts_from_scores(scores)
        assert np.array_equal(log_probabilities(found).astype(np.float32), scores)

    @pytest.mark.parametrize("scores", [[-1.0, -1.0], [-9.5] * 256, [0.0, 0.0], [5.0, 1000.0]])
    def test_no_probabilities(self, scores):
        with pytest.raises(ImportModelError, match=r"those of these scores sum to "):
            counts_from_scores(np.array(scores))

    @pytest.mark.parametrize("scores", [[], [float("nan"), -1.0], [float("-inf"), 0.0]])
    def test_no_numbers(self, scores):
        with pytest.raises(ImportModelError, match="not a number"):
            counts_from_scores(np.array(scores))

    def test_probabilities_of_no_counts(self):
        p = np.random.default_rng(7).random(1000)
        with pytest.raises(ImportModelError, match="no counts were found"):
            counts_from_scores(np.log(p / p.sum()))


BOS = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {},
}


class TestHuggingFace:
    @examples(50)
    @given(counts_of_words, st.sampled_from([None, "nfc"]))
    def test_round_trip(self, tmp_path_factory, counts, normalization):
        counts.pop(b"<pad>", None)
        model = Model.from_counts(counts, {"normalization": normalization}).with_special_tokens(["<|a b|>", "<|c|>"])
        folder = tmp_path_factory.mktemp("hf")
        to_huggingface(model, folder)
        back = from_huggingface(folder)
        assert (back.pieces, back.special_tokens, back.settings) == (model.pieces, model.special_tokens, model.settings)
        assert np.array_equal(log_probabilities(back.counts), log_probabilities(model.counts))

    @pytest.mark.parametrize(
        "path", sorted(GOLDEN.rglob("*.model")), ids=lambda path: f"{path.parent.name}-{path.name}"
    )
    def test_goldens_come_back_to_the_last_count(self, path, tmp_path):
        model = Model.load(path)
        to_huggingface(model, tmp_path)
        assert from_huggingface(tmp_path / "tokenizer.json") == model

    def test_special_tokens_in_text_make_no_difference(self, tmp_path, byte_model):
        model = byte_model.with_special_tokens(["<|x|>"])
        to_huggingface(model, tmp_path)
        assert from_huggingface(tmp_path) == model

    @pytest.fixture
    def changed(self, tmp_path, byte_model):
        """Import an export after a change."""

        def changed(change):
            to_huggingface(byte_model, tmp_path)
            document = json.loads((tmp_path / "tokenizer.json").read_bytes())
            change(document)
            (tmp_path / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
            return from_huggingface(tmp_path)

        return changed

    def test_what_transformers_puts_for_no_post_processor(self, changed, byte_model):
        assert changed(lambda document: document.update(post_processor=TEMPLATE)) == byte_model

    def test_special_tokens_that_were_added_later(self, changed, byte_model):
        added = [{"id": byte_model.vocab_size + k, "content": name} for k, name in enumerate(["<|y|>", "<|x|>"])]
        assert changed(lambda document: document.update(added_tokens=added[::-1])) == byte_model.with_special_tokens(
            ["<|y|>", "<|x|>"]
        )

    def test_layout_makes_no_difference(self, changed, byte_model):
        assert changed(lambda document: None) == byte_model

    @pytest.mark.parametrize(
        ("place", "value", "reason"),
        [
            (["model", "type"], "BPE", "type 'BPE'"),
            (["normalizer"], {"type": "NFKC"}, "the normalizer .*NFKC"),
            (["pre_tokenizer"], None, "must cut after each run of newlines"),
            (["pre_tokenizer"], {"type": "Metaspace"}, "must cut after each run of newlines"),
            (["pre_tokenizer", "pretokenizers", 0, "behavior"], "Isolated", "must cut after each run"),
            (["pre_tokenizer", "pretokenizers", 1, "add_prefix_space"], True, "without prefix space"),
            (["pre_tokenizer", "pretokenizers", 1, "use_regex"], True, "without prefix space and regex"),
            (["decoder"], {"type": "Metaspace"}, "the decoder"),
            (["post_processor"], {"type": "TemplateProcessing"}, "the post_processor"),
            (
                ["post_processor"],
                {**TEMPLATE, "single": [BOS, *TEMPLATE["single"]]},
                "the post_processor .*add nothing",
            ),
            (["post_processor"], "none", "the post_processor"),
            (["truncation"], {"max_length": 5}, "the truncation"),
            (["padding"], {"strategy": "BatchLongest"}, "the padding"),
            (["added_tokens"], [{"id": 70, "content": "y"}], "special tokens are"),
            (["added_tokens"], [{"id": 264, "content": "y"}], "special tokens are"),
            (["added_tokens"], [{"id": 263, "content": "y", "special": False}], "the added token .*must be"),
            (["added_tokens"], [{"id": 263, "content": "y", "lstrip": True}], "the added token .*must be"),
            (["added_tokens"], [{"id": 1, "content": "<bos>"}, {"id": 263, "content": "<bos>"}], "special tokens are"),
            (["added_tokens"], "all", "added tokens must be"),
            (["model", "vocab"], {"a": 1}, "vocabulary must be"),
            (["model", "vocab", 0, 0], "<unk>", "special tokens are"),
            (["model", "vocab", 9, 1], -2.5, "probabilities sum to 1"),
            (["model", "vocab", 9, 1], "high", "vocabulary must be"),
            (["model", "vocab", 9, 0], "你", "piece '你' .id 9. is not spelled"),
            (["model", "vocab", 9, 0], "", "must be non-empty"),
            (["model"], None, "no tokenizer"),
        ],
    )
    def test_says_why_not(self, changed, place, value, reason, tmp_path):
        def change(document):
            *path, last = place
            for step in path:
                document = document[step]
            document[last] = value

        with pytest.raises(ImportModelError, match=f"tokenizer.json: .*{reason}"):
            changed(change)

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"model": {}}'])
    def test_damaged(self, data, tmp_path):
        (tmp_path / "tokenizer.json").write_bytes(data)
        with pytest.raises(ImportModelError, match=r"tokenizer\.json: "):
            from_huggingface(tmp_path)

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            from_huggingface(tmp_path)


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def sentencepiece_model(symbols, trainer=(), normalizer=()):
    """A SentencePiece model as BytePiece 0.6.3 writes it, without our own fields."""
    trainer = {3: 1, 35: True, **dict(trainer)}
    normalizer = {1: "identity", 3: False, 4: False, **dict(normalizer)}
    parts = [field(1, field(1, name) + field(2, float(score)) + field(3, kind)) for name, score, kind in symbols]
    for number, spec in ((2, trainer), (3, normalizer)):
        parts.append(field(number, b"".join(field(*item) for item in spec.items())))
    return b"".join(parts)


def symbols_of(model):
    yield from [("<unk>", 0, UNKNOWN), ("<s>", 0, CONTROL), ("</s>", 0, CONTROL)]
    printable = set(map(ord, map(chr, range(0x20, 0x7F)))) - {ord("\\")}
    for piece, score in zip(model.pieces, log_probabilities(model.counts), strict=True):
        if len(piece) == 1 and piece[0] not in printable:
            yield f"<0x{piece[0]:02X}>", score, BYTE
        else:
            yield piece.decode().replace(" ", "\u2581"), score, NORMAL
    for byte in sorted(printable):
        yield f"<0x{byte:02X}>", -100, BYTE


class TestSentencePiece:
    @examples(50)
    @given(counts_of_words, st.sampled_from([None, "nfc"]))
    def test_round_trip(self, tmp_path_factory, counts, normalization):
        """Exact even for pieces that SentencePiece cannot use."""
        model = Model.from_counts(counts, {"normalization": normalization, "order": 6}).with_special_tokens(["<|c|>"])
        path = tmp_path_factory.mktemp("sp") / "sp"
        to_sentencepiece(model, path, force=True)
        assert from_sentencepiece(path) == model

    @pytest.fixture
    def read(self, tmp_path):
        def read(data):
            (tmp_path / "sp").write_bytes(data)
            return from_sentencepiece(tmp_path / "sp")

        return read

    def test_export_of_bytepiece(self, read):
        words = {"the": 50, " of": 20, "你好": 7, "a": 3000, "longer": 123_456_789}
        model = Model.from_counts(words)
        back = read(sentencepiece_model(symbols_of(model)))
        assert back.pieces == model.pieces
        scores = [log_probabilities(each.counts).astype(np.float32).tolist() for each in (back, model)]
        assert scores[0] == scores[1]
        assert [back.counts[k] for k in range(256)] == [model.counts[k] for k in range(256)]

    def test_changed_scores_do_not_give_the_old_counts(self, tmp_path, read):
        to_sentencepiece(Model.from_counts({"ab": 5}), tmp_path / "sp")
        data = (tmp_path / "sp").read_bytes()
        score = field(2, float(log_probabilities([1] * 256 + [5])[-1]))
        assert score in data
        with pytest.raises(ImportModelError, match="probabilities sum to 1"):
            read(data.replace(score, field(2, -0.5)))

    @pytest.mark.parametrize(
        ("trainer", "normalizer", "reason"),
        [
            ({3: 2}, {}, "not a unigram model"),
            ({35: False}, {}, "no byte fallback"),
            ({}, {2: b"charsmap"}, "normalizes"),
            ({}, {3: True}, "puts a space in front"),
            ({}, {4: True}, "removes spaces"),
        ],
    )
    def test_settings_that_no_model_has(self, read, trainer, normalizer, reason):
        data = sentencepiece_model(symbols_of(Model.from_counts({"ab": 5})), trainer, normalizer)
        with pytest.raises(ImportModelError, match=reason):
            read(data)

    @pytest.mark.parametrize(
        ("position", "symbol", "reason"),
        [
            (0, ("a", -1, NORMAL), "'a' .id 0. is normal"),
            (9, ("x y", 0, USER_DEFINED), "user-defined"),
            (9, ("gone", 0, UNUSED), "unused"),
            (260, ("ab", -1, NORMAL), "twice"),
            (600, ("zz", -1, NORMAL), "has the id"),
            (9, ("<0xZZ>", -1, BYTE), "<0xZZ>"),
        ],
    )
    def test_symbols_that_no_model_has(self, read, position, symbol, reason):
        symbols = list(symbols_of(Model.from_counts({"ab": 5})))
        symbols.insert(position, symbol)
        with pytest.raises(ImportModelError, match=reason):
            read(sentencepiece_model(symbols))

    def test_trained_by_sentencepiece(self, read):
        symbols = [("<unk>", 0, UNKNOWN), ("<s>", 0, CONTROL), ("</s>", 0, CONTROL)]
        symbols += [(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)]
        with pytest.raises(ImportModelError, match="sum to"):
            read(sentencepiece_model([*symbols, ("\u2581the", -2.5, NORMAL)]))

    @pytest.mark.slow
    @pytest.mark.parametrize("tail", [b"", b"\xff"])
    def test_damaged(self, read, tail):
        whole = sentencepiece_model(symbols_of(Model.from_counts({"ab": 5})))
        for position in range(0, len(whole) - 1, 7):
            with suppress(ImportModelError):
                read(whole[:position] + tail + whole[position + len(tail) :][: len(tail) * len(whole)])


class TestImportModel:
    def test_every_kind(self, tmp_path, byte_model):
        byte_model.save(tmp_path / "own")
        byte_model.save(tmp_path / "json", format="json")
        to_huggingface(byte_model, tmp_path / "hf")
        to_sentencepiece(byte_model, tmp_path / "sp", force=True)
        for name in ("own", "hf", "hf/tokenizer.json", "sp"):
            assert import_model(tmp_path / name) == byte_model
        assert import_model(tmp_path / "json") == Model.load(tmp_path / "json")

    @pytest.mark.parametrize("word", ["model", '"model":', '{"model": 1}'])
    def test_words_do_not_mislead(self, tmp_path, word):
        model = Model.from_counts({word: 3}, {"normalization": "nfc"})
        model.save(tmp_path / "json", format="json")
        assert import_model(tmp_path / "json") == model

    @pytest.mark.parametrize("first", ["{", "bytepiece-model ", "你"])
    def test_counts_do_not_mislead(self, tmp_path, first):
        (tmp_path / "counts").write_text(f"{first}\t5\r\nab\t7\r\n", encoding="utf-8", newline="")
        assert import_model(tmp_path / "counts") == Model.from_counts({first: 5, "ab": 7})

    @pytest.mark.parametrize("data", [b"", b"hello\nworld\n", b"\x00\x01", b"\n", b"\n\n", b"\nabc", b"{}x", b"a\tb\n"])
    def test_nothing_known(self, tmp_path, data):
        (tmp_path / "x").write_bytes(data)
        with pytest.raises((ImportModelError, ModelFormatError)) as caught:
            import_model(tmp_path / "x")
        assert str(caught.value).startswith(f"{tmp_path / 'x'}: ")

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            import_model(tmp_path / "x")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
    @pytest.mark.parametrize("format", KINDS)
    def test_a_pipe_is_read_once(self, tmp_path, byte_model, format):
        byte_model.save(tmp_path / "model", format, force=True)
        path = tmp_path / "model" / "tokenizer.json" if format == "huggingface" else tmp_path / "model"
        os.mkfifo(tmp_path / "fifo")
        writer = threading.Thread(target=lambda: (tmp_path / "fifo").write_bytes(path.read_bytes()), daemon=True)
        writer.start()
        assert import_model(tmp_path / "fifo").counts == byte_model.counts
        writer.join()


class TestFormats:
    """Every format through one pair of methods, of models and of tokenizers."""

    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize("format", KINDS)
    def test_saved_and_loaded(self, tmp_path, byte_model, format, named):
        model = Model.from_packed(byte_model.packed, {"normalization": "nfc" if format == "json" else None})
        Tokenizer(model).save(tmp_path / "model", format, force=True)
        chosen = format if named else None
        assert Model.load(tmp_path / "model", format=chosen) == model
        assert Tokenizer.load(tmp_path / "model", format=chosen).model == model
        assert Tokenizer(tmp_path / "model").model == model

    @pytest.mark.parametrize("format", ["xml", "", 5, "counts"])
    def test_unknown_ones_are_refused(self, tmp_path, byte_model, format):
        with pytest.raises(SettingsError, match=r"format must be one of .*sentencepiece"):
            byte_model.save(tmp_path / "model", format)
        if format != "counts":
            with pytest.raises(SettingsError, match=r"format must be one of .*counts"):
                Model.load(tmp_path / "model", format)

    def test_another_than_the_named_is_an_error(self, tmp_path, byte_model):
        byte_model.save(tmp_path / "model")
        with pytest.raises(ImportModelError, match="model: not valid JSON"):
            Model.load(tmp_path / "model", "huggingface")


class TestCounts:
    @pytest.fixture
    def read(self, tmp_path):
        def read(data):
            (tmp_path / "counts.tsv").write_bytes(data)
            return read_counts(tmp_path / "counts.tsv")

        return read

    def test_lines(self, read):
        data = "\ufeff钟楼\t5\nof the\t7\r\n\\n\\t\\\\\\xff\t1".encode()
        assert read(data) == {"钟楼".encode(): 5, b"of the": 7, b"\n\t\\\xff": 1}

    def test_counts_of_a_piece_are_added(self, read):
        assert read(b"a\t5\nb\t2\n\\x61\t1\n") == {b"a": 6, b"b": 2}

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"word", "expected a piece, a tab and a count"),
            (b"", "expected a piece, a tab and a count"),
            (b"\t5", "expected a piece, a tab and a count"),
            (b"word\t5\tn", "the count must be a whole number"),
            (b"word\t0", "the count must be a whole number from 1"),
            (b"word\t-3", "the count must be"),
            (b"word\t1.5", "the count must be"),
            (b"word\t" + b"9" * 30, "the count must be"),
            (b"\\q\t3", "unknown escape"),
            (b"\xff\t3", "not UTF-8"),
        ],
    )
    def test_errors_name_the_line(self, read, line, reason):
        with pytest.raises(ModelFormatError, match=rf"counts\.tsv: line 2: {reason}"):
            read(b"first\t1\n" + line + b"\nlast\t2\n")

    @pytest.mark.parametrize("flags", [[], ["--settle"]])
    def test_command(self, tmp_path, flags, capsys):
        words = {"clock": 9, "tower": 4, "clocktower": 1, "钟": 5}
        path = tmp_path / "counts.tsv"
        path.write_text("".join(f"{word}\t{count}\n" for word, count in words.items()), encoding="utf-8")
        assert main(["convert", str(path), "--to", "bytepiece", str(tmp_path / "model"), *flags]) == 0
        assert capsys.readouterr() == ("", "")
        model = Model.from_counts(words)
        assert Model.load(tmp_path / "model") == (drop_unused_pieces(model) if flags else model)

    def test_command_error(self, tmp_path, capsys):
        path = tmp_path / "counts.tsv"
        path.write_text("clock\t9\ntower\n")
        assert main(["convert", str(path), "--to", "bytepiece", str(tmp_path / "model")]) == 1
        out, err = capsys.readouterr()
        assert (out, err) == (
            "",
            f"bytepiece convert: {path}: line 2: expected a piece, a tab and a count: 'tower'\n",
        )
        assert not (tmp_path / "model").exists()

    def test_what_vocab_shows_comes_back(self, tmp_path, byte_model, capfdbinary):
        byte_model.save(tmp_path / "model")
        assert main(["vocab", str(tmp_path / "model"), "--output", str(tmp_path / "vocab")]) == 0
        lines = (tmp_path / "vocab").read_bytes().splitlines(keepends=True)[3:]
        (tmp_path / "counts.tsv").write_bytes(b"".join(line.partition(b"\t")[2] for line in lines))
        assert import_model(tmp_path / "counts.tsv") == byte_model


class TestFromCounts:
    def test_words(self):
        model = Model.from_counts({"钟楼": 5, "a": 7})
        counts = dict(zip(model.pieces, model.counts, strict=True))
        assert counts == {bytes([byte]): 1 for byte in range(256)} | {b"a": 7, "钟楼".encode(): 5}

    def test_no_words(self):
        assert Model.from_counts({}).counts == [1] * 256

    def test_the_same_word_twice(self):
        with pytest.raises(ModelFormatError, match="there twice"):
            Model.from_counts({"a": 7, b"a": 8})

    def test_lone_surrogate(self):
        with pytest.raises(ModelFormatError, match="lone surrogate"):
            Model.from_counts({"\ud800": 7})


class TestConvertToBytepiece:
    @given(
        st.dictionaries(
            st.text(st.sampled_from("abc é"), min_size=1, max_size=6).map(str.encode)
            | st.binary(min_size=1, max_size=6).filter(lambda piece: b"\n" not in piece),
            st.integers(0, 50),
            max_size=60,
        )
    )
    def test_agrees_with_the_reference(self, tmp_path_factory, counts):
        path = tmp_path_factory.mktemp("model") / "json"
        convert(counts, path)
        model = Model.load(path)
        used = {piece: count for piece, count in counts.items() if count}
        (expected,) = reference.prune(used, [len(used) + 259], 36, 1).values()
        assert dict(zip(model.pieces, model.counts, strict=True)) == expected
        assert model.normalization == "nfc"

    def test_what_bytepiece_gives(self, tmp_path):
        # Seen in 0.6.3.
        convert({"ab": 5, "c": 2, "d": 1, "ba": 0}, tmp_path / "json")
        model = Model.load(tmp_path / "json")
        assert len(model.pieces) == 257
        counts = dict(zip(model.pieces, model.counts, strict=True))
        assert {piece: counts.get(piece) for piece in (b"ab", b"c", b"d", b"ba")} == {
            b"ab": 5,
            b"c": 2,
            b"d": 1,
            b"ba": None,
        }

    def test_improbable_words_give_their_counts_to_their_parts(self):
        model = drop_unused_pieces(Model.from_counts({"clock": 1000, "tower": 1000, "clocktower": 1}))
        counts = dict(zip(model.pieces, model.counts, strict=True))
        assert (counts.get(b"clocktower"), counts[b"clock"], counts[b"tower"]) == (None, 1001, 1001)

    def test_settling_keeps_the_rest(self):
        model = Model.from_counts({"ab": 5}, {"normalization": "nfc", "order": 3}).with_special_tokens(["<|x|>"])
        assert drop_unused_pieces(model) == model

    @pytest.mark.parametrize(
        ("pieces", "reason"),
        [
            ({"a": -1}, "piece 'a': count must be an int .* not -1"),
            ({"a": 1.5}, "piece 'a': .* not 1.5"),
            ({"a": None}, "piece 'a': .* not None"),
            ({"a": True}, "piece 'a': .* not True"),
            ({"a": 2**63}, "piece 'a': "),
            ({"": 1}, "not ''"),
            ({5: 1}, "not 5"),
            ({"\ud800": 1}, "lone surrogates"),
            ({"a": 1, b"a": 2}, "b'a' is there twice"),
            (["a"], "must be a mapping of pieces to counts, not list"),
        ],
    )
    def test_errors(self, tmp_path, pieces, reason):
        with pytest.raises(ModelFormatError, match=reason):
            convert(pieces, tmp_path / "json")
        with pytest.raises(ModelFormatError, match=reason):
            Model.from_counts(pieces)
        assert list(tmp_path.iterdir()) == []


def test_counts_whose_uses_could_wrap_are_refused(tmp_path):
    with pytest.raises(ModelFormatError, match=r"sum to more than 2\*\*63 - 1"):
        convert({"a": 2**62, "a" * 20_000: 2**50}, tmp_path / "model.json")
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize("depth", [40, 950, 991, 2000])
def test_a_nested_tokenizer_is_refused(tmp_path, depth):
    path = tmp_path / "tokenizer.json"
    normalizer = "[" * depth + "]" * depth
    path.write_text(f'{{"model": {{"type": "Unigram", "vocab": []}}, "normalizer": {normalizer}}}')
    with pytest.raises(ImportModelError):
        Model.load(path)
