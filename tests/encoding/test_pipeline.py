"""Work in threads, in order."""

import threading
import time

import pytest

from bytepiece.encoding.pipeline import in_order


class TestInOrder:
    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_results_are_in_order(self, workers):
        def slow_first(number):
            time.sleep(0.01 if number == 0 else 0)
            return number

        assert list(in_order(slow_first, range(50), workers)) == list(range(50))

    def test_few_items_are_held(self):
        read = []
        results = in_order(abs, (read.append(number) or number for number in range(100)), 2)
        for number in range(90):
            assert next(results) == number
            assert len(read) <= number + 17

    def test_fewer_large_items_are_held(self):
        read = []
        results = in_order(abs, (read.append(number) or number for number in range(20)), 2, lambda item: 2**25 + 1)
        for number in range(20):
            assert next(results) == number
            assert len(read) <= number + 2

    def test_runs_side_by_side(self):
        barrier = threading.Barrier(3, timeout=10)
        assert list(in_order(lambda _: barrier.wait() >= 0, range(3), 3)) == [True] * 3

    def test_error_of_an_item_comes_in_its_place(self):
        results = in_order(lambda number: 6 // number, [3, 2, 0, 1], 2)
        assert [next(results), next(results)] == [2, 3]
        with pytest.raises(ZeroDivisionError):
            next(results)

    def test_error_of_reading_comes_after_the_items_before_it(self):
        def items():
            yield from [1, 2, 3]
            raise OSError("no more")

        seen = []
        with pytest.raises(OSError, match="no more"):
            seen.extend(in_order(abs, items(), 2))
        assert seen == [1, 2, 3]

    def test_whoever_stops_ends_the_threads(self):
        before = threading.active_count()
        results = in_order(abs, range(1000), 3)
        next(results)
        results.close()
        assert threading.active_count() == before
