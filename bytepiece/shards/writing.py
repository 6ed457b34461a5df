"""From a corpus to shards.

    files -- blocks --> threads: parse, encode --> batches of ids, in order --> a shard
                                                                             |  full
                                                                             v
                                          in the background: on the disk, named, in the manifest

One thread reads and writes, and others encode, so that all go on side by side. A shard is finished while the next one
fills. Which documents are in a shard depends on their ids alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bytepiece.core.ids import frame_documents
from bytepiece.corpus.blocks import Block, Keep, Place, lines_before, read_block, span_blocks
from bytepiece.corpus.compression import without_compression
from bytepiece.corpus.corpus import Corpus
from bytepiece.corpus.partitions import Partition, Span
from bytepiece.corpus.sample import chosen
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.pipeline import in_order
from bytepiece.errors import CorpusError, check_int
from bytepiece.model.model import Model
from bytepiece.shards.cutting import fitting
from bytepiece.shards.format import Batch, Format, Ids
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.manifest import Manifest, load_manifests
from bytepiece.shards.outputs import Outputs
from bytepiece.shards.settings import Options, Settings, dtype_of, settings_of
from bytepiece.tokenizer import Tokenizer
from bytepiece.workers import check_workers

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["keep_of", "write_shards"]


def write_shards(
    corpus: Corpus | str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    tokenizer: Tokenizer | Model | str | os.PathLike[str],
    output: str | os.PathLike[str],
    format: str = "megatron",
    *,
    part: tuple[int, int] = (1, 1),
    workers: int | None = None,
    progress: bool = False,
    **settings: Unpack[Options],
) -> dict[str, Any]:
    r"""Encode a corpus into files of ids, which training frameworks map into memory.

    Documents keep their order. Files have the same bytes for any number of workers. A shard appears whole or not at
    all, and is recorded in a manifest. Started again with the same arguments after whatever ended it, this goes on
    after the last whole shard, and the files are the same as without the interruption.

    Args:
        corpus: a `Corpus`, or the paths of one.
        tokenizer: a `Tokenizer`, a `Model`, or the path of a model file.
        output: the folder for the shards; it is made if need be.
        format: ``"megatron"``, ``"datatrove"``, ``"bin"``, ``"llm.c"``, ``"npy"``, ``"parquet"`` or ``"mds"``.
        part: ``(2, 7)`` writes the second of seven parts of the corpus. Parts are of about the same size on disk: whole
            files, ranges of lines, or row groups. Together, in one folder or several, they have each document once.
        workers: the number of threads that encode; None for one on each processor.
        progress: show a bar on standard error.
        **settings: which ids are in which shard. ``shard_tokens``: the most ids of a shard, unless it has a single
            document (default 2**28, and 2**25 for mds). ``append_eos``: end each document with the id of ``<eos>``
            (default True). ``prepend_bos``: begin each with the id of ``<bos>`` (default False). ``allowed_special``:
            names of special tokens that are found in texts, or ``"all"`` (default none: they are plain text).

    Returns the totals: ``shards``, ``documents``, ``tokens`` (ids, with those of ``<bos>`` and ``<eos>``),
    ``text_bytes``, ``empty`` (documents without text, which are left out), ``skipped`` (documents that cannot be read)
    and ``first_error`` (of those; or None).

    Ids are uint16 in models of up to 65,536 ids, else uint32.

    Raises `SettingsError`; `ShardsError` where the folder has shards of other settings, of another model or of other
    files; `CorpusError` for a document that cannot be read, if the corpus stops there; `OptionalDependencyError` where
    the format needs a library that is missing; `OSError`. Whole shards stay, whatever happens.

    >>> import os, tempfile
    >>> from bytepiece import Model, read_shards, write_shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "two.txt"), "w") as file:
    ...         file.write("a\nb\n")
    ...     output = os.path.join(folder, "shards")
    ...     totals = write_shards(os.path.join(folder, "two.txt"), Model.from_counts({"b\n": 2}), output)
    ...     totals["documents"], [ids.tolist() for ids in read_shards(output)]
    4
    (2, [[100, 13, 2], [259, 2]])
    """
    if not isinstance(corpus, Corpus):
        corpus = Corpus(corpus)
    model = tokenizer.model if isinstance(tokenizer, Tokenizer) else tokenizer
    if not isinstance(model, Model):
        model = Model.load(model)
    chosen_settings = settings_of(format, settings, model)
    workers = check_workers(workers)
    number, n_parts = part
    check_int("n of part", n_parts, 1, 10**6)
    check_int("k of part", number, 1, n_parts)
    dtype = dtype_of(model)
    FORMATS[format].check()
    partition = corpus.part(number - 1, n_parts)
    manifest = Manifest(os.fspath(output), _header(corpus, partition, chosen_settings, part, dtype))
    manifest.resume(corpus, model)
    if manifest.totals is None:
        source = _Source(partition, Encoder(model), chosen_settings, dtype.itemsize == 4, manifest.end())
        with _Writer(manifest, chosen_settings, dtype, partition) as writer:
            with tqdm(total=partition.raw_bytes, unit="B", unit_scale=True, delay=1, disable=not progress) as bar:
                for encoded in source.encoded(workers):
                    writer.take(encoded)
                    bar.update(source.raw_position - bar.n)
                    bar.set_postfix(documents=writer.n_documents, tokens=writer.n_tokens, refresh=False)
            manifest.complete(writer.finish())
    # Also where nothing is left to write: an earlier run may have ended just before this.
    manifests = load_manifests(manifest.folder)
    if sum(other.totals is not None for other in manifests) == n_parts:
        FORMATS[format].complete(manifest.folder, [shard["name"] for other in manifests for shard in other.shards])
    assert manifest.totals is not None
    return dict(manifest.totals)


def _header(
    corpus: Corpus, partition: Partition, settings: Settings, part: tuple[int, int], dtype: np.dtype[Any]
) -> dict[str, Any]:
    """What the manifest says of what the shards are made."""
    return {
        "part": list(part),
        "dtype": dtype.name,
        "settings": settings.as_dict(),
        "corpus": {
            "text_field": corpus.text_field,
            "on_error": corpus.on_error,
            "sample_bytes": corpus.sample_bytes,
            "seed": corpus.seed,
            "limit": partition.limit,
            "max_document_bytes": corpus.max_document_bytes,
        },
    }


class _Encoded(NamedTuple):
    """Documents of a block with their ids.

    Attributes:
        span: the number of their file in the part.
        begin: the place where the block begins.
        ids: all ids.
        lengths: int64, the number of ids of each document, 0 for an empty one.
        text_lengths: int64, the length of each text in bytes.
        numbers: int64, see `bytepiece.corpus.blocks.Texts`; as ``positions``, which are its ``ends``, and ``errors``.
    """

    span: int
    begin: Place
    ids: Ids
    lengths: NDArray[np.int64]
    text_lengths: NDArray[np.int64]
    numbers: NDArray[np.int64]
    positions: NDArray[np.int64]
    errors: list[tuple[int, CorpusError]]


class _Source:
    """Reads a part of a corpus from a place on, and encodes it in threads."""

    def __init__(
        self, part: Partition, encoder: Encoder, settings: Settings, wide: bool, start: tuple[int, Place] | None
    ) -> None:
        self.raw_position = 0
        self._part = part
        self._encoder = encoder
        self._settings = settings
        self._wide = wide
        self._start = start
        self._spans = [*part.spans]
        for number, span in enumerate(self._spans):
            self._spans[number] = _numbered(span) if settings.format == "parquet" else span

    def encoded(self, workers: int) -> Iterator[_Encoded]:
        # One thread more than workers: while one waits for the interpreter to parse, another one encodes.
        return in_order(self._encode, self._blocks(), workers + 1 if workers > 1 else 1)

    def _blocks(self) -> Iterator[tuple[int, Block]]:
        first, place = self._start or (0, None)
        for number, span in enumerate(self._spans):
            if number >= first:
                start = place if number == first else None
                for block in span_blocks(span, self._part.text_field, start, self._advance):
                    yield number, block
        self.raw_position = self._part.raw_bytes

    def _advance(self, n_bytes: int) -> None:
        self.raw_position += n_bytes

    def _encode(self, item: tuple[int, Block]) -> _Encoded:
        number, block = item
        span = self._spans[number]
        texts = read_block(span, self._part.text_field, block, keep_of(self._part, span), self._part.longest)
        ids, ends = self._encoder.encode_packed(texts.data, texts.offsets, self._settings.allowed_special)
        framed, lengths = frame_documents(ids, ends, self._settings.before, self._settings.after, self._wide)
        return _Encoded(
            number, block.place, framed, lengths, np.diff(texts.offsets), texts.numbers, texts.ends, texts.errors
        )


def keep_of(part: Partition, span: Span) -> Keep | None:
    """Which documents of a file are in the sample of a part; None for all."""
    if part.limit is None:
        return None
    return lambda first, n: np.fromiter(islice(chosen(part.seed, span.number, part.limit, first), n), np.bool_, n)


def _numbered(span: Span) -> Span:
    """The same part of a file, with the number of its first document in the file."""
    if span.first or not span.part or span.path.endswith(".parquet") or without_compression(span.path) != span.path:
        return span
    return span._replace(first=lines_before(span.path, span.part[0]))


@dataclass
class _Counts:
    documents: int = 0
    tokens: int = 0
    text_bytes: int = 0
    empty: int = 0
    skipped: int = 0
    first_error: str | None = None

    def skip(self, error: CorpusError) -> None:
        """Count a document that cannot be read."""
        self.skipped += 1
        self.first_error = self.first_error or str(error)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what is counted elsewhere."""
        for name in ("documents", "tokens", "text_bytes", "empty", "skipped"):
            setattr(self, name, getattr(self, name) + other[name])
        self.first_error = self.first_error or other["first_error"]


@dataclass
class _Shard:
    """A shard that is being filled. Its files come with its first document that is not empty."""

    name: str
    begin: tuple[int, Place]
    end: tuple[int, Place]
    counts: _Counts = field(default_factory=_Counts)
    outputs: Outputs | None = None
    format: Format | None = None

    def discard(self, error: BaseException) -> None:
        """Remove the files, because of an error."""
        if self.format is not None:
            self.format.abandon()
        if self.outputs is not None:
            self.outputs.discard(error)


class _Writer:
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
        self._part = part
        self._stops = part.on_error == "stop"
        self._paths = [span.path for span in part.spans]
        self._number = len(manifest.shards)
        self._last_end = manifest.end()  # of the last full shard
        self._shard: _Shard | None = None
        self._late: deque[CorpusError] = deque()  # what could not be read since the last document
        self._finishing: Future[None] | None = None
        self._finisher = ThreadPoolExecutor(1)
        self._syncer: Executor = ThreadPoolExecutor(1)
        self.n_documents = sum(shard["documents"] for shard in manifest.shards)
        self.n_tokens = sum(shard["tokens"] for shard in manifest.shards)

    def __enter__(self) -> _Writer:
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

    def take(self, encoded: _Encoded) -> None:
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
                self._late.append(errors.popleft()[1])
            end = int(ends[last - 1])
            self._write(shard, encoded, slice(first, last), encoded.ids[begin:end])
            first, begin = last, end
        if errors and self._stops:
            raise errors[0][1]
        self._late.extend(error for _, error in errors)

    def finish(self) -> dict[str, Any]:
        """Finish the last shard; returns the totals."""
        rest = _Counts()
        if self._shard is not None:
            if self._shard.outputs is None:  # no document, or all were empty
                rest = self._shard.counts
                self._shard = None
            else:
                self._end_shard()
        if self._finishing is not None:
            self._finishing.result()
        totals = _Counts()
        for shard in self._manifest.shards:
            totals.add(shard)
        totals.add(asdict(rest))
        for error in self._late:
            totals.skip(error)
        return {"shards": len(self._manifest.shards), **asdict(totals)}

    def _begin(self, encoded: _Encoded) -> _Shard:
        """The next shard; it begins where the last one ended."""
        place = self._last_end or (encoded.span, encoded.begin)
        return _Shard(self._manifest.shard_name(self._number), place, place)

    def _write(self, shard: _Shard, encoded: _Encoded, part: slice, ids: Ids) -> None:
        """Write some documents into a shard."""
        lengths, counts = encoded.lengths[part], shard.counts
        full = lengths > 0
        n = int(np.count_nonzero(full))
        if n:
            if shard.format is None:
                paths = [os.path.join(self._manifest.folder, shard.name + end) for end in self._format.endings]
                shard.outputs = Outputs(paths, self._syncer)
                shard.format = self._format([*shard.outputs], self._dtype)
            path = self._paths[encoded.span]
            shard.format.add(Batch(ids, lengths[full], path, encoded.numbers[part][full]))
        counts.documents += n
        counts.empty += len(lengths) - n
        counts.tokens += len(ids)
        counts.text_bytes += int(encoded.text_lengths[part].sum())
        while self._late:
            counts.skip(self._late.popleft())
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
