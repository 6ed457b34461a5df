"""The story of training, from texts to models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from bytepiece.errors import CorpusError, SettingsError, TrainingError
from bytepiece.model import Model
from bytepiece.text import check_normalization
from bytepiece.training.counting import PieceCounts, count_ngrams
from bytepiece.training.discovery import discover
from bytepiece.training.ngram_model import MAX_ORDER, ngram_model
from bytepiece.training.pruning import prune
from bytepiece.training.segments import Batch, batches, check_texts

__all__ = ["Trainer"]

SMALLEST_VOCABULARY = 259
"""Special tokens and single bytes: what every vocabulary has."""


class Trainer:
    r"""Trains vocabularies: new-word discovery with a byte n-gram language model, then unigram pruning.

    After Jianlin Su's BytePiece (https://kexue.fm/archives/9752); `bytepiece.reference` shows the algorithm in a page,
    and gives the same vocabularies.

    Args:
        order: the longest n-gram of the language model in bytes, 1 to 7.
        max_vocab_size: the number of ids a vocabulary has at most, special tokens among them, 259 or more. A list
            trains several vocabularies at once. A corpus with fewer useful pieces gives a smaller vocabulary.
        max_piece_length: the longest piece in bytes.
        min_count: n-grams and pieces of two bytes or more are left out where they occur less often. Raise it with
            the corpus: 2 suits a few MB, 8 some 40 MB, 32 some GB.
        isolate_digits: every decimal digit is a piece of its own.
        ensure_unicode: every piece of two bytes or more is whole characters, valid UTF-8.
        normalization: ``None`` keeps every text as it is, ``"nfc"`` applies Unicode's NFC before training, and before
            each encoding with the model.

    Raises `SettingsError` where an argument is out of range.

    >>> trainer = Trainer(max_vocab_size=300)
    >>> trainer.train(["red house\n", "blue house\n", "red river\n", "blue river\n"] * 5)
    >>> [piece for piece in trainer.models[300].pieces if len(piece) > 1]
    [b'red house\n', b'red river\n', b'blue house\n', b'blue river\n']
    """

    def __init__(
        self,
        order: int = 6,
        max_vocab_size: int | Iterable[int] = 10000,
        max_piece_length: int = 36,
        min_count: int = 2,
        isolate_digits: bool = False,
        ensure_unicode: bool = True,
        normalization: str | None = None,
    ) -> None:
        sizes = [max_vocab_size] if isinstance(max_vocab_size, int) else list(max_vocab_size)
        if not sizes:
            raise SettingsError("max_vocab_size must not be an empty list")
        for size in sizes:
            _check_int("max_vocab_size", size, SMALLEST_VOCABULARY, 2**31 - 1)
        _check_int("order", order, 1, MAX_ORDER)
        _check_int("max_piece_length", max_piece_length, 1, 2**31 - 1)
        _check_int("min_count", min_count, 1, 2**63 - 1)
        check_normalization(normalization)
        self.order = order
        self.max_vocab_size = sorted(set(sizes), reverse=True)
        self.max_piece_length = max_piece_length
        self.min_count = min_count
        self.isolate_digits = bool(isolate_digits)
        self.ensure_unicode = bool(ensure_unicode)
        self.normalization = normalization
        self._models: dict[int, Model] | None = None

    @property
    def models(self) -> dict[int, Model]:
        """The trained models, by requested size, the largest first. A new dict at each call.

        Raises `TrainingError` before training.
        """
        if self._models is None:
            raise TrainingError("not trained yet: call train() first")
        return dict(self._models)

    def train(
        self, texts: Iterable[str], workers: int = 1, batch_size: int | None = None, progress: bool = True
    ) -> None:
        """Train on texts, and replace `models`.

        Args:
            texts: any iterable of ``str`` that starts anew each time it is iterated: a list, a
                `bytepiece.Corpus`, an object with ``__iter__``. It is read twice.
            workers: the number of threads that count. The models are the same for any number.
            batch_size: has no effect. BytePiece 0.6.3 takes it; here work is divided by bytes.
            progress: show a progress bar, on standard error, of each stage that takes longer than a second.

        Raises:
            CorpusError: the texts cannot be read twice, differ in the second pass, hold something that is no text, or
                no text at all.
            SettingsError: ``workers`` is not 1 or more.
        """
        _check_int("workers", workers, 1, 1024)
        check_texts(texts)
        with _stage(progress, "Counting n-grams", "B") as advance:
            counts = count_ngrams(self._batches(texts), self.order, workers, advance)
        n_bytes = int(counts.counts.sum())
        if n_bytes == 0:
            raise CorpusError("there is no text to train on: all texts are empty, or there is none")
        model = ngram_model(counts, self.order, self.min_count)
        del counts

        with _stage(progress, "Discovering pieces", "B", total=n_bytes) as advance:
            candidates = discover(self._batches(texts), model, self.ensure_unicode, workers, advance)
        if (candidates.lengths * candidates.counts.astype("int64")).sum() != n_bytes:
            raise CorpusError("the texts were not the same in the second pass as in the first")
        del model

        with _stage(progress, "Pruning", " rounds") as advance:
            vocabularies = prune(
                candidates, self.max_vocab_size, self.max_piece_length, self.min_count, workers, advance
            )
            self._models = {size: self._model(size, pieces) for size, pieces in vocabularies}

    def save(self, path: str | os.PathLike[str], format: str = "bytepiece") -> None:
        """Save the model to ``path``; of several, each to ``path.SIZE``. See `Model.save`.

        Raises `TrainingError` before training, `OSError` where a file cannot be written.
        """
        for size, model in self.models.items():
            model.save(f"{os.fspath(path)}.{size}" if len(self.models) > 1 else path, format)

    def _batches(self, texts: Iterable[str]) -> Iterator[Batch]:
        return batches(texts, self.normalization, self.isolate_digits)

    def _model(self, size: int, pieces: PieceCounts) -> Model:
        settings = {
            "order": self.order,
            "max_vocab_size": size,
            "max_piece_length": self.max_piece_length,
            "min_count": self.min_count,
            "isolate_digits": self.isolate_digits,
            "ensure_unicode": self.ensure_unicode,
            "normalization": self.normalization,
        }
        return Model(pieces.to_list(), pieces.counts.tolist(), settings)


def _check_int(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingsError(f"{name} must be an int, not {value!r}")
    if not low <= value <= high:
        raise SettingsError(f"{name} must be {low} to {high}, not {value}")


@contextmanager
def _stage(show: bool, name: str, unit: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """A progress bar that shows itself after a second; gives the function that moves it on."""
    with tqdm(desc=name, total=total, unit=unit, unit_scale=unit == "B", delay=1, disable=not show) as bar:
        yield bar.update
