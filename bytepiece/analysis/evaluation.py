"""How well a model cuts text: lengths of tokens, how evenly its pieces are used, and which only one document has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.corpus import Corpus
from bytepiece.errors import CorpusError, TextError
from bytepiece.model.model import Model
from bytepiece.text.display import escape_piece
from bytepiece.text.preparation import to_bytes
from bytepiece.tokenizer import Tokenizer

__all__ = ["Evaluation", "Figures", "as_json", "as_table", "evaluate"]

BATCH_BYTES = 2**22
"""The bytes of text that are segmented at a time; only a longer document is more."""

RENYI_ORDER = 2.5
"""What Zouhar et al. found to go best with the quality of translation."""

N_LONGEST = 10
"""How many of the longest pieces are told."""


@dataclass(frozen=True)
class Figures:
    """How a model cuts some documents. Ratios are ``nan`` where there is nothing to divide by.

    Attributes:
        documents: how many there are.
        n_bytes: their length in bytes of UTF-8, before the model normalizes.
        characters: their length in code points, before the model normalizes.
        tokens: how many ids they take, without ``<bos>`` and ``<eos>``.
        single_byte_tokens: how many of the tokens are single bytes, letters of ASCII among them.
        pieces: how many pieces of two bytes or more the model has.
        unused_pieces: how many of these no document has as a token.
        one_document_pieces: how many of these are tokens of one document only, as often as that may be.
        renyi_efficiency: Rényi entropy of order 2.5 of the tokens, divided by the logarithm of the number of different
            ones: 0 to 1, the higher, the more evenly pieces are used. After Zouhar et al. 2023, "Tokenization and the
            Noiseless Channel".
        longest_pieces: the ten longest pieces that are tokens; of the same length, by bytes.
    """

    documents: int
    n_bytes: int
    characters: int
    tokens: int
    single_byte_tokens: int
    pieces: int
    unused_pieces: int
    one_document_pieces: int
    renyi_efficiency: float
    longest_pieces: tuple[bytes, ...]

    @property
    def bytes_per_token(self) -> float:
        """The compression."""
        return _ratio(self.n_bytes, self.tokens)

    @property
    def characters_per_token(self) -> float:
        """The same in characters."""
        return _ratio(self.characters, self.tokens)

    @property
    def tokens_per_document(self) -> float:
        """The mean length of a document."""
        return _ratio(self.tokens, self.documents)

    @property
    def single_byte_share(self) -> float:
        """The share of single bytes among the tokens, 0 to 1."""
        return _ratio(self.single_byte_tokens, self.tokens)

    @property
    def one_document_share(self) -> float:
        """The share of pieces that are tokens of one document only among the pieces that are tokens, 0 to 1.

        Of pieces of two bytes or more. On the corpus a model was trained on it tells how much was learned by heart.
        """
        return _ratio(self.one_document_pieces, self.pieces - self.unused_pieces)


class Evaluation(NamedTuple):
    """What `evaluate` finds."""

    total: Figures
    """Of all documents."""
    files: dict[str, Figures]
    """Of each file of a `Corpus`, by path, in its order; of one that is read twice, those of the last time."""


def evaluate(
    model: Tokenizer | Model | str | os.PathLike[str], texts: Iterable[str], threads: int | None = None
) -> Evaluation:
    """Encode a corpus, and measure how well that went.

    Args:
        model: a `Tokenizer`, a `Model`, or the path of a model file.
        texts: a `Corpus`, or any iterable of ``str``; it is read once, some 4 MB at a time.
        threads: how many encode; None for one on each processor. The result does not depend on it.

    Returns an `Evaluation`: `Figures` of all documents, and of each file of a `Corpus`. To see how much of a vocabulary
    was learned by heart, compare the bytes per token of the corpus that it was trained on with those of other text.

    Raises:
        CorpusError: a document cannot be read, or is no text, naming it; or there is no text at all.
        ModelFormatError, OSError, SettingsError: as `Tokenizer` and its methods do.

    >>> from bytepiece import Model, evaluate
    >>> model = Model.from_counts({"clock": 7, "tower": 4, "bell": 2})
    >>> total = evaluate(model, ["clock tower", "clocks"]).total
    >>> total.tokens, total.single_byte_tokens, total.unused_pieces, total.one_document_pieces
    (5, 2, 1, 1)
    >>> total.bytes_per_token
    3.4
    """
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise CorpusError(f"texts must be an iterable of str, not {type(texts).__name__}")
    tokenizer = model if isinstance(model, Tokenizer) else Tokenizer(model)
    total = _Tally(tokenizer.model)
    files = {}
    if isinstance(texts, Corpus):
        for path, documents in texts.by_file():
            tally = _tally(tokenizer, documents, threads)
            files[path] = tally.figures()
            total.merge(tally)
    else:
        total = _tally(tokenizer, texts, threads)
    if total.n_bytes == 0:
        raise CorpusError("there is no text to evaluate on: all texts are empty, or there is none")
    return Evaluation(total.figures(), files)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON has it: ratios among the figures, pieces escaped as `bytepiece vocab` does.

    What is ``nan`` becomes None.
    """
    files = [{"file": path, **_as_json(figures)} for path, figures in evaluation.files.items()]
    return {"all": _as_json(evaluation.total), "files": files}


def as_table(evaluations: Sequence[tuple[str, Evaluation]]) -> str:
    """Evaluations of one corpus with models, each with its name: a line for each file and model, side by side.

    Of several models the last column of figures has the bytes per token, divided by those of the first one.
    """
    several = len(evaluations) > 1
    first = evaluations[0][1]
    rows = [[*_HEADINGS, *(["ratio"] if several else [])]]
    names = ["file"]
    for file in [*first.files, None]:
        for model, evaluation in evaluations:
            figures, basis = ((each.total if file is None else each.files[file]) for each in (evaluation, first))
            ratio = [_decimals(_ratio(figures.bytes_per_token, basis.bytes_per_token))] if several else []
            rows.append([*_row(figures), *ratio])
            name = "all" if file is None else _one_line(file)
            names.append(f"{name} by {_one_line(model)}" if several else name)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=True)), name])
        for row, name in zip(rows, names, strict=True)
    ]
    for model, evaluation in evaluations:
        pieces = "\t".join(map(escape_piece, evaluation.total.longest_pieces))
        lines.append(f"longest pieces{f' of {_one_line(model)}' if several else ''}:\t{pieces}")
    return "".join(f"{line}\n" for line in lines)


def _one_line(path: str) -> str:
    return escape_piece(os.fsencode(path))


_RATIOS = [
    "bytes_per_token",
    "characters_per_token",
    "tokens_per_document",
    "single_byte_share",
    "one_document_share",
]
_HEADINGS = [
    "documents",
    "bytes",
    "tokens",
    "bytes/token",
    "chars/token",
    "tokens/doc",
    "1-byte %",
    "Rényi",
    "unused",
    "1-doc %",
]


def _row(figures: Figures) -> list[str]:
    return [
        str(figures.documents),
        str(figures.n_bytes),
        str(figures.tokens),
        _decimals(figures.bytes_per_token),
        _decimals(figures.characters_per_token),
        _decimals(figures.tokens_per_document, 1),
        _decimals(100 * figures.single_byte_share, 2),
        _decimals(figures.renyi_efficiency),
        str(figures.unused_pieces),
        _decimals(100 * figures.one_document_share, 2),
    ]


def _decimals(value: float, n: int = 3) -> str:
    return "-" if value != value else f"{value:.{n}f}"


def _as_json(figures: Figures) -> dict[str, Any]:
    values = asdict(figures) | {name: getattr(figures, name) for name in _RATIOS}
    values = {name: None if value != value else value for name, value in values.items()}
    return values | {"longest_pieces": [*map(escape_piece, figures.longest_pieces)]}


# Counting.


class _Batch(NamedTuple):
    texts: list[bytes]
    characters: int


class _Tally:
    """The tokens of some documents, by piece."""

    def __init__(self, model: Model) -> None:
        self._data, self._offsets, _ = model.packed
        self._first_id = model.first_id
        n_pieces = len(self._offsets) - 1
        self._counts = np.zeros(n_pieces, dtype=np.int64)
        self._first = np.full(n_pieces, -1, dtype=np.int64)  # document that a piece was in first, and last
        self._last = np.full(n_pieces, -1, dtype=np.int64)
        self.documents = self.n_bytes = self.characters = 0

    def add(self, batch: _Batch, ids: NDArray[np.uint32], offsets: NDArray[np.int64]) -> None:
        """Count the tokens of further documents, each from an offset to the next."""
        pieces = ids.astype(np.int64) - self._first_id
        documents = np.repeat(np.arange(self.documents, self.documents + len(offsets) - 1), np.diff(offsets))
        self._counts += np.bincount(pieces, minlength=len(self._counts))
        # Where a place is assigned to several times, the last one stays.
        self._last[pieces] = documents
        new = np.flatnonzero(self._first[pieces] < 0)[::-1]
        self._first[pieces[new]] = documents[new]
        self.documents += len(batch.texts)
        self.n_bytes += sum(map(len, batch.texts))
        self.characters += batch.characters

    def merge(self, other: _Tally) -> None:
        """Add the documents of another tally, which come after these."""
        new = np.flatnonzero(self._first < 0)
        seen = np.flatnonzero(other._first >= 0)
        self._first[new] = np.where(other._first[new] < 0, -1, other._first[new] + self.documents)
        self._last[seen] = other._last[seen] + self.documents
        self._counts += other._counts
        self.documents += other.documents
        self.n_bytes += other.n_bytes
        self.characters += other.characters

    def figures(self) -> Figures:
        lengths = np.diff(self._offsets)
        used, multiple = self._counts > 0, lengths > 1
        return Figures(
            documents=self.documents,
            n_bytes=self.n_bytes,
            characters=self.characters,
            tokens=int(self._counts.sum()),
            single_byte_tokens=int(self._counts[~multiple].sum()),
            pieces=int(multiple.sum()),
            unused_pieces=int((multiple & ~used).sum()),
            one_document_pieces=int((multiple & used & (self._first == self._last)).sum()),
            renyi_efficiency=_renyi_efficiency(self._counts[used]),
            longest_pieces=self._longest(lengths, used),
        )

    def _longest(self, lengths: NDArray[np.int64], used: NDArray[np.bool_]) -> tuple[bytes, ...]:
        numbers = np.flatnonzero(used)
        if len(numbers) > N_LONGEST:
            # All that could be among them: of the same length, bytes decide.
            least = np.partition(lengths[numbers], -N_LONGEST)[-N_LONGEST]
            numbers = numbers[lengths[numbers] >= least]
        pieces = [self._data[self._offsets[k] : self._offsets[k + 1]] for k in numbers]
        return tuple(sorted(pieces, key=lambda piece: (-len(piece), piece))[:N_LONGEST])


def _tally(tokenizer: Tokenizer, texts: Iterable[str], threads: int | None) -> _Tally:
    tally = _Tally(tokenizer.model)
    for batch in _batches(texts):
        tally.add(batch, *tokenizer.encode_batch_to_numpy(batch.texts, threads))
    return tally


def _batches(texts: Iterable[str]) -> Iterator[_Batch]:
    batch: list[bytes] = []
    size = characters = 0
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise CorpusError(f"text {number} (from 0) must be str, not {type(text).__name__}")
        try:
            batch.append(to_bytes(text))
        except TextError as error:
            raise CorpusError(f"text {number} (from 0): {error}") from None
        characters += len(text)
        size += len(batch[-1]) + 1  # so that a great many empty ones do not gather
        if size >= BATCH_BYTES:
            yield _Batch(batch, characters)
            batch, size, characters = [], 0, 0
    yield _Batch(batch, characters)


def _renyi_efficiency(counts: NDArray[np.int64]) -> float:
    """Of tokens with these counts, none of them 0."""
    if len(counts) == 0:
        return nan
    if len(counts) == 1:
        return 0.0
    shares = counts / counts.sum()
    return float(np.log(np.sum(shares**RENYI_ORDER)) / (1 - RENYI_ORDER) / np.log(len(counts)))


def _ratio(a: float, b: float) -> float:
    return a / b if b else nan
