"""Drafts: models whose counts are those of the sample. The last count, by any number of jobs, makes them final.

    draft + part 1 --> tokens 1 --+
    draft + part 2 --> tokens 2 --+--> draft + tokens --> model
    draft + part 3 --> tokens 3 --+

A model that is no draft goes the same way and stays as it is: so a script need not know whether the sample is smaller
than the corpus.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from bytepiece.core.packed import CountedBytes
from bytepiece.errors import CountsFormatError, ModelFormatError, SettingsError
from bytepiece.files import check_writable, paths_by_size
from bytepiece.model.model import Model
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.training.context import Context
from bytepiece.training.counting.blocks import check_documents
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.parts import open_counts
from bytepiece.training.pruning.vocabularies import automaton_of, by_id
from bytepiece.training.refinement.last_count import count_tokens, counted
from bytepiece.training.refinement.workbench import by_bytes
from bytepiece.training.resources import Resources
from bytepiece.training.texts import Texts

__all__ = ["DRAFT", "Draft", "finish", "save_tokens"]

DRAFT = "draft"
"""The setting of drafts. Its value is the number of documents of the corpus."""


class Draft(NamedTuple):
    """A model that is a draft, or is final already.

    Attributes:
        path: its file.
        model: the model.
    """

    path: str | os.PathLike[str]
    model: Model

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Draft:
        """Read a file; raises what `Model.load` raises, and `ModelFormatError` for settings that no training gives."""
        model = Model.load(path)
        for name in (DRAFT, "vocab_size"):
            value = model.settings.get(name, 1)
            if type(value) is not int or value < 1:
                raise ModelFormatError(f"{os.fspath(path)}: setting {name} must be an int from 1, not {value!r}")
        return cls(path, model)

    @property
    def is_final(self) -> bool:
        """Whether its counts are those of the corpus."""
        return DRAFT not in self.model.settings

    @property
    def documents(self) -> int:
        """Of a draft, the number of documents of the corpus."""
        return int(self.model.settings[DRAFT])

    @property
    def size(self) -> int:
        """The size that was asked for when it was trained."""
        return int(self.model.settings.get("vocab_size", self.model.vocab_size))

    @property
    def pieces(self) -> CountedBytes:
        """Its pieces, sorted by bytes, with the counts by whose probabilities texts are segmented."""
        return by_bytes(self.model.packed)

    @property
    def fingerprint(self) -> str:
        """A hash of the pieces and counts."""
        arrays = self.model.packed.arrays
        return blake2b(b"".join(array.tobytes() for array in arrays), digest_size=16).hexdigest()


def save_tokens(
    context: Context,
    texts: Texts,
    drafts: Sequence[Draft],
    settings: Mapping[str, Any],
    path: str | os.PathLike[str],
) -> None:
    """Count the tokens of drafts in the texts, and save their counts; see `bytepiece.Trainer.count_tokens`."""
    _check(drafts, settings)
    targets = paths_by_size(path, [draft.size for draft in drafts])
    for target in targets:
        check_writable(target)
    open_ones = [draft for draft in drafts if not draft.is_final]
    tokens = dict.fromkeys(drafts, CountedBytes.join([]))
    if open_ones:
        pieces = [draft.pieces for draft in open_ones]
        with texts.read(context, "Counting pieces") as (reader, advance):
            counts = count_tokens(reader, [automaton_of(each) for each in pieces], context.threads, advance)
        for draft, each, uses in zip(open_ones, pieces, counts, strict=True):
            tokens[draft] = each.with_counts(uses).select(np.flatnonzero(uses))
    for draft, target in zip(drafts, targets, strict=True):
        header = {"kind": "tokens", "settings": {DRAFT: draft.fingerprint}, "documents": texts.documents}
        save_counts(target, header, [tokens[draft]])


def _check(drafts: Sequence[Draft], settings: Mapping[str, Any]) -> None:
    """Raise `SettingsError` unless these are drafts of different sizes, of trainings with these settings."""
    if len({draft.size for draft in drafts}) < max(1, len(drafts)):
        raise SettingsError("drafts must name one model or more, of different sizes")
    for draft in drafts:
        for name, value in settings.items():
            trained_with = draft.model.settings.get(name)
            if not draft.is_final and trained_with != value:
                raise SettingsError(f"{os.fspath(draft.path)}: trained with {name} {trained_with!r}, not {value!r}")


def finish(path: str | os.PathLike[str], tokens: Iterable[str | os.PathLike[str]]) -> Model:
    """The model that a draft becomes by the counts of its tokens; see `bytepiece.Trainer.finish`."""
    draft = Draft.open(path)
    given = open_counts(tokens, {"tokens": {DRAFT: draft.fingerprint}}, Resources()).get("tokens")
    if given is None:
        raise SettingsError("tokens must name the files of token counts of all parts of the corpus")
    if draft.is_final:
        return draft.model
    check_documents("counts of tokens", given.documents, f"the draft {os.fspath(path)}", draft.documents)
    pieces = draft.pieces
    total = pieces.with_counts(np.zeros(len(pieces), dtype=np.uint64)).add(CountedBytes.join([*given.counts]))
    if len(total) > len(pieces):
        raise CountsFormatError(f"{given.counts.names}: tokens that are no pieces of {os.fspath(path)}: damaged")
    settings = {name: value for name, value in draft.model.settings.items() if name != DRAFT}
    names = [*draft.model.special_tokens][FIRST_PIECE_ID:]
    return Model.from_packed(by_id(counted(pieces, total.counts)), settings, names)
