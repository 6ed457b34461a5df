"""The one way through encoding.

A text is prepared: it is normalized, lone surrogates raise an error or are replaced, and it becomes what kernels read.
A call becomes parts: texts that are segmented each by itself, and the ids of special tokens between them. The parts are
segmented, and each method of a tokenizer reads the result in its own way:

    text -- parts --> ["a", 259, "b"] -- encode --------> a list
                                      -- iterate -------> an iterator, which segments as it goes
                                      -- encode_batch --> arrays, made by several threads
                                      -- count ---------> a number
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.heap import release_memory
from bytepiece.core.ids import IdArray, lists_of
from bytepiece.core.nbest import best_of
from bytepiece.core.packed import PackedBytes
from bytepiece.core.sampling import measure_all
from bytepiece.core.segment import count_ids, segment, segment_packed, segment_spans
from bytepiece.encoding.batches import FEWEST_SHARES, SMALLEST_SHARE, segment_batch, segment_share, spans_of
from bytepiece.encoding.ends import add_to_list
from bytepiece.encoding.marks import Marks
from bytepiece.encoding.offsets import Encoding, encoding_of_token, join_encodings, locate
from bytepiece.encoding.sampling import MAX_ALPHA, Sampler, Sampling, Seed, check_alpha
from bytepiece.encoding.special import Names, Parts, SpecialTokens, in_bytes
from bytepiece.encoding.streams import bytes_of_chunks, chunks_of, segment_stream
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import DisallowedSpecialError, SettingsError, TextError, check_int
from bytepiece.model.model import Model
from bytepiece.text.normal_form import is_nfc, nfc
from bytepiece.text.preparation import to_bytes
from bytepiece.text.surrogates import check_errors, has_surrogates
from bytepiece.workers import check_workers

__all__ = ["Encoder"]

_SHORT = FEWEST_SHARES * SMALLEST_SHARE
_NO_POSITIONS = np.empty(0, dtype=np.int64)
_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Encoder:
    """Encodes with a model, from which automata and tables are built once for all calls.

    Args:
        model: the model.

    Attributes:
        vocabulary: the ids of the model, and their pieces.

    Raises `ModelFormatError` for pieces that have more than some 16 million different beginnings.

    Thread safety: any number of threads can share one. It is immutable, apart from tables that are made when first
    needed.
    """

    def __init__(self, model: Model) -> None:
        self._pieces = model.packed
        self._first_id = model.first_id
        self._automaton = Automaton(self._pieces, log_probabilities(self._pieces.counts), True, self._first_id)
        release_memory()  # building took more than what stays
        self._by_characters = self._automaton.by_characters
        self._normalization = model.normalization
        self._reads_str = self._by_characters and self._normalization is None
        self._special_tokens = model.special_tokens
        self.vocabulary = Vocabulary(model)
        # The ints that lists of ids share, see `lists_of`. Not in free-threaded Python: threads would compete for their
        # reference counts.
        self._ints: list[int | None] = [] if _FREE_THREADED else [None] * model.vocab_size

    # A text, prepared.

    def prepare(self, text: str | bytes, errors: str) -> str | bytes:
        """The normalized text: ``str`` without surrogates, if the automaton goes by characters, and else ``bytes``.

        Raises what `to_bytes` raises.
        """
        if self._by_characters and isinstance(text, str):
            if errors != "strict":
                check_errors(errors)
            normalized = text if self._normalization is None else nfc(text)
            if not has_surrogates(normalized):
                return normalized
        return to_bytes(text, self._normalization, errors)

    # A call, in parts.

    def parts(self, text: str | bytes, allowed: Names, disallowed: Names, errors: str) -> Parts:
        """The parts of a text: the prepared text; with special tokens, their ids and the ``bytes`` between them."""
        if not allowed and not disallowed:
            return [self.prepare(text, errors)]
        return self._split(text, allowed, disallowed, errors)

    def parts_of_batch(
        self, texts: Iterable[str | bytes], allowed: Names, disallowed: Names, errors: str
    ) -> list[Parts]:
        """The parts of each of several texts; errors say which text."""
        if isinstance(texts, (str, bytes)):
            raise TextError(f"texts must be an iterable of str or bytes, not a single {type(texts).__name__}")
        batch: list[Parts] = []
        try:
            for text in texts:
                batch.append(self.parts(text, allowed, disallowed, errors))
        except TextError as error:
            raise TextError(f"text {len(batch)} (from 0): {error}") from None
        except DisallowedSpecialError as error:
            raise DisallowedSpecialError(error.name, error.position, len(batch)) from None
        return batch

    def parts_of_segments(self, segments: Iterable[tuple[str | bytes, Names]], disallowed: Names, errors: str) -> Parts:
        """The parts of several texts, each with the special tokens that are allowed in it."""
        parts: list[str | bytes | int] = []
        for pair in segments:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise TextError(f"a segment must be a text and the special tokens allowed in it, not {pair!r}")
            text, allowed = pair
            parts += self._split(text, allowed, disallowed, errors)
        return parts

    def _split(self, text: str | bytes, allowed: Names, disallowed: Names, errors: str) -> Parts:
        parts = self._specials.split(text, allowed, disallowed, errors)
        if self._normalization is None or (isinstance(text, str) and nfc(text) is text):
            return parts
        return [part if isinstance(part, int) else to_bytes(part, self._normalization) for part in parts]

    # Parts, segmented.

    def encode(self, parts: Parts, add_bos: bool, add_eos: bool, alpha: float | None, seed: Seed) -> list[int]:
        """The ids of a text."""
        if alpha is None:
            ids = self._segment(parts).tolist(self._ints)
        else:
            parts = in_bytes(parts)
            ids = self._segment(parts, self._sampling([parts], alpha, seed)).tolist(self._ints)
        if add_bos or add_eos:
            add_to_list(ids, add_bos, add_eos)
        return ids

    def iterate(self, parts: Parts, add_bos: bool, add_eos: bool, alpha: float | None, seed: Seed) -> Iterator[int]:
        """The same ids, from an iterator that segments the text as it goes. A draw is made at once."""
        if check_alpha(alpha) is not None:
            return iter(self.encode(parts, add_bos, add_eos, alpha, seed))
        with_ends = in_bytes(parts)
        add_to_list(with_ends, add_bos, add_eos)
        return segment_stream(self._byte_automaton, chunks_of(with_ends), self._ints)

    def encode_batch(
        self, batch: Sequence[Parts], workers: int | None, alpha: float | None, seed: Seed
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The ids of several texts, and offsets: those of text k are ``ids[offsets[k]:offsets[k + 1]]``."""
        if alpha is not None:
            batch = [*map(in_bytes, batch)]
            sampling = self._sampling(batch, alpha, seed)
            if sampling is not None:
                return segment_batch(self._byte_automaton, batch, workers, sampling)
        if max(map(len, batch), default=0) > 1 and (joined := self._marks.join(map(in_bytes, batch))):
            texts, inserted = joined
            ids, offsets = segment_batch(self._automaton, [[text] for text in texts], workers)
            replaced, offsets = self._marks.replace(ids, offsets, inserted)
            return replaced.to_numpy(), offsets
        return segment_batch(self._automaton, batch, workers)

    def lists_of(self, ids: NDArray[np.uint32], offsets: NDArray[np.int64]) -> list[list[int]]:
        """What `encode_batch` gives as a list for each text."""
        return lists_of(ids, offsets, self._ints)

    def encode_to_numpy(self, text: str | bytes, workers: int | None, errors: str) -> NDArray[np.uint32]:
        """The ids of a text without special tokens; what `encode_batch` does, with less ado for a short text."""
        if self._reads_str and type(text) is str and workers is None and errors == "strict" and len(text) < _SHORT:
            try:
                return segment(self._automaton, text).to_numpy()
            except UnicodeError:
                pass  # `prepare` says where the lone surrogate is
        if workers is not None:
            check_workers(workers)
        prepared = self.prepare(text, errors)
        if workers == 1 or len(prepared) < _SHORT:
            return segment(self._automaton, prepared).to_numpy()
        return segment_batch(self._automaton, [[prepared]], workers)[0]

    def encode_texts(
        self, texts: PackedBytes, allowed: Names = ()
    ) -> tuple[IdArray | NDArray[np.uint32], NDArray[np.int64]]:
        """The ids of texts, found in this thread, and where those of each text end."""
        if not allowed and (self._normalization is None or _are_normal(texts)):
            return segment_packed(self._automaton, texts.data, texts.offsets)
        batch = [self.parts(text, allowed, (), "strict") for text in texts.to_list()]
        if not allowed:
            return segment_spans(self._automaton, spans_of(batch)[0])
        ids, offsets = self.encode_batch(batch, 1, None, None)
        return ids, offsets[1:]

    def count(self, parts: Parts) -> int:
        """The number of ids of a text."""
        n = 0
        for part in parts:
            n += 1 if isinstance(part, int) else count_ids(self._automaton, part)
        return n

    def _segment(self, parts: Parts, sampling: Sampling | None = None) -> IdArray:
        """The ids of one text; what `encode_batch` does, without threads and offsets."""
        if sampling is not None:
            return segment_share(self._byte_automaton, *spans_of([parts]), sampling)[0]
        if len(parts) == 1 and not isinstance(part := parts[0], int):
            return segment(self._automaton, part)
        if joined := self._marks.join([in_bytes(parts)]):
            (text,), inserted = joined
            return self._marks.replace(segment(self._automaton, text), _NO_POSITIONS, inserted)[0]
        return segment_share(self._automaton, *spans_of([parts]))[0]

    # Other readings.

    def encode_stream(self, chunks: Iterable[str | bytes], errors: str, add_bos: bool, add_eos: bool) -> Iterator[int]:
        """The ids of a text that comes in chunks, in which nothing is special."""
        parts: list[Iterable[bytes] | int] = [bytes_of_chunks(chunks, self._normalization, errors)]
        add_to_list(parts, add_bos, add_eos)
        return segment_stream(self._byte_automaton, parts, self._ints)

    def encode_with_offsets(
        self, text: str | bytes, allowed: Names, disallowed: Names, errors: str, add_bos: bool, add_eos: bool
    ) -> Encoding:
        """The ids of a text and where they come from, part by part."""
        parts = self._specials.split(text, allowed, disallowed, errors)
        encodings = [self._locate(part) for part in parts]
        add_to_list(encodings, add_bos, add_eos, lambda id: encoding_of_token(id, b""))
        return join_encodings(encodings)

    def _locate(self, part: bytes | int) -> Encoding:
        if isinstance(part, int):
            return encoding_of_token(part, self.vocabulary.name_of(part))
        data = to_bytes(part, self._normalization)
        ids = segment(self._automaton, data)
        return Encoding(ids.tolist(self._ints), *locate(ids, self.vocabulary.lengths, part, data))

    def nbest(self, text: str | bytes, n: int) -> list[tuple[list[int], float]]:
        """The ids of the best segmentations, each with its score."""
        check_int("n", n, 1, 2**31 - 1)
        array, ends, scores = best_of(self._byte_automaton, to_bytes(text, self._normalization), n)
        ids = array.to_numpy()
        bounds = pairwise([0, *ends.tolist()])
        return [(ids[begin:end].tolist(), score) for (begin, end), score in zip(bounds, scores.tolist(), strict=True)]

    def measure(self, text: str | bytes, alpha: float) -> tuple[float, float]:
        """The log-partition and the entropy of all segmentations of a text."""
        checked = check_alpha(alpha)
        if checked is None:
            raise SettingsError(f"alpha must be 0 to {MAX_ALPHA:.0f}, not {alpha!r}")
        return measure_all(self._byte_automaton, to_bytes(text, self._normalization), checked)

    # Made when first needed.

    @cached_property
    def _byte_automaton(self) -> Automaton:
        """The automaton of samples, streams and the n best, which go byte by byte."""
        if not self._by_characters:
            return self._automaton
        made = Automaton(self._pieces, self._automaton.scores, False, self._first_id)
        release_memory()
        # Several threads may come here at once, from Python 3.12 on. All get the same one: weights belong to it.
        automaton: Automaton = self.__dict__.setdefault("_byte_automaton", made)
        return automaton

    @cached_property
    def _specials(self) -> SpecialTokens:
        return SpecialTokens(self._special_tokens)

    @cached_property
    def _marks(self) -> Marks:
        keep_apart = int(np.count_nonzero(self._pieces.data == 0xFF)) == 1
        return Marks(self.vocabulary.id_of(b"\xff"), self._ids_of_newlines, keep_apart)

    def _ids_of_newlines(self, n: int) -> list[int]:
        return segment(self._automaton, b"\n" * n).tolist(self._ints)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._byte_automaton)

    def _sampling(self, batch: Sequence[Parts], alpha: float | None, seed: Seed) -> Sampling | None:
        """How to sample a batch in ``bytes``; None if the best segmentations are wanted."""
        checked = check_alpha(alpha)
        if checked is None:
            return None
        n_bytes = sum(len(part) for parts in batch for part in parts if not isinstance(part, int))
        return self._sampler.sampling(checked, seed, n_bytes)


def _are_normal(texts: PackedBytes) -> bool:
    """Whether all texts are text that NFC leaves as it is."""
    view: memoryview[int] = memoryview(texts.data)  # type: ignore[arg-type]
    try:
        # Text by text: those in ASCII take no time.
        return all(is_nfc(str(view[begin:end], "utf-8")) for begin, end in pairwise(texts.offsets.tolist()))
    except UnicodeDecodeError:
        return False
