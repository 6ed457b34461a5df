"""Targets of single kernels, each beside a plain definition: tens of thousands of inputs in a second."""

import re
import unicodedata
from collections import Counter
from contextlib import suppress
from functools import lru_cache

import numpy as np

from bytepiece import Model, StreamDecoder, Tokenizer, reference
from bytepiece.core.automaton import Automaton
from bytepiece.core.decimal import read_lines, write_lines
from bytepiece.core.documents import are_utf8, json_texts, line_ends
from bytepiece.core.names import NameFinder
from bytepiece.core.packed import PackedBytes
from bytepiece.core.packing import find_descent, find_repeat, join_strings
from bytepiece.core.segment import segment, segment_packed
from bytepiece.core.words import cut_words
from bytepiece.corpus.fields import parse_json_line
from bytepiece.model.rows import read_entries, read_rows
from bytepiece.text.character_classes import class_table
from bytepiece.text.nfc_alignment import align
from bytepiece.text.nfc_stream import NfcStream
from bytepiece.text.normal_form import is_nfc, nfc
from bytepiece.text.utf8 import is_utf8
from bytepiece.training.counting.kernels.ngrams import merge_runs, ngram_keys, run_lengths
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.counting.kernels.segments import cut_segments
from helpers.counts import key_of, packed
from helpers.vocabularies import BYTE_COUNTS, BYTES

CHARACTERS = "ab \n\r\t'’.,(1a\u0301\u0323\u0307\u0345\u0344\u031b\u0f71\u0f72éệạåÅ\u212bñ\u0958\u09c7\u09be\u09d7"
CHARACTERS += "\u1100\u1112\u1161\u1175\u11a8\u11c2가한각\u0b47\u0b3e\u3000你好世\u2028٣७🙂\U0001d15e\U0001d165\u0085_«"
"""What texts of `characters` consist of: what NFC composes, sorts and divides, and what bounds words."""

NO_ZEROS, ZEROS = np.zeros(0, dtype=np.int64), np.array([0x30, 0x660, 0x966], dtype=np.int64)
DECODER = Tokenizer(Model.from_counts(BYTE_COUNTS | {b"\xe4\xbd": 3, b"\xa0\xe4": 2, "é".encode(): 2}, None, ["<é>"]))

AUTOMATA = [
    Automaton(PackedBytes.from_list([*BYTES, *pieces]), -1.0 - np.arange(256 + len(pieces)) % 7, by_characters)
    for pieces, by_characters in (
        ([b"ab", b"abc", b"bc", b"\n\n", b"bcabc"], False),
        ([b"a\n", b"\nb", b"a\n\nb", b"ab\ncd", b"cd", b"d\n"], False),
        ([b"\xe4\xbd", b"\xa0a", b"a" * 30, b"aaa"], False),
        (["你".encode(), "你é".encode(), "a\n你".encode(), b"aa"], True),
    )
]
"""For `packed_texts`: pieces with newlines at their end and inside, parts of characters, and whole ones."""


def rows(data: bytes) -> None:
    """The rows of model files, and the entries of BytePiece's JSON."""
    read_rows(data)
    with suppress(UnicodeDecodeError):
        data.decode()
        read_entries(data, 3)


def characters(data: bytes) -> str:
    return "".join([CHARACTERS[byte % len(CHARACTERS)] for byte in data])


def normal_form(data: bytes) -> None:
    """NFC at a glance, in chunks, and aligned, as ``unicodedata`` has it."""
    text = characters(data) if data[:1] < b"\x80" else data.decode(errors="replace")
    cut = data[-1] if data else 0
    expected = unicodedata.normalize("NFC", text)
    assert nfc(text) == expected
    assert is_nfc(expected) or unicodedata.normalize("NFC", expected) == expected
    stream = NfcStream()
    assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == expected
    alignment = align(text)
    assert len(alignment.begins) == len(alignment.ends) == len(expected.encode())
    assert not len(expected) or (alignment.begins < alignment.ends).all()


def words(data: bytes) -> None:
    """A text in words, as the reference cuts it; and whatever the bytes, words or an error."""
    ends = np.array([len(data)] if data else [], dtype=np.int64)
    with suppress(ValueError):
        found = cut_words(data, 0, ends, class_table())
        assert found[-1:].tolist() == ends.tolist()
    text = characters(data)
    encoded = text.encode()
    ends = cut_words(encoded, 0, np.array([len(encoded)] if data else [], dtype=np.int64), class_table()).tolist()
    assert [encoded[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)] == reference.words(text)


def segments(data: bytes) -> None:
    """A text in segments of a few characters, as a regular expression cuts it."""
    most, newlines, isolate = (data[0] % 9 + 1, data[0] // 9 % 4 + 1, data[0] > 127) if data else (1, 1, False)
    text = characters(data[1:])
    digit, other = (r"\d|", r"[^\n\d]") if isolate else ("", r"[^\n]")
    expected = re.findall(rf"{digit}{other}{{,{most}}}\n{{1,{newlines}}}|{other}{{1,{most}}}", text)
    encoded = text.encode()
    zeros = ZEROS if isolate else NO_ZEROS
    ends = cut_segments(encoded, np.array([len(encoded)], dtype=np.int64), most, newlines, zeros).tolist()
    assert [encoded[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)] == expected


def decimal(data: bytes) -> None:
    """Lines of numbers, read as Python reads them; and ids written."""
    lines = [line.split() for line in data.removesuffix(b"\n").split(b"\n")] if data else []
    found = read_lines(data)
    if all(word.isdigit() and int(word) < 2**32 for line in lines for word in line):
        ids, ends = found
        assert ids.tolist() == [int(word) for line in lines for word in line]
        assert np.diff(ends, prepend=0).tolist() == [*map(len, lines)]
    else:
        assert found is None
    ids = np.frombuffer(data[: len(data) // 4 * 4], dtype=np.uint32)
    cut = len(ids) // 3
    expected = "".join([" ".join(map(str, part)) + "\n" for part in (ids[:cut].tolist(), ids[cut:].tolist())])
    assert write_lines(ids, np.array([cut, len(ids)], dtype=np.int64)) == expected.encode()


@lru_cache(64)
def finder(names: tuple[bytes, ...]) -> NameFinder:
    return NameFinder([*names])


def names(data: bytes) -> None:
    """Names, two bytes that end them, and a text: the leftmost are found, of several there the longest."""
    before, _, text = data.partition(b"||")
    wanted = tuple(sorted({name for name in before.split(b"|") if name}))
    expected, begin = [], 0
    while begin < len(text):
        here = [number for number, name in enumerate(wanted) if text.startswith(name, begin)]
        end = begin + max([len(wanted[number]) for number in here], default=1)
        expected += [(begin, end, number) for number in here if begin + len(wanted[number]) == end]
        begin = end
    assert finder(wanted).find(text) == expected


def strings(data: bytes) -> None:
    """Packed strings, selected, joined, compared and merged."""
    listed = data.split(b"|")
    every = PackedBytes.from_list(listed)
    numbers = np.array([byte % len(listed) for byte in data[:40]], dtype=np.int64)
    assert every.select(numbers).to_list() == [listed[number] for number in numbers.tolist()]
    assert join_strings(every, numbers.astype(np.uint32)) == b"".join([listed[k] for k in numbers.tolist()])
    falling = [k for k in range(1, len(listed)) if listed[k - 1] >= listed[k]]
    assert find_descent(every) == (falling[0] if falling else None)
    again = [k for k in range(len(listed)) if listed[k] in listed[:k]]
    assert find_repeat(every) == ((again[0], listed.index(listed[again[0]])) if again else None)
    left, right = Counter(listed[::2]), Counter(listed[1::2])
    merged = packed(dict(sorted(left.items()))).add(packed(dict(sorted(right.items()))))
    assert dict(zip(merged.to_list(), merged.counts.tolist(), strict=True)) == left + right
    table = PieceTable()
    for counted in (left, right, left):
        table.add_pieces(packed(dict(counted)))
    taken = table.take()
    assert [*zip(taken.to_list(), taken.counts.tolist(), strict=True)] == sorted((left + right + left).items())


def packed_texts(data: bytes) -> None:
    """Strings that are segmented together, as one by one."""
    automaton = AUTOMATA[data[0] % len(AUTOMATA) if data else 0]
    listed = data[1:].split(b"|") * (1 + len(data) % 3)
    every = PackedBytes.from_list(listed)
    ids, ends = segment_packed(automaton, every.data, every.offsets)
    found = [part.tolist() for part in np.split(ids.to_numpy(), ends[:-1])]
    assert found == [segment(automaton, text).to_numpy().tolist() for text in listed]


def ngrams(data: bytes) -> None:
    """N-grams counted in two halves that are merged; each byte begins the longest one that its segment has."""
    order, body = (data[0] % 7 + 1 if data else 1), data[1:]
    halves = body[: len(body) // 2], body[len(body) // 2 :]
    runs, expected = [], Counter()
    for half in halves:
        lengths = [len(segment) for segment in re.findall(rb"[^\n]*\n|[^\n]+", half)]
        ends = np.cumsum(lengths, dtype=np.int64)
        runs.append(run_lengths(np.sort(ngram_keys(half, 0, ends, order))))
        for begin, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
            expected.update(key_of(half[k : min(k + order, end)]) for k in range(begin, end))
    keys, counts = merge_runs(*runs[0], *runs[1])
    assert [*zip(keys.tolist(), counts.tolist(), strict=True)] == sorted(expected.items())


def documents(data: bytes) -> None:
    """Lines: where they end, which are UTF-8, and the texts of those in JSON; what is read is what `json` reads."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    ends = line_ends(data)
    assert ends.tolist() == np.cumsum([*map(len, lines)], dtype=np.int64).tolist()
    valid = are_utf8(PackedBytes.from_list(lines))
    packed, offsets, are_read = json_texts(bytearray(data), ends, np.arange(len(lines)), b"text", 2**40)
    texts = PackedBytes(packed, offsets).to_list()
    for line, is_valid, text, is_read in zip(lines, valid, texts, are_read, strict=True):
        assert is_valid == is_utf8(line)
        assert not is_read or parse_json_line(line, "text") == text.decode()


def ids(data: bytes) -> None:
    """Ids to text: at once, one by one, and with and without special tokens."""
    found = [byte if byte < 3 else 256 + byte % 7 if byte > 240 else byte + 15 for byte in data]
    for skip in (True, False):
        joined = DECODER.decode_bytes(found, skip)
        assert joined == DECODER.decode_bytes(np.array(found, dtype=np.uint32), skip)
        assert joined == b"".join([DECODER.decode_bytes([id], skip) for id in found])
        stream = StreamDecoder(DECODER, skip_special_tokens=skip)
        assert "".join([stream.feed(id) for id in found]) + stream.flush() == joined.decode(errors="replace")


TARGETS = {
    "rows": rows,
    "normal_form": normal_form,
    "words": words,
    "segments": segments,
    "decimal": decimal,
    "names": names,
    "strings": strings,
    "packed_texts": packed_texts,
    "ngrams": ngrams,
    "documents": documents,
    "ids": ids,
}
