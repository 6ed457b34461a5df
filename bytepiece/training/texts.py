"""The texts of a training, which are read several times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bytepiece.errors import CorpusError
from bytepiece.training.context import Context
from bytepiece.training.segments import Reader

__all__ = ["Texts", "check_texts"]


def check_texts(texts: object, counted: bool = False) -> None:
    """Raise `CorpusError` unless ``texts`` can be read several times; ``counted`` says that only refinement does."""
    if texts is None and counted:
        raise CorpusError(
            "refinement needs the texts, not only their counts: give them, or a sample of them (from_sample), or leave "
            "refinement out with refine_rounds=0"
        )
    if texts is None:
        raise CorpusError("there are no texts to train on")
    if isinstance(texts, (str, bytes)):
        raise CorpusError(f"texts must be an iterable of str, not a single {type(texts).__name__}")
    try:
        iterator = iter(texts)  # type: ignore[call-overload]
    except TypeError:
        raise CorpusError(f"texts must be an iterable of str, not {type(texts).__name__}") from None
    if iterator is texts:
        raise CorpusError(
            "training reads the texts several times, to count and to refine, and this iterator can be read once: pass "
            "a list, a bytepiece.Corpus, or an object whose __iter__ starts anew each time"
        )


class Texts:
    """Texts that must be the same each time they are read.

    Args:
        texts: iterable of ``str`` that starts anew each time.
        normalization: see `Reader`.
        isolate_digits: see `Reader`.
        boundaries: see `Reader`.
        expected: how many there must be; None for any number.

    Attributes:
        n_bytes: the length of all texts in bytes, 0 until they have been read.
        documents: their number.
    """

    def __init__(
        self,
        texts: Iterable[str],
        normalization: str | None,
        isolate_digits: bool,
        boundaries: str | None = None,
        expected: int | None = None,
    ) -> None:
        self._texts = texts
        self._expected = expected
        self._cutting = normalization, isolate_digits, boundaries
        self._times = 0
        self._fingerprint = ""
        self.n_bytes = 0
        self.documents = 0

    def reader(self, context: Context) -> Reader:
        """A reader of all texts, which cuts any others as well."""
        return Reader(self._texts, *self._cutting, context.resources.batch_bytes, context.resources.document_bytes)

    @contextmanager
    def read(self, context: Context, stage: str) -> Iterator[tuple[Reader, Callable[[int], object]]]:
        """Read all texts once more, as a stage of the training of this name.

        Gives a reader, and the function that is to be told the bytes of text as they are done. At the end, raises
        `CorpusError` if the texts were others than before, or if there are more or fewer than expected.
        """
        reader = self.reader(context)
        share = None if self.n_bytes else self._share
        with context.progress.stage(stage, "B", self.n_bytes or None, share) as advance:
            yield reader, advance
        if self._times and reader.fingerprint != self._fingerprint:
            raise CorpusError(f"the texts were not the same in pass {self._times + 1} as in pass {self._times}")
        if self._expected not in (None, reader.documents):
            raise CorpusError(
                f"there are {reader.documents} texts, but counts or samples of {self._expected} are given: a part is "
                "missing or given twice, or they are of different texts"
            )
        self._times += 1
        self._fingerprint = reader.fingerprint
        self.n_bytes = reader.n_bytes
        self.documents = reader.documents

    @property
    def _share(self) -> Callable[[], float] | None:
        """What tells how much of the texts was read, from 0 to 1, if they know it."""
        if not getattr(self._texts, "raw_bytes", 0) or not hasattr(self._texts, "raw_position"):
            return None
        return lambda: self._texts.raw_position / self._texts.raw_bytes  # type: ignore[attr-defined]
