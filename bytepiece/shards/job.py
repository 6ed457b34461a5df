"""Shards of a corpus, written part by part: here, or each part by a task of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

from bytepiece.bars import progress_bar
from bytepiece.corpus.corpus import Corpus
from bytepiece.corpus.partitions import Partition, numbered
from bytepiece.encoding.encoder import Encoder
from bytepiece.engines.engine import Engine, Output
from bytepiece.engines.parts import call_by_tasks, part_size
from bytepiece.files import remove_abandoned
from bytepiece.model.model import Model
from bytepiece.shards.counts import Counts
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.manifest import Manifest, load_manifests
from bytepiece.shards.resuming import resume
from bytepiece.shards.settings import Settings, dtype_of
from bytepiece.shards.source import Source
from bytepiece.shards.writer import Writer

__all__ = ["Job", "PartOfN", "write_part", "write_parts"]


class PartOfN(NamedTuple):
    """A part of a corpus: ``number``, from 1 on, of ``n``."""

    number: int
    n: int
    partition: Partition

    def __str__(self) -> str:
        return f"part {self.number}/{self.n}: {self.partition}"


@dataclass(frozen=True)
class Job:
    """How parts of a corpus become shards.

    Attributes:
        model: encodes them.
        settings: those of the shards.
        sample_bytes: that of the corpus.
        folder: where the shards go.
    """

    model: Model
    settings: Settings
    sample_bytes: int | None
    folder: str

    def manifest(self, part: PartOfN) -> Manifest:
        """The manifest of a part, without a shard."""
        partition = part.partition
        header = {
            "part": [part.number, part.n],
            "dtype": dtype_of(self.model).name,
            "settings": self.settings.as_dict(),
            "corpus": {
                "text_field": partition.text_field,
                "on_error": partition.on_error,
                "sample_bytes": self.sample_bytes,
                "seed": partition.seed,
                "limit": partition.limit,
                "max_document_bytes": partition.longest,
            },
        }
        return Manifest(self.folder, header)


def write_part(
    job: Job, encoder: Encoder, part: PartOfN, paths: Sequence[str], workers: int, progress: bool = False
) -> dict[str, Any]:
    """Write the shards of a part that are not there yet; returns its totals, see `bytepiece.write_shards`.

    ``encoder`` is one of the job's model, and ``paths`` are those of the whole corpus.
    """
    resume([job.manifest(part)], paths, job.model)
    written = _write(job, encoder, part, workers, progress)
    # Also where nothing was left to write: an earlier run may have ended just before this.
    manifests = load_manifests(job.folder)
    if sum(manifest.totals is not None for manifest in manifests) == part.n:
        _complete(job, manifests)
    return _totals([written])


def write_parts(job: Job, corpus: Corpus, engine: Engine, progress: bool = False) -> dict[str, Any]:
    """Write all parts by tasks of an engine, whose machines see the files of the corpus and the folder.

    The number of parts depends on the size of the corpus alone. Returns the totals of all parts.
    """
    by_tasks = partial(call_by_tasks, engine)
    partitions = corpus.partitions(part_size(corpus.raw_bytes), by_tasks)
    parts = [PartOfN(number, len(partitions), partition) for number, partition in enumerate(partitions, 1)]
    manifests = [*map(job.manifest, parts)]
    resume(manifests, corpus.paths, job.model)
    missing = [k for k, manifest in enumerate(manifests) if manifest.totals is None]
    if missing and job.settings.format == "parquet" and corpus.sample_bytes is None:  # a sample's are numbered
        partitions = numbered(partitions, by_tasks)
        parts = [part._replace(partition=partition) for part, partition in zip(parts, partitions, strict=True)]
    sizes = [partitions[k].raw_bytes for k in missing]
    task = partial(_write_by_task, engine.broadcast(job), engine.workers)
    with progress_bar("B", sum(sizes), shown=progress) as bar:
        items = [parts[k] for k in missing]
        written = call_by_tasks(engine, task, items, lambda number, usage: bar.update(sizes[number]))
        for k, manifest in zip(missing, written, strict=True):
            manifests[k] = manifest
    remove_abandoned(job.folder)  # by tasks whose machine was lost
    _complete(job, manifests)
    return _totals(manifests)


def _write_by_task(job: Output[Job], workers: int, part: PartOfN) -> Manifest:
    return _write(job.get(), Encoder(job.get().model), part, workers)


def _write(job: Job, encoder: Encoder, part: PartOfN, workers: int, progress: bool = False) -> Manifest:
    """Write the shards of a part that its own manifest does not have; returns the manifest."""
    manifest = job.manifest(part)
    manifest.load_or_save()
    if manifest.totals is None:
        partition, settings, dtype = part.partition, job.settings, dtype_of(job.model)
        source = Source(partition, encoder, settings, dtype.itemsize == 4, manifest.end())
        with Writer(manifest, settings, dtype, partition) as writer:
            with progress_bar("B", partition.raw_bytes, shown=progress) as bar:
                for encoded in source.encoded(workers):
                    writer.take(encoded)
                    if progress:
                        bar.update(source.raw_position - bar.n)
                        bar.set_postfix(documents=writer.n_documents, tokens=writer.n_tokens, refresh=False)
            manifest.complete(writer.finish())
    return manifest


def _complete(job: Job, manifests: Sequence[Manifest]) -> None:
    """Write what comes after the shards of all parts."""
    names = [shard["name"] for manifest in manifests for shard in manifest.shards]
    FORMATS[job.settings.format].complete(job.folder, names)


def _totals(manifests: Sequence[Manifest]) -> dict[str, Any]:
    totals = Counts()
    for manifest in manifests:
        assert manifest.totals is not None
        totals.add(manifest.totals)
    return {"shards": sum(len(manifest.shards) for manifest in manifests), **asdict(totals)}
