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
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bytepiece.corpus.corpus import Corpus
from bytepiece.encoding.encoder import Encoder
from bytepiece.engines.engine import Engine
from bytepiece.errors import SettingsError, check_int
from bytepiece.model.model import Model
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.job import Job, PartOfN, write_part, write_parts
from bytepiece.shards.settings import Options, settings_of
from bytepiece.tokenizer import Tokenizer
from bytepiece.workers import check_workers

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["write_shards"]


def write_shards(
    corpus: Corpus | str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    tokenizer: Tokenizer | Model | str | os.PathLike[str],
    output: str | os.PathLike[str],
    format: str = "megatron",
    *,
    part: tuple[int, int] = (1, 1),
    engine: Engine | None = None,
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
        engine: who writes the parts of the corpus as tasks, `RayEngine` or `ExecutorEngine`; None for this process, as
            one part. All its machines must see the corpus and the folder under these names. A part has a 64th of the
            corpus, but 16 MB at least and 1 GB at most; there are never more than 4096 parts. Each part's shards are
            those that ``part`` gives.
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
    files; `CorpusError` for a document that cannot be read, if the corpus stops there; `EngineError` for a task of an
    engine that fails, whatever the reason; `OptionalDependencyError` where the format needs a library that is missing;
    `OSError`. Whole shards stay, whatever happens.

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
    if not isinstance(tokenizer, (Tokenizer, Model)):
        tokenizer = Model.load(tokenizer)
    model = tokenizer.model if isinstance(tokenizer, Tokenizer) else tokenizer
    chosen_settings = settings_of(format, settings, model)
    n_threads = check_workers(workers)
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise SettingsError(f"part must be a pair of k and n, not {part!r}")
    number, n_parts = part
    check_int("n of part", n_parts, 1, 10**6)
    check_int("k of part", number, 1, n_parts)
    FORMATS[format].check()
    if engine is None:
        job = Job(model, chosen_settings, corpus.sample_bytes, os.fspath(output))
        chosen_part = PartOfN(number, n_parts, corpus.part(number - 1, n_parts))
        encoder = tokenizer._encoder if isinstance(tokenizer, Tokenizer) else Encoder(model)
        return write_part(job, encoder, chosen_part, corpus.paths, n_threads, progress)
    if n_parts > 1 or workers is not None:
        raise SettingsError(
            "an engine divides the corpus itself, and has its own workers (--task-workers): give no part and no workers"
        )
    # Other machines have other current folders.
    job = Job(model, chosen_settings, corpus.sample_bytes, os.path.abspath(output))
    return write_parts(job, corpus, engine, progress)
