"""Text and ids that come bit by bit: encoding of text in chunks, and decoding of the ids of a generating model."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from bytepiece.core.automaton import Automaton
from bytepiece.core.stream import SegmentStream
from bytepiece.errors import TextError
from bytepiece.text.nfc_stream import NfcStream
from bytepiece.text.preparation import to_bytes
from bytepiece.text.surrogates import surrogate_error
from bytepiece.text.utf8 import encode_escaped

__all__ = ["StreamDecoder", "bytes_of_chunks", "chunks_of", "segment_stream"]

_CHUNK_BYTES = 2**16  # of a text that is there as a whole


def segment_stream(
    automaton: Automaton, parts: Iterable[int | Iterable[bytes]], ints: list[int | None]
) -> Iterator[int]:
    """The ids of texts that come in chunks, each text by itself, and of the special tokens between them.

    Args:
        automaton: an automaton that goes by bytes.
        parts: the chunks of each text, and the ids of special tokens.
        ints: the ints of ids, see `IdArray.tolist`.
    """
    stream = SegmentStream(automaton)
    for part in parts:
        if isinstance(part, int):
            yield part
            continue
        for chunk in part:
            yield from stream.feed(chunk).tolist(ints)
        yield from stream.flush().tolist(ints)


def chunks_of(parts: Iterable[bytes | int]) -> Iterator[int | Iterable[bytes]]:
    """Parts as `segment_stream` takes them."""
    for part in parts:
        if isinstance(part, int):
            yield part
        else:
            yield (part[begin : begin + _CHUNK_BYTES] for begin in range(0, len(part), _CHUNK_BYTES))


class _Tokenizer(Protocol):
    def decode_bytes(self, ids: Iterable[int], skip_special_tokens: bool = True) -> bytes: ...


class StreamDecoder:
    """Decodes ids one by one, and shows only whole characters.

    The texts that `feed` and finally `flush` return, joined, are what `Tokenizer.decode` returns for all the ids. The
    time of an id does not depend on how many came before.

    Args:
        tokenizer: a `Tokenizer`.
        errors: what happens to invalid UTF-8, as for ``bytes.decode``: ``"replace"``, ``"ignore"``, or ``"strict"``,
            with which `feed` and `flush` raise ``UnicodeDecodeError``.
        skip_special_tokens: leave special tokens out; otherwise their names are part of the text.

    Thread safety: a decoder is for one thread at a time; many decoders can share a tokenizer.

    >>> from bytepiece import Model, StreamDecoder, Tokenizer
    >>> tokenizer = Tokenizer(Model.from_counts({bytes([byte]): 1 for byte in range(256)}))
    >>> decoder = StreamDecoder(tokenizer)
    >>> [decoder.feed(id) for id in tokenizer.encode("né!")], decoder.flush()
    (['n', '', 'é', '!'], '')
    """

    def __init__(self, tokenizer: _Tokenizer, errors: str = "replace", skip_special_tokens: bool = True) -> None:
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors)

    def feed(self, id: int) -> str:
        """Take an id; returns the characters that are complete now, which may be none.

        Raises `UnknownIdError`, a ``ValueError``, for anything that is not an id, and then changes nothing.

        >>> from bytepiece import Model, StreamDecoder, Tokenizer
        >>> decoder = StreamDecoder(Tokenizer(Model.from_counts({"é": 5})))
        >>> decoder.feed(259), decoder.feed(3 + 0xC3), decoder.feed(3 + 0xA9)
        ('é', '', 'é')
        """
        return self._decode(self._tokenizer.decode_bytes([id], self._skip_special_tokens))

    def flush(self) -> str:
        r"""End the text; returns what ``errors`` makes of a last, incomplete character. Then the decoder is as new.

        >>> from bytepiece import Model, StreamDecoder, Tokenizer
        >>> decoder = StreamDecoder(Tokenizer(Model.from_counts({"é": 5})))
        >>> decoder.feed(3 + 0xC3), decoder.flush() == "\ufffd"
        ('', True)
        """
        rest = self._decode(b"", True)
        self._decoder.reset()
        return rest

    def _decode(self, data: bytes, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError:
            self._decoder.reset()  # it would keep what is wrong, and raise again for all that follows
            raise


def _n_characters(data: bytes) -> int:
    """How many characters begin in bytes of UTF-8."""
    # As signed numbers, the bytes within a character are those from -128 to -65.
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.int8) >= -64))


def bytes_of_chunks(
    chunks: Iterable[str | bytes], normalization: str | None = None, errors: str = "strict"
) -> Iterator[bytes]:
    r"""The bytes that are segmented of a text that comes in chunks; joined, they are those of the whole text.

    Raises, at the chunk at fault, what `bytepiece.text.preparation.to_bytes` raises.

    >>> list(bytes_of_chunks([b"1 caf\xc3", b"\xa9!"], "nfc"))  # a dot that is composed with the f could still come
    [b'1 ca', b'f\xc3\xa9!', b'']
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    normalizer = NfcStream()
    n_characters = 0
    for chunk in chunks:
        try:
            data = to_bytes(chunk, None, errors)
        except TextError:
            if isinstance(chunk, str):
                raise surrogate_error(chunk, n_characters) from None
            raise
        n_characters += len(chunk) if isinstance(chunk, str) else _n_characters(chunk)
        if normalization is not None:
            data = encode_escaped(normalizer.feed(decoder.decode(data)))
        yield data
    yield encode_escaped(normalizer.feed(decoder.decode(b"", True)) + normalizer.flush())
