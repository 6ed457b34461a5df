"""Documents from zstd archives."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError
from bytepiece.corpus.compression import open_input


class TestZstd:
    LINES = b"".join(b"line %d\n" % k for k in range(5000))

    def pack(self, zstd, data, **options):
        return zstd.ZstdCompressor(write_checksum=True, **options).compress(data)

    @pytest.mark.parametrize("data", [b"", b"\n", b"one\ntwo", LINES, b"\n" * 200_000], ids=len)
    def test_lines(self, zstd, tmp_path, data):
        (tmp_path / "a.txt.zst").write_bytes(self.pack(zstd, data))
        assert "".join(Corpus(tmp_path / "a.txt.zst")).encode() == data

    def test_json_lines(self, zstd, tmp_path):
        (tmp_path / "a.jsonl.zst").write_bytes(self.pack(zstd, b'{"text": "one"}\n{"text": "two"}\n'))
        assert list(Corpus(tmp_path)) == ["one", "two"]

    @given(st.lists(st.binary(max_size=50).map(lambda data: data.hex().encode()), min_size=1), st.integers(1, 5))
    def test_frames_one_after_the_other(self, zstd, tmp_path, parts, level):
        skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
        path = tmp_path / "a.zst"
        path.write_bytes(b"".join(self.pack(zstd, part, level=level) + skippable for part in parts))
        with open_input(str(path)) as file:
            assert file.read() == b"".join(parts)

    def test_large_window(self, zstd, tmp_path):
        """Well-known corpora are packed with ``zstd --long=31``."""
        parameters = zstd.ZstdCompressionParameters(window_log=30, write_content_size=False)
        packer = zstd.ZstdCompressor(compression_params=parameters).compressobj()
        (tmp_path / "a.zst").write_bytes(packer.compress(self.LINES) + packer.flush())
        assert "".join(Corpus(tmp_path / "a.zst")).encode() == self.LINES

    @pytest.mark.slow
    def test_truncated_anywhere(self, zstd, tmp_path):
        """The library zstandard takes a truncated archive for a whole one."""
        packed = self.pack(zstd, self.LINES[:2000])
        path = tmp_path / "a.txt.zst"
        for size in range(len(packed)):
            path.write_bytes(packed[:size])
            with pytest.raises(CorpusError, match=r"a\.txt\.zst, after line \d+: damaged archive: "):
                list(Corpus(path))

    def test_lines_before_the_damage_are_given(self, zstd, tmp_path):
        path = tmp_path / "a.txt.zst"
        path.write_bytes(self.pack(zstd, b"one\ntwo\n") + self.pack(zstd, b"three\n")[:-1])
        documents = iter(Corpus(path))
        assert [next(documents), next(documents)] == ["one\n", "two\n"]
        with pytest.raises(CorpusError, match=r"after line [23]: damaged archive"):
            list(documents)

    @pytest.mark.parametrize(
        "data", [b"plain text\n", b"\x00" * 100, gzip.compress(b"one\n")], ids=["text", "zeros", "gzip"]
    )
    def test_no_archive_at_all(self, zstd, tmp_path, data):
        (tmp_path / "a.zst").write_bytes(data)
        with pytest.raises(CorpusError, match="after line 0: damaged archive"):
            list(Corpus(tmp_path / "a.zst"))

    @given(data=st.data())
    def test_any_flipped_bit_is_an_error_or_harmless(self, zstd, tmp_path, data):
        damaged = bytearray(self.pack(zstd, self.LINES))
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path = tmp_path / "a.txt.zst"
        path.write_bytes(damaged)
        try:
            text = "".join(Corpus([path]))
        except CorpusError:
            return
        assert text.encode() == self.LINES
