"""Text to ids, and ids to text."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from bytepiece.encoding.columns import column_of, encode_column, list_array, texts_of
from bytepiece.encoding.decoder import Decoder
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.ends import add_to_arrays
from bytepiece.encoding.offsets import Encoding
from bytepiece.encoding.sampling import Seed
from bytepiece.encoding.special import Names
from bytepiece.errors import check_choice
from bytepiece.model.model import Model
from bytepiece.text.coloured import in_html
from bytepiece.text.surrogates import check_errors

__all__ = ["Tokenizer"]

_N_SHOWN = 60
"""How many pieces a notebook shows of a tokenizer."""


class Tokenizer(Decoder):
    """Encodes text with a model, and decodes ids.

    Args:
        model: a `Model`, or the path of a model file.

    Raises what `Model.load` raises.

    *Segmentation.* A text, ``str`` or ``bytes``, is cut into segments after every run of newlines. Each segment is cut
    into the pieces with the greatest sum of log-probabilities, by Viterbi. Of equal sums, the one with the longest last
    piece wins. The cost is linear in the length of the text.

    *Text.* Lone surrogates in ``str`` have no bytes: with ``errors="strict"`` they raise `TextError`, with
    ``errors="replace"`` each counts as U+FFFD. A model may normalize ``str``, and all that is UTF-8 in ``bytes``. If
    it does not, `decode_bytes` gives every byte back.

    *Sampling.* With an ``alpha`` of 0 to 1,000,000, a segmentation is drawn with a probability proportional to
    exp(alpha * sum of its log-probabilities), exactly. With 0 all are equally probable, with 1 the model decides, and
    the greater alpha, the more probable the best one. None, infinity and a negative alpha mean the best one. ``seed``
    is an int from 0 to 2**128 - 1, a ``numpy.random.Generator`` from which such an int is drawn, or None for chance. A
    draw depends on the model, alpha, the seed, the bytes of the text and its number in a batch, and on nothing else: it
    is the same on every platform and for any number of threads. So texts that are encoded one by one need different
    seeds. (Logarithms are the C library's. Where two libraries differ in the last bit of one, a draw differs with a
    probability of about 1e-15.)

    *Special tokens* are plain text unless a call names them in ``allowed_special``: a set of names, or ``"all"``. Then
    the leftmost is found first, and of several that begin there the longest. They are found in the text as it is
    given, in ``bytes`` by the UTF-8 of their names. The text between them is normalized and segmented part by part.
    Tokens in ``disallowed_special`` that are not allowed raise `DisallowedSpecialError`.

    Thread safety: any number of threads can share a tokenizer. It is immutable, apart from tables that are made when
    first needed. It holds no lock while it segments, so threads run side by side.

    >>> from bytepiece import Model, Tokenizer
    >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"he": 20, b"llo": 30}
    >>> tokenizer = Tokenizer(Model.from_counts(counts))
    >>> tokenizer.tokenize("hello")
    [b'he', b'llo']
    >>> tokenizer.decode(tokenizer.encode("hello"))
    'hello'
    """

    @classmethod
    def load(cls, path: str | os.PathLike[str], format: str | None = None) -> Tokenizer:
        """A tokenizer with a model of any format; arguments and errors are those of `Model.load`.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "my.model")
        ...     Model.from_counts({"clock": 7}).save(path)
        ...     Tokenizer.load(path).tokenize("a clock")
        [b'a', b' ', b'clock']
        """
        return cls(Model.load(path, format))

    def __init__(self, model: Model | str | os.PathLike[str]) -> None:
        self._model = model if isinstance(model, Model) else Model.load(model)
        self._encoder = Encoder(self._model)
        self._vocabulary = self._encoder.vocabulary

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
        """Segment a text, and return its pieces. Arguments and errors are those of `encode`.

        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).tokenize("hello")
        [b'he', b'llo']
        """
        ids = self.encode(text, alpha=alpha, seed=seed, errors=errors, iter=iter)  # type: ignore[call-overload]
        return self._vocabulary.pieces_of(ids) if iter else [*self._vocabulary.pieces_of(ids)]

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
            alpha: draw a segmentation; the exponent of its probabilities, see the class.
            seed: of the draw; see the class.
            allowed_special: the special tokens that are found in the text, names or ``"all"``.
            disallowed_special: the special tokens that must not be in the text, names or ``"all"``.
            errors: what happens to lone surrogates, ``"strict"`` or ``"replace"``; see the class.
            iter: return an iterator. It segments the text as it goes, so it needs little memory for ids. But a draw is
                made at once.

        Raises `TextError` for anything but ``str`` and ``bytes``, and for a lone surrogate, naming its position;
        `DisallowedSpecialError` for a disallowed special token, naming its position; `SettingsError` for an invalid
        argument, or a name that is not a special token.

        >>> model = Model.from_counts({"he": 20, "llo": 30}).with_special_tokens(["<sep>"])
        >>> Tokenizer(model).encode("he<sep>llo", add_bos=True, allowed_special={"<sep>"})
        [1, 259, 261, 260]
        """
        parts = self._encoder.parts(text, allowed_special, disallowed_special, errors)
        if iter:
            return self._encoder.iterate(parts, add_bos, add_eos, alpha, seed)
        return self._encoder.encode(parts, add_bos, add_eos, alpha, seed)

    def encode_ordinary(self, text: str | bytes, add_bos: bool = False, add_eos: bool = False) -> list[int]:
        r"""Encode any text: nothing in it is special, and lone surrogates count as U+FFFD.

        The other arguments are those of `encode`. Raises `TextError` for anything but ``str`` and ``bytes``.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode(tokenizer.encode_ordinary("he\ud800llo")) == "he\ufffdllo"
        True
        """
        return self.encode(text, add_bos, add_eos, errors="replace")

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

        ``segments`` are texts, each with its ``allowed_special``. Each is normalized and segmented by itself, so no
        piece spans two of them. The other arguments are those of `encode`; ``disallowed_special`` applies to each text,
        without the tokens that are allowed in it.

        Raises what `encode` raises; positions are those in the text at fault.

        >>> model = Model.from_counts({bytes([byte]): 1 for byte in range(256)})
        >>> tokenizer = Tokenizer(model.with_special_tokens(["<user>", "<end>"]))
        >>> tokenizer.encode_segments([("<user>", "all"), ("<e", ()), ("<end>", {"<end>"})])
        [259, 63, 104, 260]
        """
        parts = self._encoder.parts_of_segments(segments, disallowed_special, errors)
        return self._encoder.encode(parts, add_bos, add_eos, alpha, seed)

    def encode_stream(
        self, chunks: Iterable[str | bytes], errors: str = "strict", *, add_bos: bool = False, add_eos: bool = False
    ) -> Iterator[int]:
        """Encode a text that comes in chunks; an iterator of the ids that `encode` gives for the whole text.

        An id comes out as soon as every path that can still win contains it. Only what is undecided is kept, mostly a
        few bytes; a model that normalizes also keeps the last character as long as it could be composed with the next.
        Special tokens are plain text.

        Args:
            chunks: ``str`` and ``bytes`` of any size, taken one by one as ids are asked for. They may cut characters.
            errors: what happens to lone surrogates, ``"strict"`` or ``"replace"``; see the class.
            add_bos: begin with the id of ``<bos>``.
            add_eos: end with the id of ``<eos>``.

        Raises, during the iteration, what `encode` raises; positions are those in the whole text.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.ids_to_pieces(tokenizer.encode_stream(["h", "ell", "o"]))
        [b'he', b'llo']
        """
        return self._encoder.encode_stream(chunks, errors, add_bos, add_eos)

    def encode_with_offsets(
        self,
        text: str | bytes,
        add_bos: bool = False,
        add_eos: bool = False,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> Encoding:
        """Encode a text, and return for each id where in the text it comes from. Arguments are those of `encode`.

        Returns an `Encoding`: ids, and two int64 arrays of shape (n, 2) with begin and end of each, in bytes of the
        UTF-8 and in characters. A piece that has a part of a character has the whole character in characters. Where
        normalization changed characters, each byte of the result comes from all characters that were composed, and a
        piece from the smallest span that covers those of its bytes; so spans can overlap. In ``bytes``, invalid UTF-8
        counts as the characters that ``bytes.decode(errors="replace")`` makes of it. A lone surrogate that is replaced
        has the three bytes of U+FFFD. ``<bos>`` begins and ends at 0, ``<eos>`` at the end of the text.

        Raises what `encode` raises.

        >>> encoding = Tokenizer(Model.from_counts({"né": 20})).encode_with_offsets("né!")
        >>> encoding.byte_offsets.tolist(), encoding.char_offsets.tolist()
        ([[0, 3], [3, 4]], [[0, 2], [2, 3]])
        """
        return self._encoder.encode_with_offsets(text, allowed_special, disallowed_special, errors, add_bos, add_eos)

    def encode_to_numpy(
        self,
        text: str | bytes,
        workers: int | None = None,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        add_bos: bool = False,
        add_eos: bool = False,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> NDArray[np.uint32]:
        """Encode a text into a uint32 array.

        ``workers`` is the number of threads, None for one on each processor; the text is divided after newlines only.
        The other arguments, and errors, are those of `encode`.

        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).encode_to_numpy("hello").tolist()
        [259, 260]
        """
        if alpha is None and not (allowed_special or disallowed_special or add_bos or add_eos):
            return self._encoder.encode_to_numpy(text, workers, errors)
        parts = self._encoder.parts(text, allowed_special, disallowed_special, errors)
        return add_to_arrays(*self._encoder.encode_batch([parts], workers, alpha, seed), add_bos, add_eos)[0]

    def encode_batch(
        self,
        texts: Iterable[str | bytes],
        workers: int | None = None,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        add_bos: bool = False,
        add_eos: bool = False,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> list[list[int]]:
        """Encode many texts; a list of ids for each.

        ``texts`` is any iterable. Columns are read without an object for each text: arrays and chunked arrays of
        pyarrow, series of polars, those of pandas whose strings are in Arrow, and columns of a ``datasets.Dataset``.

        ``workers`` is the number of threads, None for one on each processor; the result does not depend on it.
        ``seed`` is one for the batch. Each text has a stream of its own, made of the seed and the number of the text,
        and the first text gets what `encode` gives it with this seed. The other arguments, and errors, are those of
        `encode`; errors also say which text is at fault.

        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).encode_batch(["hello", "he"])
        [[259, 260], [259]]
        """
        arrays = self._encode(texts, workers, alpha, seed, allowed_special, disallowed_special, errors)
        return self._encoder.lists_of(*add_to_arrays(*arrays, add_bos, add_eos))

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str | bytes],
        workers: int | None = None,
        alpha: float | None = None,
        seed: Seed = None,
        *,
        add_bos: bool = False,
        add_eos: bool = False,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Encode many texts into one pair of arrays. Arguments and errors are those of `encode_batch`.

        Returns all ids (uint32), and offsets (int64), one more than there are texts: the ids of text k are
        ``ids[offsets[k]:offsets[k + 1]]``.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> ids, offsets = tokenizer.encode_batch_to_numpy(["hello", "he"])
        >>> ids.tolist(), offsets.tolist()
        ([259, 260, 259], [0, 2, 3])
        """
        arrays = self._encode(texts, workers, alpha, seed, allowed_special, disallowed_special, errors)
        return add_to_arrays(*arrays, add_bos, add_eos)

    def encode_to_arrow(
        self,
        texts: Iterable[str | bytes],
        workers: int | None = None,
        *,
        dtype: Literal["uint16", "uint32"] = "uint32",
        add_bos: bool = False,
        add_eos: bool = False,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> Any:
        """Encode many texts into a list array of pyarrow: a list of ids for each text.

        ``dtype`` is the type of the ids. ``"uint32"`` needs no copy: the array has the memory in which they were
        found. ``"uint16"`` takes half of it, and is for at most 65,536 ids. The other arguments, and errors, are those
        of `encode_batch`.

        Returns a ``pyarrow.ListArray``, or a ``LargeListArray`` for 2**31 ids or more.

        Raises `OptionalDependencyError` without pyarrow, and `SettingsError` for a dtype that has no room for all ids.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.encode_to_arrow(["hello", "he"], dtype="uint16").to_pylist()
        [[259, 260], [259]]
        """
        check_choice("dtype", dtype, ["uint32", "uint16"] if self.vocab_size <= 2**16 else ["uint32"])
        arrays = self._encode(texts, workers, None, None, allowed_special, disallowed_special, errors)
        return list_array(*add_to_arrays(*arrays, add_bos, add_eos), dtype)

    def _encode(
        self,
        texts: Iterable[str | bytes],
        workers: int | None,
        alpha: float | None,
        seed: Seed,
        allowed: Names,
        disallowed: Names,
        errors: str,
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The ids of texts, or of a column of texts, and their offsets."""
        column = column_of(texts)
        if column is not None:
            check_errors(errors)
            if alpha is None and not disallowed:
                return encode_column(column, partial(self._encoder.encode_texts, allowed=allowed), workers)
            texts = texts_of(column)
        batch = self._encoder.parts_of_batch(texts, allowed, disallowed, errors)
        return self._encoder.encode_batch(batch, workers, alpha, seed)

    def count(
        self,
        text: str | bytes,
        add_bos: bool = False,
        add_eos: bool = False,
        *,
        allowed_special: Names = (),
        disallowed_special: Names = (),
        errors: str = "strict",
    ) -> int:
        """The number of ids that `encode` gives, without making them. Arguments and errors are those of `encode`.

        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).count("hello")
        2
        """
        parts = self._encoder.parts(text, allowed_special, disallowed_special, errors)
        return self._encoder.count(parts) + bool(add_bos) + bool(add_eos)

    def nbest(self, text: str | bytes, n: int) -> list[tuple[list[int], float]]:
        """The ``n`` best segmentations of a text, all different, best first; fewer if the text has fewer.

        Returns for each its ids and its score: the sum of the log-probabilities of its pieces, in nats, as float64 adds
        them up from left to right. The first ids are those of `encode`. Of equal scores, the longer last piece comes
        first, then the better path before it; of a text of several segments, the better last segment comes first.

        Needs 16 n bytes of memory for each byte of the longest segment, and the ids of n segmentations.

        Raises what `encode` raises.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30, "lo": 50}))
        >>> [(tokenizer.decode_batch([[id] for id in ids]), round(score, 2)) for ids, score in tokenizer.nbest("lo", 9)]
        [(['lo'], -1.96), (['l', 'o'], -11.75)]
        """
        return self._encoder.nbest(text, n)

    def log_partition(self, text: str | bytes, alpha: float = 1.0) -> float:
        """The logarithm of the sum of exp(alpha * score) over all segmentations of a text.

        With an ``alpha`` of 1 it is the log-probability of the text in the model; with 0, the logarithm of the number
        of segmentations. ``alpha`` is 0 to 1,000,000.

        Raises what `encode` raises.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.log_partition("hello", alpha=0), 4)  # log 4: he or h e, each with llo or l l o
        1.3863
        """
        return self._encoder.measure(text, alpha)[0]

    def entropy(self, text: str | bytes, alpha: float = 1.0) -> float:
        """The entropy, in nats, of a segmentation drawn with ``alpha``. Errors are those of `log_partition`.

        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.entropy("hello", alpha=0), 4)  # log 4: four segmentations, equally probable
        1.3863
        """
        return self._encoder.measure(text, alpha)[1]

    def __copy__(self) -> Tokenizer:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tokenizer:
        return self

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Model]]:
        return type(self), (self._model,)

    def __repr__(self) -> str:
        return f"Tokenizer({self._model!r})"

    def _repr_html_(self) -> str:
        """For notebooks: the most frequent pieces of two bytes or more, in colour."""
        pieces = self._model.packed
        longer = np.flatnonzero(pieces.lengths > 1)
        most = longer[np.argsort(~pieces.counts[longer], kind="stable")[:_N_SHOWN]]
        return f"<div>{html.escape(repr(self))}</div>{in_html(map(pieces.item, most))}"
