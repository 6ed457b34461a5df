"""Encoded documents put into shards, each of which is finished while the next one fills."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bytepiece.corpus.blocks import Place
from bytepiece.corpus.partitions import Partition
from bytepiece.errors import ShardsError
from bytepiece.shards.counts import Counts
from bytepiece.shards.cutting import fitting
from bytepiece.shards.format import Batch, Format, Ids
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.manifest import Manifest
from bytepiece.shards.outputs import Outputs
from bytepiece.shards.settings import Settings
from bytepiece.shards.source import Encoded

__all__ = ["Writer"]


@dataclass
class _Shard:
    """A shard that is being filled. Its files come with its first document that is not empty."""

    name: str
    begin: tuple[int, Place]
    end: tuple[int, Place]
    counts: Counts = field(default_factory=Counts)
    outputs: Outputs | None = None
    format: Format | None = None

    def discard(self, error: BaseException) -> None:
        """Remove the files, because of an error."""
        if self.format is not None:
            self.format.abandon()
        if self.outputs is not None:
            self.outputs.discard(error)


class Writer:
    """Puts documents into shards.

    Attributes:
        n_documents: how many documents are in all shards so far.
        n_tokens: how many ids are.
    """

    def __init__(self, manifest: Manifest, settings: Settings, dtype: np.dtype[Any], part: Partition) -> None:
        self._manifest = manifest
        self._format = FORMATS[settings.format]
        self._most_tokens = settings.shard_tokens
        self._dtype = dtype
        self._stops = part.on_error == "stop"
        self._paths = [span.path for span in part.spans]
        self._number = len(manifest.shards)
        self._last_end = manifest.end()  # of the last full shard
        self._shard: _Shard | None = None
        self._late = Counts()  # what could not be read since the last document
        self._finishing: Future[None] | None = None
        self._finisher = ThreadPoolExecutor(1)
        self._syncer: Executor = ThreadPoolExecutor(1)
        self.n_documents = sum(shard["documents"] for shard in manifest.shards)
        self.n_tokens = sum(shard["tokens"] for shard in manifest.shards)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, type: object, error: BaseException | None, traceback: object) -> None:
        try:
            if self._finishing is not None:
                self._finishing.exception()  # a shard that was full is still finished
            if self._shard is not None and error is not None:
                self._shard.discard(error)
        finally:
            self._finisher.shutdown()
            self._syncer.shutdown()

    def take(self, encoded: Encoded) -> None:
        """Write some documents; raises the error of the first that cannot be read, if the corpus stops there."""
        ends = np.cumsum(encoded.lengths)
        errors = deque(encoded.errors)
        n = errors[0][0] if errors and self._stops else len(ends)
        first = begin = 0
        while first < n:
            shard = self._shard
            if shard is None:
                shard = self._shard = self._begin(encoded)
            room = self._most_tokens - shard.counts.tokens
            last = min(n, first + fitting(ends[first:], begin, room))
            if last == first and shard.counts.tokens:
                self._end_shard()
                continue
            last = max(last, first + 1)
            while errors and errors[0][0] < last:
                self._late.skip(errors.popleft()[1])
            end = int(ends[last - 1])
            self._write(shard, encoded, slice(first, last), encoded.ids[begin:end])
            first, begin = last, end
        if errors and self._stops:
            raise errors[0][1]
        for _, error in errors:
            self._late.skip(error)

    def finish(self) -> dict[str, Any]:
        """Finish the last shard; returns the totals."""
        rest = Counts()
        if self._shard is not None:
            if self._shard.outputs is None:  # no document, or all were empty
                rest = self._shard.counts
                self._shard = None
            else:
                self._end_shard()
        if self._finishing is not None:
            self._finishing.result()
        totals = Counts()
        for shard in self._manifest.shards:
            totals.add(shard)
        totals.add(asdict(rest))
        totals.add(asdict(self._late))
        return {"shards": len(self._manifest.shards), **asdict(totals)}

    def _begin(self, encoded: Encoded) -> _Shard:
        """The next shard; it begins where the last one ended."""
        place = self._last_end or (encoded.span, encoded.begin)
        return _Shard(self._manifest.shard_name(self._number), place, place)

    def _write(self, shard: _Shard, encoded: Encoded, part: slice, ids: Ids) -> None:
        """Write some documents into a shard."""
        lengths, counts = encoded.lengths[part], shard.counts
        path = self._paths[encoded.span]
        longest = int(lengths.max(initial=0))
        if longest > self._format.longest:
            number = int(encoded.numbers[part][lengths.argmax()])
            raise ShardsError(
                f"{path}, document {number} (from 0): {longest} ids, and this format has at most {self._format.longest}"
            )
        full = lengths > 0
        n = int(np.count_nonzero(full))
        if n:
            if shard.format is None:
                paths = [os.path.join(self._manifest.folder, shard.name + end) for end in self._format.endings]
                shard.outputs = Outputs(paths, self._syncer)
                shard.format = self._format([*shard.outputs], self._dtype)
            shard.format.add(Batch(ids, lengths[full], path, encoded.numbers[part][full]))
        counts.documents += n
        counts.empty += len(lengths) - n
        counts.tokens += len(ids)
        counts.text_bytes += int(encoded.text_lengths[part].sum())
        if self._late.skipped:
            counts.add(asdict(self._late))
            self._late = Counts()
        shard.end = encoded.span, Place(int(encoded.positions[part][-1]), int(encoded.numbers[part][-1]) + 1)
        self.n_documents += n
        self.n_tokens += len(ids)

    def _end_shard(self) -> None:
        """Finish a full shard in the background, after the one before it."""
        shard = self._shard
        assert shard is not None
        if self._finishing is not None:
            self._finishing.result()
        self._finishing = self._finisher.submit(self._finish, shard)
        self._last_end = shard.end
        self._number += 1
        self._shard = None

    def _finish(self, shard: _Shard) -> None:
        assert shard.format is not None
        assert shard.outputs is not None
        try:
            shard.format.finish()
            files = shard.outputs.keep()
        except BaseException as error:
            shard.discard(error)
            raise
        places = {"begin": self._place(shard.begin), "end": self._place(shard.end)}
        self._manifest.add({"name": shard.name, "files": files, **asdict(shard.counts), **places})

    def _place(self, place: tuple[int, Place]) -> dict[str, Any]:
        span, (position, number) = place
        return {"file": self._paths[span], "position": position, "number": number, "span": span}
