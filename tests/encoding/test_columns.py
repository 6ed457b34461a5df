"""Columns of texts: pyarrow, polars, pandas and datasets, by their buffers."""

import random

import numpy as np
import pytest

from bytepiece import DisallowedSpecialError, Model, SettingsError, TextError, Tokenizer
from helpers.exports import NAMES, TEXTS, many_scores
from helpers.frameworks import import_or_skip

pyarrow = import_or_skip("pyarrow")

MODELS = {
    "plain": many_scores().with_special_tokens(NAMES),
    "nfc": Model(many_scores().pieces, many_scores().counts, {"normalization": "nfc"}, NAMES),
}


@pytest.fixture(params=MODELS)
def tokenizer(request):
    return Tokenizer(MODELS[request.param])


def some_texts(n=300):
    draw = random.Random(4)
    words = [*TEXTS, "hello ", "w3", "é", "e\u0301", "\n", ""]
    return ["".join(draw.choices(words, k=draw.randint(0, 30))) for _ in range(n)]


def polars_series(texts):
    return pytest.importorskip("polars").Series(texts)


def pandas_series(texts):
    return pytest.importorskip("pandas").Series(texts)


def pandas_in_arrow(texts):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(texts, dtype=pandas.ArrowDtype(pyarrow.string()))


def datasets_column(texts):
    datasets = import_or_skip("datasets")
    return datasets.Dataset.from_dict({"text": texts})["text"]


COLUMNS = {
    "array": pyarrow.array,
    "large": lambda texts: pyarrow.array(texts, pyarrow.large_string()),
    "view": lambda texts: pyarrow.array(texts, pyarrow.string_view()),
    "binary": lambda texts: pyarrow.array([text.encode() for text in texts]),
    "dictionary": lambda texts: pyarrow.array(texts).dictionary_encode(),
    "chunked": lambda texts: pyarrow.chunked_array([texts[:7], [], texts[7:50], texts[50:]], pyarrow.string()),
    "slice": lambda texts: pyarrow.array(["x", *texts, "y"]).slice(1, len(texts)),
    "polars": polars_series,
    "pandas": pandas_series,
    "pandas in arrow": pandas_in_arrow,
    "datasets": datasets_column,
}
each_column = pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)


@each_column
class TestEachColumn:
    def test_lists(self, make, tokenizer):
        texts = some_texts()
        assert tokenizer.encode_batch(make(texts)) == tokenizer.encode_batch(texts)
        assert tokenizer.encode_batch(make([])) == []

    @pytest.mark.slow
    def test_arrays(self, make, tokenizer):
        texts = some_texts()
        for workers in (1, 2, 5):
            ids, offsets = tokenizer.encode_batch_to_numpy(make(texts * 20), workers, add_eos=True)
            expected = tokenizer.encode_batch_to_numpy(texts * 20, add_eos=True)
            assert (ids.dtype, offsets.dtype) == (np.uint32, np.int64)
            assert ids.tolist() == expected[0].tolist()
            assert offsets.tolist() == expected[1].tolist()

    def test_special_tokens_and_sampling(self, make, tokenizer):
        texts = some_texts(40)
        options = {"allowed_special": "all"}
        assert tokenizer.encode_batch(make(texts), **options) == tokenizer.encode_batch(texts, **options)
        assert tokenizer.encode_batch(make(texts), None, 0.3, 7) == tokenizer.encode_batch(texts, None, 0.3, 7)
        with pytest.raises(DisallowedSpecialError):
            tokenizer.encode_batch(make(texts), disallowed_special="all")

    def test_missing_texts(self, make, tokenizer):
        texts = ["a", "b", None] if make is not COLUMNS["binary"] else None
        if texts is not None:
            with pytest.raises(TextError, match=r"text 2 \(from 0\)"):
                tokenizer.encode_batch(make(texts))


def test_a_null_among_the_values_of_a_dictionary(tokenizer):
    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1, 0]), pyarrow.array(["a", None]))
    with pytest.raises(TextError, match=r"text 1 \(from 0\)"):
        tokenizer.encode_batch(column)


class TestWithoutObjects:
    def test_no_text_becomes_an_object(self, monkeypatch):
        """The texts of a column are not iterated, and their memory is that of the column."""
        tokenizer = Tokenizer(MODELS["plain"])

        def refuse(*_):
            raise AssertionError("a text became an object")

        monkeypatch.setattr("bytepiece.encoding.encoder.Encoder.parts", refuse)
        column = pyarrow.array(["hello", "the"], pyarrow.large_string())
        assert len(tokenizer.encode_batch(column)) == 2

    def test_memory_of_a_column_is_shared(self):
        from bytepiece.encoding.columns import column_of

        column = pyarrow.array(["hello", "the"])
        (chunk,) = column_of(column)
        assert chunk.data.ctypes.data == column.buffers()[2].address


class TestToArrow:
    def test_is_what_lists_are(self, tokenizer):
        texts = some_texts()
        array = tokenizer.encode_to_arrow(texts)
        assert array.type == pyarrow.list_(pyarrow.uint32())
        assert array.to_pylist() == tokenizer.encode_batch(texts)
        assert tokenizer.encode_to_arrow(pyarrow.array(texts), add_bos=True).to_pylist() == tokenizer.encode_batch(
            texts, add_bos=True
        )
        assert tokenizer.encode_to_arrow([]).to_pylist() == []

    def test_has_the_memory_of_the_ids(self, tokenizer, monkeypatch):
        kept = []
        encode = Tokenizer._encode

        def keep(*arguments):
            kept.append(encode(*arguments))
            return kept[-1]

        monkeypatch.setattr(Tokenizer, "_encode", keep)
        array = tokenizer.encode_to_arrow(["hello", "the"])
        assert array.values.buffers()[1].address == kept[0][0].ctypes.data

    def test_half_the_memory(self, tokenizer):
        array = tokenizer.encode_to_arrow(["hello", "the"], dtype="uint16")
        assert array.type == pyarrow.list_(pyarrow.uint16())
        assert array.to_pylist() == tokenizer.encode_batch(["hello", "the"])

    @pytest.mark.parametrize("dtype", ["int32", 16, None])
    def test_other_types(self, tokenizer, dtype):
        with pytest.raises(SettingsError, match="dtype"):
            tokenizer.encode_to_arrow(["a"], dtype=dtype)

    @pytest.mark.slow
    def test_ids_that_do_not_fit(self):
        tokenizer = Tokenizer(many_scores(70_000))
        with pytest.raises(SettingsError, match="dtype must be 'uint32'"):
            tokenizer.encode_to_arrow(["a"], dtype="uint16")


@pytest.mark.parametrize(
    "column",
    [pyarrow.array([1, 2]), pyarrow.array([["a"]]), pyarrow.array([None, None]), pyarrow.table({"a": ["b"]})],
    ids=["numbers", "lists", "nothing", "table"],
)
def test_columns_of_something_else(column):
    with pytest.raises(TextError, match="text"):
        Tokenizer(MODELS["plain"]).encode_batch(column)


def test_errors_must_be_a_way_to_handle_errors(tokenizer):
    with pytest.raises(SettingsError, match="errors"):
        tokenizer.encode_batch(pyarrow.array(["he"]), errors="bogus")
