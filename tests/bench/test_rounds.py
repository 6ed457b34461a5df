"""Jobs in turn."""

import pytest

from bytepiece.bench.report import markdown_table
from bytepiece.bench.rounds import alternate, ratio


def test_each_round_begins_with_another_job():
    order = []
    seconds = alternate({name: lambda name=name: order.append(name) or len(order) for name in "abc"}, 4)
    assert "".join(order) == "abc" + "bca" + "cab" + "abc"
    assert seconds == {"a": [1, 6, 8, 10], "b": [2, 4, 9, 11], "c": [3, 5, 7, 12]}


def test_ratio_is_that_of_rounds():
    assert ratio([10, 1, 1], [10, 1, 0.1]) == 1
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


def test_tables_without_rows():
    assert markdown_table(["", "MB/s"], []) == "|     | MB/s |\n| --- | ---: |\n"
