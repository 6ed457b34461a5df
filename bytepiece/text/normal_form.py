"""What a model may do to a text before it is encoded: nothing, or Unicode's normal form NFC."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.nfc import NO_TABLE, changing_clusters, has_long_cluster, quick_check
from bytepiece.errors import check_choice
from bytepiece.text.composition import composition
from bytepiece.text.long_runs import LONG_RUN, compose_cluster

__all__ = ["NORMALIZATIONS", "check_normalization", "is_nfc", "nfc", "normalize"]

NORMALIZATIONS = (None, "nfc")
"""The normal forms: ``None`` leaves every text as it is, so encoding is lossless."""


def check_normalization(normalization: object) -> None:
    """Raise `SettingsError` unless ``normalization`` is one of `NORMALIZATIONS`."""
    check_choice("normalization", normalization, NORMALIZATIONS)


def normalize(text: str, normalization: str | None) -> str:
    """A text in one of the `NORMALIZATIONS`."""
    return text if normalization is None else nfc(text)


# Most texts need no table: these are made when one first does.
_tables: tuple[NDArray[np.uint8], NDArray[np.uint64]] | tuple[None, None] = (None, None)


def nfc(text: str) -> str:
    """The NFC of a text; the text itself, without a copy, if it is in NFC already.

    ``unicodedata`` is slow on texts in which characters could be composed, even where none is. So it is asked only
    about texts in which some are, or stand in another order than NFC's.
    """
    if is_nfc(text):
        return text
    classes, pairs = composition().classes, composition().pairs
    if not has_long_cluster(text, classes, pairs, LONG_RUN):
        return unicodedata.normalize("NFC", text)
    parts, position = [], 0
    for begin, end in changing_clusters(text, classes, pairs).tolist():
        parts += [text[position:begin], compose_cluster(text[begin:end])]
        position = end
    return "".join([*parts, text[position:]])


def is_nfc(text: str) -> bool:
    """Whether NFC leaves a text as it is; False, too, where only ``unicodedata`` could tell."""
    global _tables
    verdict = quick_check(text, *_tables)
    if verdict == NO_TABLE:
        _tables = composition().classes, composition().pairs
        verdict = quick_check(text, *_tables)
    return bool(verdict)
