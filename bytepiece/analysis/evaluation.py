"""How well a model cuts text: the length of tokens, how evenly its pieces are used, and which only one document has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bytepiece.analysis.batches import batches
from bytepiece.analysis.figures import Figures
from bytepiece.analysis.tally import Tally
from bytepiece.corpus.corpus import Corpus
from bytepiece.errors import CorpusError, TextError
from bytepiece.model.model import Model
from bytepiece.text.preparation import to_bytes
from bytepiece.tokenizer import Tokenizer

__all__ = ["Evaluation", "evaluate"]


class Evaluation(NamedTuple):
    """What `evaluate` finds."""

    total: Figures
    """The figures of all documents."""
    files: dict[str, Figures]
    """The figures of each file of a `Corpus`, by path, in its order. Of a file that is read twice, those of the last
    time."""


def evaluate(
    model: Tokenizer | Model | str | os.PathLike[str], texts: Iterable[str], workers: int | None = None
) -> Evaluation:
    """Encode a corpus, and measure how well that went.

    Args:
        model: a `Tokenizer`, a `Model`, or the path of a model file.
        texts: a `Corpus`, or any iterable of ``str``; it is read once, some 4 MB at a time.
        workers: the number of threads that encode, None for one on each processor. The result does not depend on it.

    Returns an `Evaluation`: the `Figures` of all documents, and of each file of a `Corpus`. To see how much of a
    vocabulary was learned by heart, compare the bytes per token of its training corpus with those of other text.

    Raises:
        CorpusError: a document cannot be read or is not text; it names the document. Or there is no text at all.
        ModelFormatError, ImportModelError, OSError, SettingsError: as `Tokenizer` and its methods do.
        OptionalDependencyError: a file of the corpus needs a library that is missing.

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
    total = Tally(tokenizer.model)
    files = {}
    if isinstance(texts, Corpus):
        for path, documents in texts.by_file():
            tally = _tally(tokenizer, documents, workers)
            files[path] = tally.figures()
            total.merge(tally)
    else:
        total = _tally(tokenizer, texts, workers)
    if total.n_bytes == 0:
        raise CorpusError("there is no text to evaluate on: there are no texts, or all are empty")
    return Evaluation(total.figures(), files)


def _tally(tokenizer: Tokenizer, texts: Iterable[str], workers: int | None) -> Tally:
    tally = Tally(tokenizer.model)

    def documents() -> Iterator[bytes]:
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise CorpusError(f"text {number} (from 0) must be str, not {type(text).__name__}")
            tally.characters += len(text)
            try:
                yield to_bytes(text)
            except TextError as error:
                raise CorpusError(f"text {number} (from 0): {error}") from None

    for batch in batches(documents()):
        tally.add(batch, *tokenizer.encode_batch_to_numpy(batch, workers))
    return tally
