"""Text in, ids out, and back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from bytepiece.encoding.batches import lists_of
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.offsets import Encoding
from bytepiece.encoding.sampling import Seed
from bytepiece.encoding.special import Names
from bytepiece.model.model import Model

__all__ = ["Tokenizer"]


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
        self._encoder = Encoder(self._model)
        self._vocabulary = self._encoder.vocabulary

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
        parts = self._encoder.parts(text, (), (), errors)
        if iter:
            return self._vocabulary.pieces_of(self._encoder.iterate(parts, False, False, alpha, seed))
        return [*self._vocabulary.pieces_of(self._encoder.encode(parts, False, False, alpha, seed))]

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
        parts = self._encoder.parts(text, allowed_special, disallowed_special, errors)
        read = self._encoder.iterate if iter else self._encoder.encode
        return read(parts, add_bos, add_eos, alpha, seed)

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
        parts = self._encoder.parts_of_segments(segments, disallowed_special, errors)
        return self._encoder.encode(parts, add_bos, add_eos, alpha, seed)

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
        return self._encoder.encode_stream(chunks, errors)

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
        return self._encoder.encode_with_offsets(text, allowed_special, disallowed_special, errors)

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
        parts = self._encoder.parts(text, allowed_special, disallowed_special, errors)
        return self._encoder.encode_batch([parts], threads, alpha, seed)[0]

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
        batch = [self._encoder.parts(text, allowed_special, disallowed_special, errors) for text in texts]
        return lists_of(*self._encoder.encode_batch(batch, threads, alpha, seed))

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
        batch = [self._encoder.parts(text, allowed_special, disallowed_special, errors) for text in texts]
        return self._encoder.encode_batch(batch, threads, alpha, seed)

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
        return self._encoder.count(self._encoder.parts(text, allowed_special, disallowed_special, errors))

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
        return self._encoder.nbest(text, n)

    def score(self, ids: Iterable[int]) -> float:
        """The sum of the log-probabilities of some pieces, in nats. Special tokens have none, and count as 0.

        Raises `UnknownIdError`, a ``ValueError``, naming the first id that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.score([259, 260]), 2)
        -5.05
        """
        return self._vocabulary.score(ids)

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
        return self._encoder.measure(text, alpha)[0]

    def entropy(self, text: str | bytes, alpha: float = 1.0) -> float:
        """The entropy, in nats, of a segmentation drawn with ``alpha``; arguments and errors as for `log_partition`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.entropy("hello", alpha=0), 4)  # log 4: four that are equally probable
        1.3863
        """
        return self._encoder.measure(text, alpha)[1]

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
        return self._vocabulary.decode_bytes(ids, skip_special_tokens).decode("utf-8", errors)

    def decode_bytes(self, ids: Iterable[int], skip_special_tokens: bool = True) -> bytes:
        r"""The bytes of some ids: what was encoded, whatever it was; arguments and errors as for `decode`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode_bytes(tokenizer.encode(b"he\xff"))
        b'he\xff'
        """
        return self._vocabulary.decode_bytes(ids, skip_special_tokens)

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
        return self._vocabulary.decode_with_offsets(ids, skip_special_tokens)

    def piece_to_id(self, piece: bytes | str) -> int:
        """The id of a piece (``bytes``) or of a special token (``str``).

        Raises `UnknownPieceError`, a ``KeyError``, for one that is not in the vocabulary.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.piece_to_id(b"he"), tokenizer.piece_to_id("<bos>")
        (259, 1)
        """
        return self._vocabulary.id_of(piece)

    def id_to_piece(self, id: int) -> bytes | str:
        """The piece (``bytes``) or special token (``str``) of an id.

        Raises `UnknownIdError`, a ``ValueError``, for one that is none.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.id_to_piece(259), tokenizer.id_to_piece(1)
        (b'he', '<bos>')
        """
        return self._vocabulary.piece_of(id)

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """`piece_to_id` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.pieces_to_ids(["<bos>", b"he", b"llo"])
        [1, 259, 260]
        """
        return [*map(self._vocabulary.id_of, pieces)]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """`id_to_piece` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.ids_to_pieces([1, 259, 260])
        ['<bos>', b'he', b'llo']
        """
        return [*map(self._vocabulary.piece_of, ids)]

    def __copy__(self) -> Tokenizer:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tokenizer:
        return self

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Model]]:
        return type(self), (self._model,)

    def __repr__(self) -> str:
        return f"<Tokenizer of {self.vocab_size} ids>"
