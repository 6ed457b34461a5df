"""Sizes in bytes, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError
from bytepiece.sizes import parse_size


class TestSizes:
    @pytest.mark.parametrize(
        ("size", "n_bytes"),
        [
            ("1", 1),
            ("512M", 512 * 2**20),
            ("512m", 512 * 2**20),
            ("512MB", 512 * 2**20),
            ("512MiB", 512 * 2**20),
            ("512 MiB", 512 * 2**20),
            ("1.5G", 3 * 2**29),
            ("0.1K", 102),
            ("0.3T", 329853488332),
            ("1000B", 1000),
            ("7K", 7168),
            ("9007199254740993", 2**53 + 1),
            (12345, 12345),
            (2**63 - 1, 2**63 - 1),
        ],
    )
    def test_sizes(self, size, n_bytes):
        assert parse_size(size) == n_bytes

    @pytest.mark.parametrize(
        "size",
        ["", "M", "-1", "+1", "1.M", ".5M", "1e9", "1,000", "1 000", "5X", "5MM", "5iB", " 5M", "5M ", "5M\n", "٣M"],
    )
    def test_no_sizes(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be a number of bytes or a size like"):
            parse_size(size, "memory")

    @pytest.mark.parametrize(
        "size",
        [None, 1.5, b"5M", True, [], "9" * 5000],
        ids=lambda size: repr(size)[:20],
    )
    def test_no_sizes_at_all(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be a number of bytes or a size like"):
            parse_size(size, "memory")

    @pytest.mark.parametrize("size", [0, -1, "0", "0G", "0.5B", 2**63, "9000000T", "9" * 50])
    def test_out_of_range(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be 1 to "):
            parse_size(size, "memory")

    @given(st.integers(1, 2**63 - 1))
    def test_numbers_are_exact(self, n_bytes):
        assert parse_size(str(n_bytes)) == parse_size(n_bytes) == n_bytes

    def test_an_int_that_python_does_not_write(self):
        with pytest.raises(SettingsError, match="not an int of 16610 bits"):
            parse_size(10**5000)
