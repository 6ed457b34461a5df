"""Files of a shard on a disk that fails."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bytepiece.shards import outputs


def test_an_error_in_the_background_is_not_forgotten(tmp_path, monkeypatch):
    """The system tells of a failed write once: the sync after it succeeds."""
    failures = [OSError(5, "Input/output error")]

    def sync(file):
        if failures:
            raise failures.pop()

    monkeypatch.setattr(outputs, "SYNC_BYTES", 1)
    monkeypatch.setattr(outputs, "_sync", sync)
    with ThreadPoolExecutor(1) as background:
        files = outputs.Outputs([str(tmp_path / "ids")], background)
        (output,) = files
        with pytest.raises(OSError, match="Input/output"):  # noqa: PT012
            for _ in range(2):
                output.write(b"x")
                background.submit(int).result()  # what went on is done
        files.discard(OSError())
