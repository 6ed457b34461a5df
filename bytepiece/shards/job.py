"""Shards of a corpus, written part by part: here, or each part by a task of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tqdm import tqdm

from bytepiece.corpus.corpus import Corpus
from bytepiece.corpus.partitions import Partition
from bytepiece.encoding.encoder import Encoder
from bytepiece.engines.engine import Engine, Output
from bytepiece.model.model import Model
from bytepiece.shards.counts import Counts
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.manifest import Manifest, load_manifests
from bytepiece.shards.settings import Settings, dtype_of
from bytepiece.shards.source import Source
from bytepiece.shards.writer import Writer

__all__ = ["Job", "Part", "write_part", "write_parts"]

FEWEST_PARTS, LEAST_PART, LARGEST_PART = 64, 2**24, 2**30
"""An engine gets at least so many parts, unless they would have fewer bytes than this; and none with more than that."""


class Part(NamedTuple):
    """A part of a corpus: ``number``, from 1 on, of ``n``."""

    number: int
    n: int
    partition: Partition

    def __str__(self) -> str:
        return f"part {self.number}/{self.n}: {self.partition}"


@dataclass(frozen=True)
class Job:
    """What is to be written, and where."""

    corpus: Corpus
    model: Model
    settings: Settings
    folder: str

    def manifest(self, part: Part) -> Manifest:
        """The manifest of a part, with what an earlier run left; see `Manifest.resume`."""
        corpus = self.corpus
        header = {
            "part": [part.number, part.n],
            "dtype": dtype_of(self.model).name,
            "settings": self.settings.as_dict(),
            "corpus": {
                "text_field": corpus.text_field,
                "on_error": corpus.on_error,
                "sample_bytes": corpus.sample_bytes,
                "seed": corpus.seed,
                "limit": part.partition.limit,
                "max_document_bytes": corpus.max_document_bytes,
            },
        }
        manifest = Manifest(self.folder, header)
        manifest.resume(corpus, self.model)
        return manifest


def write_part(job: Job, part: Part, workers: int, progress: bool = False) -> dict[str, Any]:
    """Write the shards of a part that are not there yet; returns its totals, see `bytepiece.write_shards`."""
    manifest = job.manifest(part)
    partition, settings = part.partition, job.settings
    if manifest.totals is None:
        dtype = dtype_of(job.model)
        source = Source(partition, Encoder(job.model), settings, dtype.itemsize == 4, manifest.end())
        with Writer(manifest, settings, dtype, partition) as writer:
            with tqdm(total=partition.raw_bytes, unit="B", unit_scale=True, delay=1, disable=not progress) as bar:
                for encoded in source.encoded(workers):
                    writer.take(encoded)
                    if progress:
                        bar.update(source.raw_position - bar.n)
                        bar.set_postfix(documents=writer.n_documents, tokens=writer.n_tokens, refresh=False)
            manifest.complete(writer.finish())
    # Also where nothing is left to write: an earlier run may have ended just before this.
    manifests = load_manifests(job.folder)
    if sum(other.totals is not None for other in manifests) == part.n:
        FORMATS[settings.format].complete(job.folder, [shard["name"] for other in manifests for shard in other.shards])
    assert manifest.totals is not None
    return dict(manifest.totals)


def write_parts(job: Job, engine: Engine, progress: bool = False) -> dict[str, Any]:
    """Write all parts by tasks of an engine, whose machines see the files of the corpus and the folder.

    The number of parts depends on the size of the corpus alone. Returns the totals of all parts.
    """

    def by_tasks(function: Callable[[Partition], Any], partitions: Sequence[Partition], /) -> Iterable[Any]:
        outputs = engine.map(_Call(function), partitions, 1, lambda number, usage: None)
        return (output.get() for (output,) in outputs)

    raw_bytes = job.corpus.raw_bytes
    partitions = job.corpus.partitions(max(LEAST_PART, min(LARGEST_PART, raw_bytes // FEWEST_PARTS)), by_tasks)
    parts = [Part(number, len(partitions), partition) for number, partition in enumerate(partitions, 1)]
    job.manifest(parts[0])  # what does not fit the folder is refused before any task begins
    totals = Counts()
    n_shards = 0
    with tqdm(total=raw_bytes, unit="B", unit_scale=True, delay=1, disable=not progress) as bar:
        task = _WritePart(engine.broadcast(job), engine.workers)
        outputs = engine.map(task, parts, 1, lambda number, usage: bar.update(partitions[number].raw_bytes))
    for (output,) in outputs:
        each = output.get()
        n_shards += each["shards"]
        totals.add(each)
    return {"shards": n_shards, **asdict(totals)}


@dataclass(frozen=True)
class _Call:
    """A task that calls a function with a part."""

    function: Callable[[Partition], Any]

    def __call__(self, item: Partition) -> Iterator[Any]:
        yield self.function(item)


@dataclass(frozen=True)
class _WritePart:
    """A task that writes a part."""

    job: Output[Job]
    workers: int

    def __call__(self, item: Part) -> Iterator[dict[str, Any]]:
        yield write_part(self.job.get(), item, self.workers)
