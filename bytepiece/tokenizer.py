"""Text in, ids out, and back."""

from __future__ import annotations

import builtins
import math
import os
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.ids import IdArray
from bytepiece.core.nbest import best_of
from bytepiece.core.sampling import measure_all, sample_spans
from bytepiece.core.segment import count_ids, segment, segment_spans
from bytepiece.core.stream import SegmentStream
from bytepiece.encoding.batches import Part, segment_all, segment_parts, size_of, spans_of
from bytepiece.encoding.marks import Marks
from bytepiece.encoding.offsets import Encoding, join_encodings, locate, locate_special_token
from bytepiece.encoding.sampling import MAX_ALPHA, Sampler, Sampling, Seed, check_alpha
from bytepiece.encoding.special import Names, SpecialTokens
from bytepiece.encoding.streams import bytes_of_chunks
from bytepiece.errors import SettingsError, UnknownIdError, UnknownPieceError, check_int
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS
from bytepiece.text.normal_form import normalize
from bytepiece.text.preparation import to_bytes
from bytepiece.text.surrogates import check_errors

__all__ = ["Tokenizer"]

_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
_STREAM_BYTES = 2**16  # at a time, of a text that is there already


class Tokenizer:
    """Encodes text with a model: the segmentation into pieces whose counts make it most probable.

    Args:
        model: a `Model`, or the path of a model file.

    Raises what `Model.load` raises.

    Everything that encodes takes ``str`` or ``bytes``, cuts it after every run of newlines, and finds in each part, by
    Viterbi, the pieces with the greatest sum of log-probabilities; of equals the one whose last piece is longest.
    The cost is linear in the length of the text. Unless the model normalizes, `decode_bytes` gives every byte back.

    With an ``alpha`` of 0 or more, a segmentation is drawn instead, with a probability proportional to exp(alpha times
    its sum of log-probabilities), exactly: with 0 all are equally probable, with 1 the model decides, and the
    greater it is, the more the best one is preferred. None, a negative alpha and infinity mean the best one. Finite
    ones are up to 1,000,000. ``seed`` is an int from 0 to 2**128 - 1, a ``numpy.random.Generator``, from which such an
    int is drawn, or None for chance. What an int gives is the same on every platform and for any number of threads: it
    depends on nothing but the model, alpha, the seed, the bytes of the text and its number in the batch. So texts
    encoded one by one should have different seeds. (Logarithms of counts are the C library's; where two differ
    in the last bit, a draw can differ with a probability of some 1e-15.)

    In ``str``, lone surrogates have no bytes: they are an error with ``errors="strict"``, and with ``"replace"`` each
    counts as U+FFFD. A model that normalizes does so with ``str``, and with what is UTF-8 in ``bytes``.

    Special tokens are plain text, unless a call has their names in ``allowed_special``: a set, or ``"all"``. Then the
    leftmost is found first, and of those that begin there the longest, in the text as it is given; what is between
    them is normalized and segmented part by part. Those in ``disallowed_special`` that are not allowed raise
    `DisallowedSpecialError`. In ``bytes`` the UTF-8 of a name is found.

    Thread safety: a tokenizer is immutable, but for what it keeps to be faster; any number of threads can share one.
    While it segments it holds no lock, so threads run side by side.

    >>> from bytepiece import Model, Tokenizer
    >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"he": 20, b"llo": 30}
    >>> tokenizer = Tokenizer(Model.from_counts(counts))
    >>> tokenizer.tokenize("hello")
    [b'he', b'llo']
    >>> tokenizer.decode(tokenizer.encode("hello"))
    'hello'
    """

    def __init__(self, model: Model | str | os.PathLike[str]) -> None:
        self._model = model if isinstance(model, Model) else Model.load(model)
        self._first_id = self._model.first_id
        self._special_tokens = self._model.special_tokens
        self._normalization = self._model.normalization
        pieces = self._model.packed
        self._automaton = Automaton(pieces, log_probabilities(pieces.counts), True, self._first_id)
        # Ints that lists of ids share, because making them anew takes longer than finding the ids of short pieces.
        # Not without a global lock, where threads would fight for their reference counts.
        self._ints: list[int | None] = [] if _FREE_THREADED else [None] * self._model.vocab_size

    @property
    def model(self) -> Model:
        """The model it was made of."""
        return self._model

    @property
    def vocab_size(self) -> int:
        """The number of ids, special tokens among them: ids are 0 to ``vocab_size - 1``."""
        return self._model.vocab_size

    @overload
    def tokenize(
        self,
        text: str | bytes,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        errors: str = "strict",
        iter: Literal[False] = False,
    ) -> list[bytes]: ...

    @overload
    def tokenize(
        self,
        text: str | bytes,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        errors: str = "strict",
        iter: Literal[True],
    ) -> Iterator[bytes]: ...

    def tokenize(
        self,
        text: str | bytes,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        errors: str = "strict",
        iter: bool = False,
    ) -> list[bytes] | Iterator[bytes]:
        """Segment a text into pieces.

        Args:
            text: ``str``, or ``bytes`` of any content.
            alpha: draw a segmentation, with this temperature; see the class.
            seed: of what is drawn.
            errors: what becomes of lone surrogates, ``"strict"`` or ``"replace"``; see the class.
            iter: return an iterator; see `encode`.

        Raises `TextError` for a lone surrogate, naming its position, and for what is neither ``str`` nor ``bytes``;
        `SettingsError` for an argument that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.tokenize("hello")
        [b'he', b'llo']
        """
        get = self._bytes_by_id.__getitem__
        if iter:
            return map(get, self.encode(text, alpha=alpha, seed=seed, errors=errors, iter=True))
        return [*map(get, self.encode(text, alpha=alpha, seed=seed, errors=errors))]

    @overload
    def encode(
        self,
        text: str | bytes,
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
        iter: Literal[False] = False,
    ) -> list[int]: ...

    @overload
    def encode(
        self,
        text: str | bytes,
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
        iter: Literal[True],
    ) -> Iterator[int]: ...

    def encode(
        self,
        text: str | bytes,
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
        iter: bool = False,
    ) -> list[int] | Iterator[int]:
        """Segment a text, and return the ids of its pieces.

        Args:
            text: ``str``, or ``bytes`` of any content.
            add_bos: put the id of ``<bos>`` first.
            add_eos: put the id of ``<eos>`` last.
            alpha: draw a segmentation, with this temperature; see the class.
            seed: of what is drawn.
            allowed_special: names of special tokens that are found in the text, or ``"all"``; see the class.
            disallowed_special: names of special tokens that must not be in the text, or ``"all"``.
            errors: what becomes of lone surrogates, ``"strict"`` or ``"replace"``; see the class.
            iter: return an iterator, which segments the text as it goes, and needs little memory for ids. What is drawn
                is drawn at once.

        Raises `TextError` for a lone surrogate, naming its position, and for what is neither ``str`` nor ``bytes``;
        `DisallowedSpecialError` for a disallowed special token, naming its position; `SettingsError` for an argument
        that is none, or names what is no special token.

        >>> from bytepiece import Model, Tokenizer
        >>> model = Model.from_counts({bytes([byte]): 1 for byte in range(256)}).with_special_tokens(["<sep>"])
        >>> tokenizer = Tokenizer(model)
        >>> len(tokenizer.encode("a<sep>b")), tokenizer.encode("a<sep>b", allowed_special={"<sep>"})
        (7, [100, 259, 101])
        """
        if alpha is None and not (iter or allowed_special or disallowed_special):
            ids = self._segment(text, errors).tolist(self._ints)
        else:
            parts = self._parts(text, allowed_special, disallowed_special, errors)
            sampling = None if alpha is None else self._sampling(alpha, seed, size_of(parts))
            if iter and sampling is None:
                return self._iterate(parts, add_bos, add_eos)
            ids = self._encode_parts(parts, sampling)
        if add_bos:
            ids.insert(0, self._special_tokens["<bos>"])
        if add_eos:
            ids.append(self._special_tokens["<eos>"])
        return builtins.iter(ids) if iter else ids

    def encode_ordinary(self, text: str | bytes) -> list[int]:
        r"""Encode a text in which nothing is special, and which may be any: lone surrogates count as U+FFFD.

        Raises `TextError` for what is neither ``str`` nor ``bytes``.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode(tokenizer.encode_ordinary("he\ud800llo")) == "he\ufffdllo"
        True
        """
        return self.encode(text, errors="replace")

    def encode_segments(
        self,
        segments: Iterable[tuple[str | bytes, Names]],
        add_bos: bool = False,
        add_eos: bool = False,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> list[int]:
        """Encode texts of different trust into one list of ids.

        Args:
            segments: texts, each with the special tokens that are found in it, as ``allowed_special`` of `encode`. Each
                text is segmented, and normalized, by itself: no piece goes across.
            add_bos: put the id of ``<bos>`` first.
            add_eos: put the id of ``<eos>`` last.
            alpha: draw a segmentation, with this temperature; see the class.
            seed: of what is drawn.
            disallowed_special: names of special tokens that must not be in a text which does not allow them; or
                ``"all"``.
            errors: what becomes of lone surrogates, ``"strict"`` or ``"replace"``; see the class.

        Raises what `encode` raises; positions are in the text, not in all texts.

        >>> from bytepiece import Model, Tokenizer
        >>> model = Model.from_counts({bytes([byte]): 1 for byte in range(256)})
        >>> tokenizer = Tokenizer(model.with_special_tokens(["<user>", "<end>"]))
        >>> tokenizer.encode_segments([("<user>", "all"), ("<e", ()), ("<end>", {"<end>"})])
        [259, 63, 104, 260]
        """
        parts: list[Part] = []
        for text, allowed in segments:
            parts += self._parts(text, allowed, disallowed_special, errors)
        ids = self._encode_parts(parts, self._sampling(alpha, seed, size_of(parts)))
        if add_bos:
            ids.insert(0, self._special_tokens["<bos>"])
        if add_eos:
            ids.append(self._special_tokens["<eos>"])
        return ids

    def encode_stream(self, chunks: Iterable[str | bytes], errors: str = "strict") -> Iterator[int]:
        """Encode a text that comes in chunks; an iterator of the ids that `encode` gives for the whole.

        An id comes out as soon as no further chunk can change it: when it is in the best segmentations up to all places
        from the first on where a piece can have begun that is not whole yet. Only what is undecided is in memory,
        most often some bytes. A model that normalizes also keeps back the last character, if that can be composed with
        the next. Special tokens are plain text.

        Args:
            chunks: ``str`` and ``bytes`` of any size, which may cut characters; taken one by one, as ids are asked for.
            errors: what becomes of lone surrogates, ``"strict"`` or ``"replace"``; see the class.

        Raises, while it is iterated over, what `encode` raises, with the position in the whole.

        >>> from bytepiece import Model, Tokenizer
        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"he": 20, b"llo": 30}
        >>> tokenizer = Tokenizer(Model.from_counts(counts))
        >>> tokenizer.ids_to_pieces(tokenizer.encode_stream(["h", "ell", "o"]))
        [b'he', b'llo']
        """
        stream = SegmentStream(self._byte_automaton)
        for data in bytes_of_chunks(chunks, self._normalization, errors):
            yield from stream.feed(data).tolist(self._ints)
        yield from stream.flush().tolist(self._ints)

    def encode_with_offsets(
        self,
        text: str | bytes,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> Encoding:
        """Encode a text, and say where in it each id comes from.

        Args:
            text: ``str``, or ``bytes`` of any content.
            allowed_special: as `encode` has it.
            disallowed_special: as `encode` has it.
            errors: as `encode` has it.

        Returns an `Encoding`: ids, and int64 arrays of shape (n, 2) with begin and end of each, in bytes of the UTF-8
        and in characters. Where a piece has a part of a character, the characters have the whole. Where normalization
        changed a character, its bytes come from all bytes of all characters that it was made of, and the offsets
        are the least that covers all bytes that the piece comes from; so those of two pieces can overlap. In ``bytes``,
        what forms no character counts as ``bytes.decode(errors="replace")`` has it, and a lone surrogate that is
        replaced has the three bytes of U+FFFD.

        Raises what `encode` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {"né".encode(): 20}
        >>> ids, byte_offsets, char_offsets = Tokenizer(Model.from_counts(counts)).encode_with_offsets("né!")
        >>> byte_offsets.tolist(), char_offsets.tolist()
        ([[0, 3], [3, 4]], [[0, 2], [2, 3]])
        """
        if not allowed_special and not disallowed_special:
            return self._locate(text, errors)
        return join_encodings(
            self._locate(part, errors)
            if isinstance(part, bytes)
            else locate_special_token(part, self._shown_by_id[part])
            for part in self._parts(text, allowed_special, disallowed_special, errors, normalized=False)
        )

    def _locate(self, text: str | bytes, errors: str) -> Encoding:
        original = to_bytes(text, None, errors)
        if isinstance(text, str):
            normalized = normalize(text, self._normalization)
            data = original if normalized is text else to_bytes(normalized, None, errors)
            array = self._segment(normalized, errors)
        else:
            data = to_bytes(text, self._normalization)
            array = segment(self._automaton, data)
        return Encoding(array.tolist(self._ints), *locate(array, self._lengths, original, data))

    def _segment(self, text: str | bytes, errors: str) -> IdArray:
        """The ids of a text without special tokens."""
        return self._run(segment, text, errors)

    def _run(self, kernel: Any, text: str | bytes, errors: str) -> Any:
        if self._automaton.by_characters and isinstance(text, str):
            normalized = normalize(text, self._normalization)
            check_errors(errors)
            try:
                return kernel(self._automaton, normalized)
            except UnicodeError:
                pass  # a lone surrogate: what becomes of it is said there
        return kernel(self._automaton, to_bytes(text, self._normalization, errors))

    def _parts(
        self, text: str | bytes, allowed: Names, disallowed: Names, errors: str, normalized: bool = True
    ) -> list[Part]:
        """The parts of a text that are segmented by themselves, and between them special tokens."""
        parts = self._specials.split(text, allowed, disallowed, errors)
        if self._normalization is None or not normalized:
            return parts
        if isinstance(text, str) and normalize(text, self._normalization) is text:
            return parts  # parts of what is normalized are, too
        return [part if isinstance(part, int) else to_bytes(part, self._normalization) for part in parts]

    def _encode_parts(self, parts: list[Part], sampling: Sampling | None) -> list[int]:
        if sampling is None and len(parts) == 1 and isinstance(part := parts[0], bytes):
            return segment(self._automaton, part).tolist(self._ints)
        if sampling is None and self._marks is not None and (joined := self._marks.join(parts)):
            array = segment(self._automaton, joined[0])
            return self._marks.replace(array, self._ints, joined[1])
        spans = spans_of(parts)
        if sampling is None:
            array, ends = segment_spans(self._automaton, spans)
        else:
            array, ends = sample_spans(self._byte_automaton, spans, [0] * len(spans), *sampling)
        ids = array.tolist(self._ints)
        bounds = pairwise([0, *ends.tolist()])
        result: list[int] = []
        for part in parts:
            if isinstance(part, int):
                result.append(part)
            else:
                begin, end = next(bounds)
                result += ids[begin:end]
        return result

    def _iterate(self, parts: list[Part], add_bos: bool, add_eos: bool) -> Iterator[int]:
        if add_bos:
            yield self._special_tokens["<bos>"]
        stream = SegmentStream(self._byte_automaton)
        for part in parts:
            if isinstance(part, int):
                yield part
            else:
                for begin in range(0, len(part), _STREAM_BYTES):
                    yield from stream.feed(part[begin : begin + _STREAM_BYTES]).tolist(self._ints)
                yield from stream.flush().tolist(self._ints)
        if add_eos:
            yield self._special_tokens["<eos>"]

    def encode_to_numpy(
        self,
        text: str | bytes,
        threads: int | None = 1,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> NDArray[np.uint32]:
        """Encode a text as `encode` does; the ids as a uint32 array.

        Args:
            text: ``str``, or ``bytes`` of any content.
            threads: how many segment it; None for one on each processor. A text is divided after newlines only.
            alpha: draw a segmentation, with this temperature; see the class.
            seed: of what is drawn.
            allowed_special: as `encode` has it.
            disallowed_special: as `encode` has it.
            errors: as `encode` has it.

        Raises what `encode` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.encode_to_numpy("hello").tolist()
        [259, 260]
        """
        return self.encode_batch_to_numpy(
            [text],
            threads,
            alpha,
            seed,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
            errors=errors,
        )[0]

    def encode_batch(
        self,
        texts: Iterable[str | bytes],
        threads: int | None = None,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "replace",
    ) -> list[list[int]]:
        """Encode many texts; a list of lists of ids, as `encode` gives them.

        Args:
            texts: the texts.
            threads: how many segment them, the results do not depend on it; None for one on each processor.
            alpha: draw segmentations, with this temperature; see the class.
            seed: of what is drawn, one for the batch: each text has a stream of its own, made of it and its number.
                The first text gets what `encode` gives it with that seed.
            allowed_special: as `encode` has it.
            disallowed_special: as `encode` has it.
            errors: as `encode` has it, but for the default: a batch of any ``str`` and ``bytes`` can be encoded.

        Raises what `encode` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.encode_batch(["hello", "he"])
        [[259, 260], [259]]
        """
        ids, offsets = self.encode_batch_to_numpy(
            texts,
            threads,
            alpha,
            seed,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
            errors=errors,
        )
        return [ids[begin:end].tolist() for begin, end in pairwise(offsets.tolist())]

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str | bytes],
        threads: int | None = None,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "replace",
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Encode many texts into one pair of arrays; arguments and errors as for `encode_batch`.

        Returns all ids (uint32), and offsets (int64), one more than texts: those of text k are
        ``ids[offsets[k]:offsets[k + 1]]``.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> ids, offsets = tokenizer.encode_batch_to_numpy(["hello", "he"])
        >>> ids.tolist(), offsets.tolist()
        ([259, 260, 259], [0, 2, 3])
        """
        if allowed_special or disallowed_special:
            batch = [self._parts(text, allowed_special, disallowed_special, errors) for text in texts]
            sampling = self._sampling(alpha, seed, sum(map(size_of, batch)))
            if sampling is None and self._marks is not None and (joined := self._marks.join_all(batch)):
                ids, offsets = segment_all(self._automaton, joined[0], threads)
                return self._marks.replace_all(ids, offsets, joined[1])
            return segment_parts(self._automaton_for(sampling), batch, threads, sampling)
        if alpha is None and self._automaton.by_characters:
            check_errors(errors)
            texts = [*texts]
            documents = [
                normalize(text, self._normalization)
                if isinstance(text, str)
                else to_bytes(text, self._normalization, errors)
                for text in texts
            ]
            try:
                return segment_all(self._automaton, documents, threads)
            except UnicodeError:
                pass  # a lone surrogate: what becomes of it is said there
        encoded = [to_bytes(text, self._normalization, errors) for text in texts]
        sampling = self._sampling(alpha, seed, sum(map(len, encoded)))
        return segment_all(self._automaton_for(sampling), encoded, threads, sampling)

    def count(
        self,
        text: str | bytes,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> int:
        """The number of ids that `encode` gives, without making them; arguments and errors as for `encode`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.count("hello")
        2
        """
        if not allowed_special and not disallowed_special:
            return self._run(count_ids, text, errors)
        parts = self._parts(text, allowed_special, disallowed_special, errors)
        return sum(1 if isinstance(part, int) else count_ids(self._automaton, part) for part in parts)

    def nbest(self, text: str | bytes, n: int) -> list[tuple[list[int], float]]:
        """The ``n`` best segmentations of a text, all different, best first; fewer if it has fewer.

        Args:
            text: ``str``, or ``bytes`` of any content.
            n: at least 1.

        Returns for each its ids and its score: the sum of the log-probabilities of its pieces, in nats. The first ids
        are those of `encode`. Of equal scores, as float64 gives them from left to right, the longer last piece comes
        first, then what is better before it; and of a text of several parts, that with the better last part.

        Needs 16 n bytes of memory for each byte of the longest part up to a newline, and ids for n segmentations.

        Raises what `tokenize` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"he": 20, b"llo": 30, b"lo": 50}
        >>> tokenizer = Tokenizer(Model.from_counts(counts))
        >>> [(tokenizer.decode_batch([[id] for id in ids]), round(score, 2)) for ids, score in tokenizer.nbest("lo", 9)]
        [(['lo'], -1.96), (['l', 'o'], -11.75)]
        """
        check_int("n", n, 1, 2**31 - 1)
        array, ends, scores = best_of(self._byte_automaton, to_bytes(text, self._normalization), n)
        ids = np.asarray(memoryview(array))
        bounds = pairwise([0, *ends.tolist()])
        return [(ids[begin:end].tolist(), score) for (begin, end), score in zip(bounds, scores.tolist(), strict=True)]

    def score(self, ids: Iterable[int]) -> float:
        """The sum of the log-probabilities of some pieces, in nats. Special tokens have none, and count as 0.

        Raises `UnknownIdError`, a ``ValueError``, naming the first id that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.score([259, 260]), 2)
        -5.05
        """
        by_id = self._score_by_id
        return math.fsum(by_id[self._checked(id)] for id in ids)

    def log_partition(self, text: str | bytes, alpha: float = 1.0) -> float:
        """The logarithm of the sum, over all segmentations of a text, of exp(alpha times the score).

        With 1 it is the log-probability of the text in the model, with 0 the logarithm of the number of segmentations.

        Args:
            text: ``str``, or ``bytes`` of any content.
            alpha: from 0 to 1,000,000.

        Raises what `tokenize` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.log_partition("hello", alpha=0), 4)  # of 4: he or h and e, llo or l and l and o
        1.3863
        """
        return self._measures(text, alpha)[0]

    def entropy(self, text: str | bytes, alpha: float = 1.0) -> float:
        """The entropy, in nats, of a segmentation drawn with ``alpha``; arguments and errors as for `log_partition`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.entropy("hello", alpha=0), 4)  # log 4: four that are equally probable
        1.3863
        """
        return self._measures(text, alpha)[1]

    def _measures(self, text: str | bytes, alpha: float) -> tuple[float, float]:
        checked = check_alpha(alpha)
        if checked is None:
            raise SettingsError(f"alpha must be 0 to {MAX_ALPHA:.0f}, not {alpha!r}")
        return measure_all(self._byte_automaton, to_bytes(text, self._normalization), checked)

    def decode(self, ids: Iterable[int], errors: str = "replace", skip_special_tokens: bool = True) -> str:
        """The text of some ids.

        Args:
            ids: ints from 0 to ``vocab_size - 1``.
            errors: what becomes of bytes that form no character, as for ``bytes.decode``: ``"replace"`` puts U+FFFD in
                their place, ``"ignore"`` drops them, ``"strict"`` raises ``UnicodeDecodeError``.
            skip_special_tokens: whether special tokens have no text, else they have their names.

        Raises `UnknownIdError`, a ``ValueError``, naming the first id that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode([1, 259, 260])
        'hello'
        >>> tokenizer.decode([1, 259, 260], skip_special_tokens=False)
        '<bos>hello'
        """
        return self.decode_bytes(ids, skip_special_tokens).decode("utf-8", errors)

    def decode_bytes(self, ids: Iterable[int], skip_special_tokens: bool = True) -> bytes:
        r"""The bytes of some ids: what was encoded, whatever it was; arguments and errors as for `decode`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode_bytes(tokenizer.encode(b"he\xff"))
        b'he\xff'
        """
        by_id = self._bytes_by_id if skip_special_tokens else self._shown_by_id
        if not isinstance(ids, list):
            ids = list(ids)
        try:
            if ids and min(ids) < 0:
                raise IndexError
            return b"".join(map(by_id.__getitem__, ids))
        except (IndexError, TypeError, ValueError):
            return b"".join([by_id[self._checked(id)] for id in ids])

    def decode_batch(
        self, batch: Iterable[Iterable[int]], errors: str = "replace", skip_special_tokens: bool = True
    ) -> list[str]:
        """`decode` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode_batch([[259, 260], [259]])
        ['hello', 'he']
        """
        return [self.decode(ids, errors, skip_special_tokens) for ids in batch]

    def decode_with_offsets(
        self, ids: Iterable[int], skip_special_tokens: bool = True
    ) -> tuple[str, NDArray[np.int64]]:
        """The text of some ids, as `decode` gives it, and where in the text each of them is.

        Returns the text, and an int64 array of shape (n, 2): begin and end of each id, in characters. One that has a
        part of a character has the whole, U+FFFD included; so those of two ids can overlap. A special token that is
        skipped begins and ends behind all characters that were begun before it.

        Raises what `decode` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({bytes([byte]): 1 for byte in range(256)}))
        >>> text, offsets = tokenizer.decode_with_offsets(tokenizer.encode("né"))
        >>> text, offsets.tolist()
        ('né', [[0, 1], [1, 2], [1, 2]])
        """
        ids = list(ids)
        data = self.decode_bytes(ids, skip_special_tokens)
        lengths = self._lengths if skip_special_tokens else self._shown_lengths
        array = np.fromiter(map(index, ids), np.uint32, len(ids))
        return data.decode("utf-8", "replace"), locate(array, lengths, data, data)[1]

    def _checked(self, id: object) -> int:
        try:
            number = index(id)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if not 0 <= number < self.vocab_size:
            raise UnknownIdError(f"{id!r} is not an id: ids are ints from 0 to {self.vocab_size - 1}")
        return number

    @cached_property
    def _byte_automaton(self) -> Automaton:
        """What samples and streams: these go byte by byte."""
        if not self._automaton.by_characters:
            return self._automaton
        return Automaton(self._model.packed, self._automaton.scores, False, self._first_id)

    def _automaton_for(self, sampling: Sampling | None) -> Automaton:
        return self._automaton if sampling is None else self._byte_automaton

    def _sampling(self, alpha: float | None, seed: Seed, n_bytes: int) -> Sampling | None:
        """How to draw segmentations of ``n_bytes``; None if the best one is to be found instead."""
        checked = check_alpha(alpha)
        return None if checked is None else self._sampler.sampling(checked, seed, n_bytes)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self._byte_automaton)

    @cached_property
    def _score_by_id(self) -> list[float]:
        scores = [0.0] * self.vocab_size
        scores[self._first_id : self._first_id + self._automaton.n_pieces] = self._automaton.scores.tolist()
        return scores

    @cached_property
    def _by_id(self) -> list[bytes | str]:
        added = [name for name in self._special_tokens if name not in RESERVED_TOKENS]
        return [*RESERVED_TOKENS, *self._model.pieces, *added]

    @cached_property
    def _bytes_by_id(self) -> list[bytes]:
        """Where special tokens have none."""
        return [b"" if isinstance(piece, str) else piece for piece in self._by_id]

    @cached_property
    def _shown_by_id(self) -> list[bytes]:
        """Where special tokens have those of their names."""
        return [piece.encode() if isinstance(piece, str) else piece for piece in self._by_id]

    @cached_property
    def _lengths(self) -> NDArray[np.int32]:
        return np.fromiter(map(len, self._bytes_by_id), np.int32, self.vocab_size)

    @cached_property
    def _shown_lengths(self) -> NDArray[np.int32]:
        return np.fromiter(map(len, self._shown_by_id), np.int32, self.vocab_size)

    @cached_property
    def _marks(self) -> Marks | None:
        """What separates parts that are segmented as one; None if a longer piece could go across."""
        if np.count_nonzero(self._model.packed.data == 0xFF) > 1:
            return None
        return Marks(self.piece_to_id(b"\xff"), lambda n: self.encode(b"\n" * n))

    @cached_property
    def _specials(self) -> SpecialTokens:
        return SpecialTokens(self._special_tokens)

    @cached_property
    def _by_piece(self) -> dict[bytes | str, int]:
        return {piece: id for id, piece in enumerate(self._by_id)}

    def piece_to_id(self, piece: bytes | str) -> int:
        """The id of a piece (``bytes``) or of a special token (``str``).

        Raises `UnknownPieceError`, a ``KeyError``, for one that is not in the vocabulary.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.piece_to_id(b"he"), tokenizer.piece_to_id("<bos>")
        (259, 1)
        """
        try:
            return self._by_piece[piece]
        except (KeyError, TypeError):
            raise UnknownPieceError(
                f"{piece!r} is not in the vocabulary: pieces are bytes, special tokens str"
            ) from None

    def id_to_piece(self, id: int) -> bytes | str:
        """The piece (``bytes``) or special token (``str``) of an id.

        Raises `UnknownIdError`, a ``ValueError``, for one that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.id_to_piece(259), tokenizer.id_to_piece(1)
        (b'he', '<bos>')
        """
        return self._by_id[self._checked(id)]

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """`piece_to_id` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.pieces_to_ids(["<bos>", b"he", b"llo"])
        [1, 259, 260]
        """
        return [self.piece_to_id(piece) for piece in pieces]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """`id_to_piece` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.ids_to_pieces([1, 259, 260])
        ['<bos>', b'he', b'llo']
        """
        return [self.id_to_piece(id) for id in ids]

    def __copy__(self) -> Tokenizer:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tokenizer:
        return self

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Model]]:
        return type(self), (self._model,)

    def __repr__(self) -> str:
        return f"<Tokenizer of {self.vocab_size} ids>"
