"""Texts to measure with: the beginning of files, so that a large corpus is not read."""

from __future__ import annotations

from collections.abc import Iterator

from bytepiece.corpus.corpus import Corpus

__all__ = ["beginnings"]


def beginnings(corpus: Corpus, size: int) -> list[str]:
    r"""The first documents of each file of a corpus, with about ``size`` bytes of text in all.

    Each file has an equal share of what the files before it left, and the document that fills it is the last one. So no
    more than ``size`` bytes and one document are in memory; ``max_document_bytes`` of the corpus bounds that one.

    Raises what iterating the corpus raises.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.txt", "b.txt"):
    ...         with open(os.path.join(folder, name), "w") as file:
    ...             file.write("one\ntwo\nthree\n")
    ...     beginnings(Corpus(folder), 16)
    14
    14
    ['one\n', 'two\n', 'one\n', 'two\n']
    """
    kept: list[str] = []
    left, files_left = size, len(corpus.paths)
    for _, texts in corpus.by_file():
        if left <= 0:
            break
        for text in _up_to(texts, left / files_left):
            kept.append(text)
            left -= len(text.encode())
        files_left -= 1
    return kept


def _up_to(texts: Iterator[str], size: float) -> Iterator[str]:
    """The first texts, up to the one with which they have ``size`` bytes."""
    for text in texts:
        yield text
        size -= len(text.encode())
        if size <= 0:
            return
