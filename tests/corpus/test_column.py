"""Columns of datasets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Column, CorpusError, Trainer


class HuggingFace:
    """The methods of a ``datasets.Dataset`` that `Column` uses."""

    def __init__(self, columns, column_names=None):
        self.columns = columns
        self.column_names = list(columns) if column_names is None else column_names
        self.batch_sizes = []

    def select_columns(self, names):
        selected = HuggingFace({name: self.columns[name] for name in names})
        selected.batch_sizes = self.batch_sizes
        return selected

    def iter(self, batch_size):
        self.batch_sizes.append(batch_size)
        length = max(map(len, self.columns.values()))
        for k in range(0, length, batch_size):
            yield {name: values[k : k + batch_size] for name, values in self.columns.items()}

    def __iter__(self):
        raise AssertionError("rows one at a time are slow")
        yield

    def __len__(self):
        raise AssertionError("an IterableDataset has none")


class TestColumn:
    @given(st.lists(st.text()))
    def test_rows(self, texts):
        column = Column([{"text": text, "id": 1} for text in texts], "text")
        assert list(column) == list(column) == texts

    @given(st.lists(st.text(), max_size=300))
    def test_batches(self, texts):
        rows = HuggingFace({"id": [1] * len(texts), "text": texts})
        column = Column(rows, "text")
        assert list(column) == list(column) == texts

    def test_batches_are_small(self):
        rows = HuggingFace({"text": ["x"] * 1000})
        list(Column(rows, "text"))
        assert rows.batch_sizes == [100]

    def test_other_columns_are_not_even_decoded(self):
        class Image:
            def __getitem__(self, rows):
                raise AssertionError("decoded")

            def __len__(self):
                return 2

        assert list(Column(HuggingFace({"image": Image(), "text": ["one", "two"]}), "text")) == ["one", "two"]

    def test_object_whose_iteration_starts_anew(self):
        class Rows:
            def __iter__(self):
                return iter([{"text": "one"}])

        column = Column(Rows(), "text")
        assert list(column) == list(column) == ["one"]

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            ({"text": None}, "field 'text' must be text, not NoneType"),
            ({"text": 5}, "field 'text' must be text, not int"),
            ({"text": b"x"}, "field 'text' must be text, not bytes"),
            ({"body": "x"}, "no field 'text' (there are: body)"),
            ({}, "no field 'text' (there are: none)"),
            ("text", "expected a mapping of fields, not str"),
            (("x",), "expected a mapping of fields, not tuple"),
        ],
        ids=repr,
    )
    def test_bad_row_is_named(self, row, says):
        column = Column([{"text": "one"}, {"text": "two"}, row], "text")
        with pytest.raises(CorpusError) as caught:
            list(column)
        assert str(caught.value) == f"row 2 (from 0): {says}"

    def test_bad_row_of_a_batch_is_named(self):
        with pytest.raises(CorpusError, match=r"^row 150 \(from 0\): field 'text' must be text, not NoneType$"):
            list(Column(HuggingFace({"text": ["x"] * 150 + [None]}), "text"))

    def test_missing_column_is_named_at_once(self):
        with pytest.raises(CorpusError, match=r"^no field 'body' \(there are: text, id\)$"):
            Column(HuggingFace({"text": [], "id": []}), "body")

    def test_missing_column_of_a_dataset_that_does_not_know(self):
        rows = HuggingFace({"text": ["x"]}, column_names=())
        with pytest.raises(CorpusError, match=r"^row 0 \(from 0\): no field 'body' \(there are: text\)$"):
            list(Column(rows, "body"))

    @pytest.mark.parametrize("once", [iter([{"text": "x"}]), ({"text": text} for text in "ab"), map(dict, [])])
    def test_what_can_be_read_once_is_refused(self, once):
        with pytest.raises(CorpusError, match="can be read once"):
            Column(once, "text")

    def test_splits_are_to_be_chosen(self):
        with pytest.raises(CorpusError, match=r"choose one of train, test$"):
            Column({"train": [], "test": []}, "text")

    @pytest.mark.parametrize("wrong", [None, 5])
    def test_no_rows_at_all(self, wrong):
        with pytest.raises(CorpusError, match="must be rows, not"):
            Column(wrong, "text")

    def test_error_of_the_dataset_itself_stays_as_it_is(self):
        class Rows:
            def __iter__(self):
                raise ValueError("the network")

        with pytest.raises(ValueError, match="the network") as caught:
            list(Column(Rows(), "text"))
        assert not isinstance(caught.value, CorpusError)

    @pytest.mark.slow
    def test_trains_as_a_list_does(self):
        texts = ["red house\n", "blue house\n", "red river\n", "blue river\n"] * 5
        models = []
        for source in (texts, Column(HuggingFace({"text": texts}), "text")):
            trainer = Trainer(vocab_size=300)
            trainer.train(source, progress=False)
            models.append(trainer.models[300])
        assert models[0] == models[1]

    def test_of_the_real_thing(self):
        datasets = pytest.importorskip("datasets")
        dataset = datasets.Dataset.from_dict({"text": [f"text {k}" for k in range(250)], "id": list(range(250))})
        expected = [f"text {k}" for k in range(250)]
        assert list(Column(dataset, "text")) == expected
        assert list(Column(dataset.to_iterable_dataset(), "text")) == expected

    def test_repr(self):
        assert repr(Column([], "text")) == "Column(list, 'text')"
