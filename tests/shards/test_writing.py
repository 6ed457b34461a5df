"""Shards hold each document once, in order, with the same bytes whatever happens meanwhile."""

import gzip
import hashlib
import json
import os
import shutil
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import (
    Corpus,
    CorpusError,
    Model,
    SettingsError,
    ShardsError,
    Tokenizer,
    read_shards,
    verify_shards,
    write_shards,
)
from bytepiece.corpus import blocks
from bytepiece.shards import job, source, writer
from bytepiece.shards import manifest as manifests
from bytepiece.shards.formats import FORMATS
from helpers.files import content

FORMATS_HERE = ["megatron", "datatrove", "bin", "llm.c", "npy", "parquet"]


@pytest.fixture(params=FORMATS_HERE)
def format(request):
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return request.param


def lists(shards):
    return [ids.tolist() for ids in shards]


class TestDocuments:
    def test_are_all_there_in_order(self, format, corpus_folder, model, expected, tmp_path):
        totals = write_shards(corpus_folder, model, tmp_path, format, shard_tokens=500, workers=2)
        shards = read_shards(tmp_path)
        assert lists(shards) == expected
        assert [shards[k].tolist() for k in (0, 57, -1)] == [expected[k] for k in (0, 57, -1)]
        assert len(shards) == totals["documents"] == len(expected)
        assert shards.n_tokens == totals["tokens"] == sum(map(len, expected))
        assert totals["empty"] == sum(not text for text in Corpus(corpus_folder)) > 0
        assert totals["text_bytes"] == sum(len(text.encode()) for text in Corpus(corpus_folder))
        assert totals["shards"] > 3
        assert shards.complete
        assert shards.model == model
        assert verify_shards(tmp_path) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("workers", [1, 2, 5])
    @pytest.mark.parametrize("block_bytes", [1, 100, 2**20])
    def test_same_bytes(self, format, corpus_folder, model, tmp_path, monkeypatch, workers, block_bytes):
        write_shards(corpus_folder, model, tmp_path / "a", format, shard_tokens=300)
        monkeypatch.setattr(blocks, "BLOCK_BYTES", block_bytes)
        monkeypatch.setattr(blocks, "BLOCK_ROWS", block_bytes)
        write_shards(corpus_folder, model, tmp_path / "b", format, shard_tokens=300, workers=workers)
        assert content(tmp_path / "a") == content(tmp_path / "b")

    @pytest.mark.slow
    @given(limit=st.integers(1, 400))
    def test_shards_are_full(self, corpus_folder, model, expected, tmp_path, limit):
        """A shard has no room for the next document."""
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        write_shards(corpus_folder, model, tmp_path / "out", shard_tokens=limit)
        entries = json.loads((tmp_path / "out" / "manifest.json").read_bytes())["shards"]
        first = 0
        for entry in entries:
            last = first + entry["documents"]
            assert sum(map(len, expected[first:last])) == entry["tokens"]
            assert entry["tokens"] <= limit or entry["documents"] == 1
            assert last == len(expected) or entry["tokens"] + len(expected[last]) > limit
            first = last
        assert first == len(expected)

    @pytest.mark.parametrize(("eos", "bos"), [(True, True), (False, True), (False, False)])
    def test_ends(self, corpus_folder, model, expected, tmp_path, eos, bos):
        write_shards(corpus_folder, model, tmp_path, append_eos=eos, prepend_bos=bos)
        assert lists(read_shards(tmp_path)) == [[1] * bos + ids[:-1] + [2] * eos for ids in expected]
        assert verify_shards(tmp_path) == []

    def test_special_tokens(self, corpus_folder, model, expected, tmp_path):
        write_shards(corpus_folder, model, tmp_path, allowed_special={"<eos>"})
        tokenizer = Tokenizer(model)
        texts = [text for text in Corpus(corpus_folder) if text]
        assert lists(read_shards(tmp_path)) == [
            [*tokenizer.encode(text, allowed_special={"<eos>"}), 2] for text in texts
        ]
        assert lists(read_shards(tmp_path)) != expected
        assert verify_shards(tmp_path) == []

    def test_normalized(self, tmp_path):
        model = Model.from_counts({"é": 3}, {"normalization": "nfc"})
        (tmp_path / "a.txt").write_bytes("e\u0301\n".encode())
        write_shards(tmp_path / "a.txt", model, tmp_path / "out")
        assert lists(read_shards(tmp_path / "out")) == [[*Tokenizer(model).encode("é\n"), 2]]
        assert verify_shards(tmp_path / "out") == []

    @pytest.mark.slow
    @pytest.mark.parametrize(("n", "dtype"), [(65536 - 259, np.uint16), (65537 - 259, np.uint32)])
    def test_dtype(self, tmp_path, format, n, dtype):
        model = Model.from_counts({f"{number:x}": 2 for number in range(256, 256 + n)})
        assert model.vocab_size == n + 259
        (tmp_path / "a.txt").write_text("\n".join(f"{number:x}" for number in (300, 70000, 65535 + 200)))
        write_shards(tmp_path / "a.txt", model, tmp_path / "out", format)
        shards = read_shards(tmp_path / "out")
        assert shards[0].dtype == dtype
        assert lists(shards) == [[*Tokenizer(model).encode(text), 2] for text in Corpus(tmp_path / "a.txt")]

    def test_of_no_documents(self, format, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"")
        (tmp_path / "b.jsonl").write_bytes(b"\n\n")
        totals = write_shards(tmp_path, model, tmp_path / "out", format)
        assert (totals["shards"], totals["documents"], totals["empty"]) == (0, 0, 2)
        assert len(read_shards(tmp_path / "out")) == 0
        assert verify_shards(tmp_path / "out") == []

    @pytest.mark.slow
    def test_million_empty_lines(self, model, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b"\n" * 10**6 + b'{"text": "x"}')
        totals = write_shards(tmp_path / "a.jsonl", model, tmp_path / "out")
        assert (totals["documents"], totals["empty"]) == (1, 10**6)

    @pytest.mark.slow
    def test_sample(self, corpus_folder, model, tmp_path):
        corpus = Corpus(corpus_folder, sample_bytes=2000, seed=3)
        write_shards(corpus, model, tmp_path, shard_tokens=100)
        tokenizer = Tokenizer(model)
        assert lists(read_shards(tmp_path)) == [[*tokenizer.encode(text), 2] for text in corpus if text]
        assert verify_shards(tmp_path) == []

    def test_sources_in_parquet(self, model, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\nthree\n")
        (tmp_path / "b.jsonl").write_bytes(b'\n{"text": "four"}\n')
        for part in (1, 2, 3):
            write_shards(Corpus(tmp_path / "*.*"), model, tmp_path / "out", "parquet", part=(part, 3))
        files = sorted((tmp_path / "out").glob("*.parquet"))
        table = parquet.read_table(files, columns=["source", "row"]).to_pylist()
        rows = sorted((os.path.basename(row["source"]), row["row"]) for row in table)
        assert rows == [("a.txt", 0), ("a.txt", 1), ("a.txt", 2), ("b.jsonl", 1)]

    def test_a_flipped_bit_in_parquet_is_noticed(self, model, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\nthree\n" * 40)
        write_shards(tmp_path / "a.txt", model, tmp_path / "out", "parquet")
        path = tmp_path / "out" / "shard-00000.parquet"
        column = parquet.read_metadata(path).row_group(0).column(0)
        end, whole = column.dictionary_page_offset + column.total_compressed_size, path.read_bytes()
        for place in range(end - 30, end):  # in the last page of the ids
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
            with pytest.raises(ShardsError, match=r"shard-00000: damaged shard: .*CRC"):
                lists(read_shards(tmp_path / "out"))


class TestParts:
    @pytest.mark.slow
    @pytest.mark.parametrize("n", [1, 2, 7, 40])
    @pytest.mark.parametrize("sample_bytes", [None, 3000])
    def test_are_the_whole(self, corpus_folder, model, tmp_path, n, sample_bytes):
        corpus = Corpus(corpus_folder, sample_bytes=sample_bytes)
        for number in range(1, n + 1):
            assert not os.path.exists(tmp_path / "manifest.json") or not read_shards(tmp_path).complete
            write_shards(corpus, model, tmp_path, part=(number, n), shard_tokens=200)
        shards = read_shards(tmp_path)
        assert shards.complete
        tokenizer = Tokenizer(model)
        assert lists(shards) == [[*tokenizer.encode(text), 2] for text in corpus if text]
        assert verify_shards(tmp_path) == []

    @pytest.mark.parametrize("part", [(0, 2), (3, 2), (1, 0), (True, 2)])
    def test_that_are_none(self, corpus_folder, model, tmp_path, part):
        with pytest.raises(SettingsError):
            write_shards(corpus_folder, model, tmp_path, part=part)


class TestResuming:
    """After whatever ended it, the same call gives the same bytes."""

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, corpus_folder, model, tmp_path_factory):
        folder = tmp_path_factory.mktemp("whole")
        write_shards(corpus_folder, model, folder, shard_tokens=300)
        return content(folder)

    @pytest.mark.parametrize("moment", range(0, 40, 3))
    def test_after_an_end_at_any_step(self, corpus_folder, model, tmp_path, whole, monkeypatch, moment):
        """Names are given one by one. Each time, the process ends before one of them, and leaves all as it is."""

        class Ended(BaseException):
            pass

        replace, left = os.replace, moment

        def replace_some(source, target):
            nonlocal left
            left -= 1
            if left < 0:
                shutil.copy(source, f"{source}.copy")  # what a killed process leaves
                os.rename(f"{source}.copy", os.path.join(tmp_path, ".bytepiece-0.tmp"))
                raise Ended
            replace(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_some)
            try:
                write_shards(corpus_folder, model, tmp_path, shard_tokens=300)
            except Ended:
                pass
            else:
                assert left >= 0
        write_shards(corpus_folder, model, tmp_path, shard_tokens=300)
        assert content(tmp_path) == whole

    @pytest.mark.slow
    def test_whole_shards_are_not_made_again(self, corpus_folder, model, tmp_path, monkeypatch):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
        taken = []
        take = writer.Writer.take

        def some(writer, encoded):
            taken.append(len(encoded.numbers))
            if len(writer._manifest.shards) >= 5:  # in the background, it may pass 5 between two calls
                raise KeyboardInterrupt
            take(writer, encoded)

        with monkeypatch.context() as patch:
            patch.setattr(writer.Writer, "take", some)
            with pytest.raises(KeyboardInterrupt):
                write_shards(corpus_folder, model, tmp_path, shard_tokens=100)
        assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
        assert not read_shards(tmp_path).complete
        whole = manifests.load_manifests(str(tmp_path))[0].shards
        assert len(whole) >= 5
        taken.clear()
        monkeypatch.setattr(writer.Writer, "take", lambda *each: taken.append(len(each[1].numbers)) or take(*each))
        totals = write_shards(corpus_folder, model, tmp_path, shard_tokens=100)
        made_before = sum(shard["documents"] + shard["empty"] for shard in whole)
        assert sum(taken) == totals["documents"] + totals["empty"] - made_before

    def test_finished_is_finished(self, corpus_folder, model, tmp_path, monkeypatch):
        totals = write_shards(corpus_folder, model, tmp_path)
        monkeypatch.setattr(job, "Source", None)
        assert write_shards(corpus_folder, model, tmp_path) == totals

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"shard_tokens": 301}, "made with shard_tokens=300, not 301"),
            ({"append_eos": False}, "append_eos=True, not False"),
            ({"format": "bin"}, "format='megatron', not 'bin'"),
            ({"part": (1, 2)}, "has part 1/1"),
            ({"model": Model.from_counts({"the": 10})}, "another model"),
            ({"corpus": {"text_field": "n"}}, "text_field='text', not 'n'"),
            ({"corpus": {"on_error": "skip"}}, "on_error='stop', not 'skip'"),
        ],
        ids=str,
    )
    def test_other_arguments_are_refused(self, corpus_folder, model, tmp_path, change, says):
        write_shards(corpus_folder, model, tmp_path, shard_tokens=300)
        before = content(tmp_path)
        change = {"model": model, "corpus": {}, "shard_tokens": 300, **change}
        corpus = Corpus(corpus_folder, **change.pop("corpus"))
        with pytest.raises(ShardsError, match=says.replace("(", r"\(")):
            write_shards(corpus, change.pop("model"), tmp_path, **change)
        assert content(tmp_path) == before

    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda folder: (folder / "a.txt").write_bytes(b"other"), "a.txt: changed since"),
            (lambda folder: os.utime(folder / "a.txt", ns=(0, 0)), "a.txt: changed since.*last change"),
            (lambda folder: (folder / "a.txt").unlink(), "a.txt there, .*b.jsonl here"),
            (lambda folder: (folder / "z.txt").write_bytes(b"more"), "made of 6 files, not of 7"),
        ],
        ids=["changed", "touched", "gone", "more"],
    )
    def test_other_files_are_refused(self, corpus_folder, model, tmp_path, spoil, says):
        pytest.importorskip("pyarrow")
        shutil.copytree(corpus_folder, tmp_path / "in")
        write_shards(tmp_path / "in", model, tmp_path / "out")
        spoil(tmp_path / "in")
        with pytest.raises(ShardsError, match=says):
            write_shards(tmp_path / "in", model, tmp_path / "out")

    @pytest.mark.parametrize("stray", [False, True])
    def test_without_a_shard_all_may_change(self, model, tmp_path, stray):
        """A corpus is mended after the first run has failed; that may have ended before it had noted its shard."""
        (tmp_path / "a.txt").write_bytes(b"one\n\xff\n")
        with pytest.raises(CorpusError):
            write_shards(tmp_path / "a.txt", Model.from_counts({"one": 1}), tmp_path / "out")
        if stray:
            (tmp_path / "out" / "shard-00000.bin").write_bytes(b"x")
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
        write_shards(tmp_path / "a.txt", model, tmp_path / "out", "datatrove")
        write_shards(tmp_path / "a.txt", model, tmp_path / "whole", "datatrove")
        assert content(tmp_path / "out") == content(tmp_path / "whole")

    def test_another_part_may_have_begun(self, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xff\n" * 9)
        with pytest.raises(CorpusError):
            write_shards(tmp_path / "a.txt", model, tmp_path / "out", part=(1, 2))
        (tmp_path / "a.txt").write_bytes(b"one\n" * 9)
        with pytest.raises(ShardsError, match=r"a\.txt: changed"):
            write_shards(tmp_path / "a.txt", model, tmp_path / "out", part=(2, 2))

    @pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x")])
    def test_shards_that_are_gone_are_refused(self, corpus_folder, model, tmp_path, spoil):
        write_shards(corpus_folder, model, tmp_path, shard_tokens=300)
        spoil(tmp_path / "shard-00001.bin")
        with pytest.raises(ShardsError, match=r"shard-00001\.bin: (missing|damaged)"):
            write_shards(corpus_folder, model, tmp_path, shard_tokens=300)


class TestErrors:
    @pytest.fixture
    def bad(self, tmp_path):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.txt").write_bytes(b"one\ntwo\n\xff\nfour\n" + b"five\n" * 50)
        return tmp_path / "in"

    def test_stops_at_a_document_that_cannot_be_read(self, bad, model, tmp_path):
        with pytest.raises(CorpusError, match=r"a\.txt, line 3: not UTF-8"):
            write_shards(bad, model, tmp_path / "out", shard_tokens=5)
        shards = read_shards(tmp_path / "out")
        assert lists(shards) == [[*Tokenizer(model).encode("one\n"), 2]]
        assert verify_shards(tmp_path / "out") == []

    @pytest.mark.slow
    @pytest.mark.parametrize("shard_tokens", [1, 5, 20, 1000])
    def test_skips_it(self, bad, model, tmp_path, shard_tokens):
        corpus = Corpus(bad, on_error="skip")
        totals = write_shards(corpus, model, tmp_path / "out", shard_tokens=shard_tokens)
        assert totals["skipped"] == 1
        assert totals["first_error"].endswith("a.txt, line 3: not UTF-8: byte 0xff at position 0")
        tokenizer = Tokenizer(model)
        assert lists(read_shards(tmp_path / "out")) == [[*tokenizer.encode(text), 2] for text in corpus]
        assert verify_shards(tmp_path / "out") == []

    def test_too_long_documents(self, bad, model, tmp_path):
        corpus = Corpus(bad, on_error="skip", max_document_bytes=4)
        totals = write_shards(corpus, model, tmp_path / "out")
        assert lists(read_shards(tmp_path / "out")) == [
            [*Tokenizer(model).encode(text), 2] for text in ("one\n", "two\n")
        ]
        assert totals["skipped"] == len(list(Corpus(bad, on_error="skip"))) - 2 + 1
        assert verify_shards(tmp_path / "out") == []

    def test_a_line_that_is_too_long_is_passed_over(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
        (tmp_path / "a.txt").write_bytes(b"one\n" + b"x" * 10_000 + b"\ntwo\n")
        with pytest.raises(CorpusError, match=r"a\.txt, line 2: longer than 100 bytes"):
            write_shards(Corpus(tmp_path / "a.txt", max_document_bytes=100), model, tmp_path / "out", shard_tokens=1)
        assert len(read_shards(tmp_path / "out")) == 0  # as what comes after the first line is not known
        corpus = Corpus(tmp_path / "a.txt", on_error="skip", max_document_bytes=100)
        totals = write_shards(corpus, model, tmp_path / "out")
        assert (totals["documents"], totals["skipped"]) == (2, 1)
        assert verify_shards(tmp_path / "out") == []

    @pytest.mark.slow
    def test_archive_that_was_cut_off(self, model, tmp_path):
        """What is before the damage is read; whole shards stay."""
        lines = [b"%x\n" % number**9 for number in range(2000)]
        (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"".join(lines))[:8000])
        texts = []
        with pytest.raises(CorpusError, match=r"a\.txt\.gz, after line \d+: damaged archive"):
            texts.extend(Corpus(tmp_path / "a.txt.gz"))
        with pytest.raises(CorpusError, match=rf"a\.txt\.gz, after line {len(texts)}: damaged archive"):
            write_shards(tmp_path / "a.txt.gz", model, tmp_path / "out", shard_tokens=1000)
        kept = len(read_shards(tmp_path / "out"))
        assert len(texts) - 200 < kept < len(texts)
        skipping = Corpus(tmp_path / "a.txt.gz", on_error="skip")
        totals = write_shards(skipping, model, tmp_path / "skipped", shard_tokens=1000)
        assert (totals["documents"], totals["skipped"]) == (len(texts), 1)

    def test_small_files_are_encoded_together(self, model, tmp_path, monkeypatch):
        (tmp_path / "in").mkdir()
        for number in range(200):
            (tmp_path / "in" / f"{number:03}.txt").write_text(f"{number}\n")
        groups = []
        run = source.in_order
        monkeypatch.setattr(source, "in_order", lambda function, items, *rest: run(function, noted(items), *rest))

        def noted(items):
            for item in items:
                groups.append(len(item))
                yield item

        write_shards(tmp_path / "in", model, tmp_path / "out")
        tokenizer = Tokenizer(model)
        assert lists(read_shards(tmp_path / "out")) == [[*tokenizer.encode(f"{k}\n"), 2] for k in range(200)]
        assert groups == [64, 64, 64, 8]

    def test_last_documents_that_cannot_be_read_are_counted(self, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n\xff\n\xff\n")
        totals = write_shards(Corpus(tmp_path / "a.txt", on_error="skip"), model, tmp_path / "out")
        assert (totals["documents"], totals["skipped"]) == (1, 2)

    @pytest.mark.slow
    def test_full_disk(self, corpus_folder, model, tmp_path, monkeypatch):
        """Written shards stay; the error names a file; nothing is left of the others; then it goes on."""
        write_shards(corpus_folder, model, tmp_path / "whole", shard_tokens=300)
        written = []
        write = writer.Outputs.keep

        def full(outputs):
            written.append(1)
            if len(written) > 3:
                raise OSError(28, "No space left on device")
            return write(outputs)

        with monkeypatch.context() as patch:
            patch.setattr(writer.Outputs, "keep", full)
            with pytest.raises(OSError, match=r"No space left.*shard-00003\.bin"):
                write_shards(corpus_folder, model, tmp_path / "out", shard_tokens=300)
        names = sorted(os.listdir(tmp_path / "out"))
        assert [name for name in names if name.startswith("shard")][-1] == "shard-00002.idx"
        assert not [name for name in names if name.endswith(".tmp")]
        write_shards(corpus_folder, model, tmp_path / "out", shard_tokens=300)
        assert content(tmp_path / "out") == content(tmp_path / "whole")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"format": "csv"},
            {"shard_tokens": 0},
            {"shard_tokens": 2**31, "format": "llm.c"},
            {"append_eos": 2},
            {"allowed_special": "<eos>"},
            {"allowed_special": ["<no>"]},
            {"workers": 0},
            {"no_such": 1},
        ],
        ids=str,
    )
    def test_wrong_settings(self, corpus_folder, model, tmp_path, wrong):
        with pytest.raises(SettingsError):
            write_shards(corpus_folder, model, tmp_path / "out", **wrong)
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("part", [5, (1,), "12", (1, 2, 3), None])
    def test_a_part_that_is_no_pair(self, corpus_folder, model, tmp_path, part):
        with pytest.raises(SettingsError, match="part must be"):
            write_shards(corpus_folder, model, tmp_path, part=part)

    def test_a_seed_that_is_none(self, tmp_path):
        with pytest.raises(SettingsError, match="seed"):
            verify_shards(tmp_path, seed=[])

    @pytest.mark.parametrize("format", ["megatron", "llm.c", "parquet"])
    def test_a_document_that_is_too_long_for_the_format(self, model, tmp_path, format, monkeypatch):
        if format == "parquet":
            pytest.importorskip("pyarrow")
        monkeypatch.setattr(FORMATS[format], "longest", 10)
        (tmp_path / "a.txt").write_bytes(b"one\n" + b"x" * 30 + b"\n")
        with pytest.raises(ShardsError, match=r"a\.txt, document 1 \(from 0\): 32 ids"):
            write_shards(tmp_path / "a.txt", model, tmp_path / "out", format)
        assert not [name for name in os.listdir(tmp_path / "out") if name.startswith("shard")]

    @pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
    def test_a_source_whose_name_is_not_utf8(self, model, tmp_path):
        pytest.importorskip("pyarrow")
        path = os.path.join(os.fsencode(tmp_path), b"\xff.txt")
        with open(path, "wb") as file:
            file.write(b"one\n")
        write_shards(os.fsdecode(path), model, tmp_path / "out", "parquet")
        assert lists(read_shards(tmp_path / "out")) == [[*Tokenizer(model).encode("one\n"), 2]]

    def test_folder_without_shards(self, tmp_path):
        with pytest.raises(ShardsError, match="no shards"):
            read_shards(tmp_path)


class TestDamage:
    """What is read back may be anything."""

    @pytest.mark.parametrize(
        "change",
        [
            {"shards": 5},
            {"shards": [5]},
            {"totals": [1]},
            {"part": [2, 1]},
            {"part": None},
            {"dtype": "int7"},
            {"settings": {}},
            {"settings": {"format": "csv", "append_eos": True, "prepend_bos": True}},
            {"corpus": {}},
            {"corpus": [[]]},
            {"version": 2},
        ],
        ids=str,
    )
    def test_of_a_manifest(self, model, tmp_path, change):
        path = self.shard(model, tmp_path)
        content = json.loads(path.read_bytes())
        path.write_text(json.dumps(content | change))
        self.check_refused(tmp_path / "out", r"manifest\.json")

    @pytest.mark.parametrize("name", ["version", "shards", "totals", "part", "dtype", "settings", "corpus"])
    def test_of_a_manifest_without(self, model, tmp_path, name):
        path = self.shard(model, tmp_path)
        content = json.loads(path.read_bytes())
        del content[name]
        path.write_text(json.dumps(content))
        self.check_refused(tmp_path / "out", r"manifest\.json")

    @pytest.mark.parametrize(
        "change",
        [
            {"documents": -1},
            {"tokens": 2**70},
            {"files": {"../a.txt": {"bytes": 4, "sha256": ""}, "/etc/passwd": {"bytes": 4, "sha256": ""}}},
            {"files": {}},
            {"name": 5},
            {"end": {}},
            {"begin": {"span": "0", "position": 0, "number": 0}},
        ],
        ids=str,
    )
    def test_of_the_entry_of_a_shard(self, model, tmp_path, change):
        path = self.shard(model, tmp_path)
        content = json.loads(path.read_bytes())
        content["shards"][0] |= change
        path.write_text(json.dumps(content))
        self.check_refused(tmp_path / "out", r"manifest\.json")

    @pytest.mark.parametrize("text", ["[" * 5000, '{"version": 1', "[]", "", "\0"])
    def test_of_json(self, model, tmp_path, text):
        path = self.shard(model, tmp_path)
        path.write_text(text)
        self.check_refused(tmp_path / "out", r"manifest\.json")

    @pytest.mark.parametrize("content", [[[1]], {}, [["a.txt", "4", 5]], None])
    def test_of_the_inputs(self, model, tmp_path, content):
        path = self.shard(model, tmp_path)
        path.with_name("inputs.json").write_text(json.dumps(content))
        (problem,) = verify_shards(tmp_path / "out")
        assert "inputs.json: damaged" in problem
        with pytest.raises(ShardsError, match=r"inputs\.json: damaged"):
            write_shards(tmp_path / "a.txt", model, tmp_path / "out", "npy")

    @pytest.mark.parametrize(
        "table",
        [b"0,4\n4,8\n8,9", b"0,4\n4,9223372036854775808\n", b"0,4\n5,8\n", b"0,8\n8,4\n", b"x" * 100, b"a,b\n"],
    )
    def test_of_the_table_of_npy(self, model, tmp_path, table):
        self.shard(model, tmp_path)
        (tmp_path / "out" / "shard-00000.csv.gz").write_bytes(gzip.compress(table))
        with pytest.raises(ShardsError, match="damaged"):
            read_shards(tmp_path / "out")[0]

    @pytest.mark.parametrize("place", [0, 12, -6])
    def test_of_the_archive_of_npy(self, model, tmp_path, place):
        self.shard(model, tmp_path)
        path = tmp_path / "out" / "shard-00000.csv.gz"
        data = bytearray(path.read_bytes())
        data[place] ^= 0xFF
        path.write_bytes(data)
        with pytest.raises(ShardsError, match="damaged"):
            read_shards(tmp_path / "out")[0]

    def test_of_a_parquet_page_that_the_manifest_describes(self, model, tmp_path):
        pytest.importorskip("pyarrow")
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n" * 500)
        write_shards(tmp_path / "a.txt", model, tmp_path / "out", "parquet")
        path = tmp_path / "out" / "shard-00000.parquet"
        data = bytearray(path.read_bytes())
        data[100] ^= 1
        path.write_bytes(data)
        manifest = tmp_path / "out" / "manifest.json"
        content = json.loads(manifest.read_bytes())
        content["shards"][0]["files"][path.name]["sha256"] = hashlib.sha256(data).hexdigest()
        manifest.write_text(json.dumps(content))
        (problem,) = verify_shards(tmp_path / "out")
        assert "damaged" in problem

    def shard(self, model, tmp_path):
        """The manifest of a shard of two documents."""
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
        write_shards(tmp_path / "a.txt", model, tmp_path / "out", "npy")
        return tmp_path / "out" / "manifest.json"

    def check_refused(self, folder, match):
        for call in (read_shards, verify_shards):
            with pytest.raises(ShardsError, match=match):
                call(folder)


class TestVerify:
    @pytest.mark.slow
    def test_finds_a_flipped_bit_in_any_file(self, format, corpus_folder, model, tmp_path):
        write_shards(corpus_folder, model, tmp_path, format, shard_tokens=1000)
        for ending in FORMATS[format].endings:
            path = tmp_path / f"shard-00001{ending}"
            data = path.read_bytes()
            for place in (0, len(data) // 2, len(data) - 1):
                path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
                (problem,) = verify_shards(tmp_path)
                assert f"shard-00001{ending}" in problem
            path.write_bytes(data)
        assert verify_shards(tmp_path) == []

    def test_finds_other_texts(self, corpus_folder, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
        write_shards(tmp_path / "a.txt", model, tmp_path / "out")
        (tmp_path / "a.txt").write_bytes(b"one\ntoo\n")
        (problem,) = verify_shards(tmp_path / "out")
        assert problem.endswith("document 1 (from 0) is not that of the corpus")

    def test_finds_fewer_texts(self, corpus_folder, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
        write_shards(tmp_path / "a.txt", model, tmp_path / "out")
        (tmp_path / "a.txt").write_bytes(b"one\n")
        (problem,) = verify_shards(tmp_path / "out")
        assert "2 documents, where the corpus has 1" in problem

    def test_without_the_corpus(self, model, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
        write_shards(tmp_path / "a.txt", model, tmp_path / "out")
        (tmp_path / "a.txt").unlink()
        (problem,) = verify_shards(tmp_path / "out")
        assert "cannot be compared with the corpus" in problem
        assert verify_shards(tmp_path / "out", sample=0) == []
