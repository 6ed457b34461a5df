"""Whether shards are what their manifest says, and whether their ids are those of the texts."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bytepiece.corpus.blocks import Place, span_blocks
from bytepiece.corpus.parsing import read_block
from bytepiece.corpus.partitions import Partition
from bytepiece.corpus.spans import cut
from bytepiece.errors import BytePieceError, ShardsError, check_int
from bytepiece.shards.format import Documents
from bytepiece.shards.manifest import Manifest, check_sizes, load_inputs, place_of
from bytepiece.shards.outputs import hash_of
from bytepiece.shards.reading import Shards, checked, open_shard, read_shards
from bytepiece.text.preparation import to_bytes
from bytepiece.tokenizer import Tokenizer

__all__ = ["verify_shards"]

COMPARED_SHARDS = 4
"""How many shards the documents of a sample come from: their part of the corpus is read."""


def verify_shards(folder: str | os.PathLike[str], sample: int = 1000, seed: int = 0) -> list[str]:
    r"""Check the shards in a folder; returns what is wrong, and nothing if all is well.

    Each file must have the size and the SHA-256 of the manifest, each id must be below the size of the vocabulary, and
    documents must decode to their texts. The documents are a random sample from some shards. The corpus is read for it.
    Where a file of it is missing, that is reported as a problem.

    Args:
        folder: the folder.
        sample: how many documents are decoded; 0 for none.
        seed: which ones.

    Raises `SettingsError`, `ShardsError` for a folder without shards, and `OSError`.

    >>> import os, tempfile
    >>> from bytepiece import Model, write_shards, verify_shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "two.txt")
    ...     with open(path, "w") as file:
    ...         _ = file.write("a\nb\n")
    ...     output = os.path.join(folder, "shards")
    ...     totals = write_shards(path, Model.from_counts({"b\n": 2}), output)
    ...     verify_shards(output)
    []
    """
    check_int("sample", sample, 0, 2**62)
    check_int("seed", seed, -(2**63), 2**63 - 1)
    shards = read_shards(folder)
    problems: list[str] = []
    sound: list[tuple[Manifest, Mapping[str, Any]]] = []
    for manifest, shard in shards.entries:
        try:
            _check_files(manifest, shard)
            with checked(manifest, shard):
                _check_ids(open_shard(manifest, shard), manifest, shard, shards.model.vocab_size)
        except ShardsError as error:
            problems.append(str(error))
        else:
            sound.append((manifest, shard))
    chance = random.Random(seed)
    some = chance.sample(sound, min(COMPARED_SHARDS, len(sound))) if sample else []
    for manifest, shard in some:
        n = min(shard["documents"], -(-sample // len(some)))
        numbers = chance.sample(range(shard["documents"]), n)
        problems.extend(_differences(shards, manifest, shard, {*numbers}))
    return problems


def _check_files(manifest: Manifest, shard: Mapping[str, Any]) -> None:
    check_sizes(manifest, shard)
    for path, described in zip(manifest.paths(shard), shard["files"].values(), strict=True):
        if hash_of(path) != described["sha256"]:
            raise ShardsError(f"{path}: damaged: its SHA-256 is not that of {manifest.name}")


def _check_ids(documents: Documents, manifest: Manifest, shard: Mapping[str, Any], vocab_size: int) -> None:
    n_ids = 0
    for ids in documents.all_ids():
        n_ids += len(ids)
        if len(ids) and (highest := int(np.max(ids))) >= vocab_size:
            raise ShardsError(f"{manifest.paths(shard)[0]}: the id {highest} in a vocabulary of {vocab_size}")
    if n_ids != shard["tokens"]:
        raise ShardsError(f"{manifest.paths(shard)[0]}: {n_ids} ids, where {manifest.name} has {shard['tokens']}")


def _differences(shards: Shards, manifest: Manifest, shard: Mapping[str, Any], numbers: set[int]) -> Iterator[str]:
    """What is wrong with the documents of a shard that have some numbers, compared with their texts."""
    tokenizer = Tokenizer(shards.model)
    documents = open_shard(manifest, shard)
    settings = manifest.header["settings"]
    number = -1
    try:
        for number, text in enumerate(_texts(manifest, shard)):
            if number in numbers:
                with checked(manifest, shard):
                    ids = documents[number].tolist()
                ids = ids[settings["prepend_bos"] : len(ids) - settings["append_eos"]]
                decoded = tokenizer.decode_bytes(ids, skip_special_tokens=False)
                if decoded != to_bytes(text, shards.model.normalization):
                    yield f"{manifest.paths(shard)[0]}: document {number} (from 0) is not that of the corpus"
                    return
            if number + 1 == len(documents):
                return
    except (BytePieceError, OSError) as error:
        yield f"{manifest.paths(shard)[0]}: cannot be compared with the corpus: {error}"
        return
    yield f"{manifest.paths(shard)[0]}: {len(documents)} documents, where the corpus has {number + 1}"


def _texts(manifest: Manifest, shard: Mapping[str, Any]) -> Iterator[bytes]:
    """The texts in the corpus from the begin of a shard on, without the empty ones."""
    part = _partition(manifest)
    start: Place | None
    first, start = place_of(shard["begin"])
    for span in part.spans[first:]:
        for block in span_blocks(span, part.text_field, start, part.longest):
            texts = read_block(span, part.text_field, block, part.keep(span), part.longest)
            yield from filter(None, texts.texts.to_list())
        start = None


def _partition(manifest: Manifest) -> Partition:
    """The part of the corpus of which the shards were made."""
    inputs = load_inputs(manifest.folder)
    paths, sizes = [entry[0] for entry in inputs], [entry[1] for entry in inputs]
    corpus = manifest.header["corpus"]
    spans = cut(paths, sizes, manifest.n_parts)[manifest.number - 1]
    return Partition(
        tuple(spans),
        corpus["text_field"],
        corpus["on_error"],
        corpus["seed"],
        manifest.limit,
        longest=corpus["max_document_bytes"],
    )
