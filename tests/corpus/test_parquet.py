"""Documents from the rows of parquet files."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError
from bytepiece.corpus import parquet
from helpers.processes import UNDER_ASAN, run_python


class TestParquet:
    @given(st.lists(st.text()), st.integers(1, 7))
    def test_rows_are_documents(self, write_parquet, documents, row_group_size):
        path = write_parquet(text=documents, row_group_size=row_group_size)
        assert list(Corpus(path)) == documents

    def test_more_rows_than_are_read_at_a_time(self, write_parquet):
        documents = [str(k) * (k % 50) for k in range(5000)]
        corpus = Corpus(write_parquet(text=documents, row_group_size=3000))
        assert list(corpus) == list(corpus) == documents

    @pytest.mark.slow
    def test_batches_of_long_values_of_a_dictionary_are_small(self, write_parquet, monkeypatch):
        """In the file, a value that all rows share is there once."""
        monkeypatch.setattr(parquet, "LARGEST_BATCH_BYTES", 2**16)
        documents = ["short"] * 2000 + ["x" * 10_000] * 2000
        path = write_parquet(text=documents)
        columns = [column for _, column in parquet.text_columns(str(path), "text", print, print, 1024)]
        assert max(column.nbytes for column in columns) < 2**17
        assert [text.decode() for column in columns for text in column.to_pylist()] == documents

    @pytest.mark.slow
    def test_batches_of_long_differences_are_small(self, arrow, tmp_path, monkeypatch):
        """In the file, the first bytes that values share are there once."""
        from pyarrow import parquet as writer

        monkeypatch.setattr(parquet, "LARGEST_BATCH_BYTES", 2**20)
        documents = ["x" * 100_000 + str(k) for k in range(300)]
        table = arrow.table({"text": documents})
        encodings = {"text": "DELTA_BYTE_ARRAY"}
        writer.write_table(table, tmp_path / "a.parquet", use_dictionary=False, column_encoding=encodings)
        columns = [
            column for _, column in parquet.text_columns(str(tmp_path / "a.parquet"), "text", print, print, 1024)
        ]
        assert max(column.nbytes for column in columns) < 2**21
        assert [text.decode() for column in columns for text in column.to_pylist()] == documents

    def test_column_of_another_name(self, write_parquet):
        path = write_parquet(text=["no"], **{"né.x": ["yes"], "né": [3]})
        assert list(Corpus(path, "né.x")) == ["yes"]

    @pytest.mark.parametrize("kind", ["string", "large_string", "binary", "large_binary", "string_view", "dictionary"])
    def test_types_of_text(self, arrow, write_parquet, kind):
        if kind == "dictionary":
            kind = arrow.dictionary(arrow.int32(), arrow.string())
        elif hasattr(arrow, kind):
            kind = getattr(arrow, kind)()
        else:
            pytest.skip("not of this pyarrow")
        values = [b"one", "né".encode(), b"one"] if "binary" in str(kind) else ["one", "né", "one"]
        assert list(Corpus(write_parquet(text=values, types={"text": kind}))) == ["one", "né", "one"]

    @pytest.mark.parametrize("values", [[1], [["one"]], [{"text": "one"}], [True]], ids=repr)
    def test_types_of_something_else(self, write_parquet, values):
        with pytest.raises(CorpusError, match=r"a\.parquet: field 'text' must be text, not "):
            list(Corpus(write_parquet(text=values)))

    def test_missing_column(self, write_parquet):
        with pytest.raises(CorpusError, match=r"a\.parquet: no field 'text' \(there are: body, id\)$"):
            list(Corpus(write_parquet(body=["one"], id=[1])))

    def test_null(self, write_parquet):
        with pytest.raises(CorpusError, match=r"a\.parquet, row 1 \(from 0\): field 'text' must be text, not null$"):
            list(Corpus(write_parquet(text=["one", None])))

    def test_nothing_but_nulls(self, write_parquet, tmp_path):
        corpus = Corpus(write_parquet(text=[None, None]), on_error="skip")
        assert (list(corpus), corpus.skipped) == ([], 2)

    def test_row_is_counted_over_batches_and_groups(self, write_parquet):
        path = write_parquet(text=["x"] * 4321 + [None], row_group_size=1500)
        with pytest.raises(CorpusError, match="row 4321 "):
            list(Corpus(path))

    @pytest.mark.parametrize("type", ["binary", "string"])
    def test_not_utf8(self, arrow, write_parquet, type):
        texts = arrow.array([b"one", b"tw\xff"], arrow.binary())
        if type == "string":  # Arrow lets it pass where it is not asked
            texts = arrow.StringArray.from_buffers(2, *texts.buffers()[1:])
        with pytest.raises(CorpusError, match=r"row 1 \(from 0\): not UTF-8: byte 0xff at position 2$"):
            list(Corpus(write_parquet(text=texts)))

    @pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1", b"text\n" * 100], ids=repr)
    def test_no_parquet_file_at_all(self, arrow, tmp_path, data):
        (tmp_path / "a.parquet").write_bytes(data)
        with pytest.raises(CorpusError, match=r"a\.parquet, after 0 rows: damaged file: "):
            list(Corpus(tmp_path))

    @given(data=st.data())
    def test_damage_is_an_error_or_harmless(self, write_parquet, data):
        texts = [f"line {k}" for k in range(200)]
        path = write_parquet(text=texts, row_group_size=50)
        damaged = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
        path.write_bytes(damaged)
        try:
            assert list(Corpus(path)) == texts
        except CorpusError as error:
            assert str(path) in str(error)  # noqa: PT017

    @pytest.mark.slow
    @pytest.mark.parametrize("change", [1, 2, 3, 7, 8, 255])
    def test_no_wrong_byte_of_the_footer_drops_rows_in_silence(self, write_parquet, change):
        texts = [f"line {k}" for k in range(10)]
        path = write_parquet(text=texts, row_group_size=5)
        whole = path.read_bytes()
        footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
        for place in range(footer, len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
            try:
                assert list(Corpus(path)) == texts, place
            except CorpusError as error:
                assert str(path) in str(error)  # noqa: PT017

    def test_two_columns_of_one_name(self, arrow, tmp_path):
        from pyarrow import parquet

        both = arrow.table([["a"], ["b"]], names=["text", "text"])
        parquet.write_table(both, tmp_path / "a.parquet")
        with pytest.raises(CorpusError, match="2 fields 'text'"):
            list(Corpus(tmp_path))

    @pytest.mark.slow
    def test_memory_does_not_grow_with_the_file(self, write_parquet):
        if not os.path.exists("/proc/self/status"):
            pytest.skip("needs /proc")
        if UNDER_ASAN:
            pytest.skip("AddressSanitizer keeps memory that was freed")
        code = """
            import sys
            from bytepiece import Corpus

            for path in sys.argv[1:]:
                assert all(len(text) == 4000 for text in Corpus(path))
                print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024)
        """
        paths = [
            write_parquet(
                f"{n_rows}.parquet", text=[f"{k:04}"[-4:] * 1000 for k in range(n_rows)], row_group_size=10_000
            )
            for n_rows in (10_000, 40_000)
        ]
        peaks = [int(line) for line in run_python(code, *paths, check=True).stdout.split()]
        assert peaks[1] - peaks[0] < 40_000_000, "of 120 MB that the second file has more"
