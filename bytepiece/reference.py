"""The whole algorithm in plain Python: the page to read first, and the oracle of the tests.

It is written for the eye, imports nothing of the package, and is slow: some 100 KB/s. The package computes the same;
only its refinement of vocabularies is not on this page.

Training makes vocabularies of texts, in the order of this page:

1. `segments`: texts are cut into segments, which are tokenized each by itself;
2. `ngram_model`: byte n-grams are counted, which makes a language model;
3. `discover`, `count_candidates`: the model cuts segments into candidate pieces, which are counted;
4. `prune`: candidates are dropped until a vocabulary has the size that is wanted.

`train` is all of that. Then come `Segmenter`, which finds the best segmentation, draws others and lists the n best; and
`uniforms`, the random numbers for drawing.

Sources: Jianlin Su's posts at kexue.fm, 9752 (BytePiece), 9768 and 9811 (sampling), 3956 (new words by a language
model); Kudo (2018), "Subword Regularization", for the unigram model.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import nlargest
from operator import itemgetter

import ahocorasick

__all__ = [
    "Segmenter",
    "count_candidates",
    "discover",
    "ngram_model",
    "prune",
    "segments",
    "train",
    "uniforms",
    "words",
]

INFINITY = math.inf


# 1. Texts to segments.

_SEGMENT = re.compile(r"[^\n]{,10000}\n{1,100}|[^\n]{1,10000}")
_SEGMENT_OR_DIGIT = re.compile(r"\d|[^\n\d]{,10000}\n{1,100}|[^\n\d]{1,10000}")


def segments(text: str, isolate_digits: bool = False, boundaries: str | None = None) -> list[bytes]:
    r"""Cut a text for training: after every run of newlines, and where a segment gets too long.

    With ``isolate_digits``, every decimal digit is a segment of its own. With the boundaries ``"words"``, every word
    is, see `words`.

    >>> segments("one\n\ntwo 3", isolate_digits=True)
    [b'one\n\n', b'two ', b'3']
    >>> segments("don't, 10 of\t\tx;\n", boundaries="words")
    [b'don', b"'t", b',', b' 1', b'0', b' of', b'\t\t', b'x', b';\n']
    """
    pattern = _SEGMENT_OR_DIGIT if isolate_digits else _SEGMENT
    found = pattern.findall(text)
    if boundaries == "words":
        found = [word for segment in found for word in words(segment)]
    return [segment.encode() for segment in found]


# Classes of characters: letter, number, space, newline, other white space, apostrophe, and all others.
_CLASSES = {"L": "l", "M": "l", "N": "n", "Z": "b"} | dict.fromkeys("\t\v\f\x85", "b")
_CLASSES |= {" ": "s", "\n": "w", "\r": "w", "'": "a", "’": "a"}
_WORD = re.compile(
    r"(?<=l)al+"  # an apostrophe joins the letters after it, if there are letters before it: don't
    r"|(?:(?<![swb])s)?"  # a single space leads
    r"(?:l+|n|[oa]+(?:w[swb]*)?)"  # letters, one digit, or other characters, which newlines may end
    r"|[swb]+"  # white space
)


def words(segment: str) -> list[str]:
    r"""Cut a segment into words.

    What a letter is says the Unicode of this Python. The package has a table, so that it is the same everywhere.

    >>> words("He didn't pay $12.50  (twice).\n")
    ['He', ' didn', "'t", ' pay', ' $', '1', '2', '.', '5', '0', '  ', '(', 'twice', ').\n']
    """
    classes = "".join(_CLASSES.get(c) or _CLASSES.get(unicodedata.category(c)[0], "o") for c in segment)
    return [segment[match.start() : match.end()] for match in _WORD.finditer(classes)]


# 2. Segments to a language model.


def ngram_model(corpus: Iterable[bytes], order: int, min_count: int) -> dict[bytes, float]:
    """The byte n-gram language model of a corpus of segments.

    For each n-gram of 1 to ``order`` bytes it has log p(last byte | the bytes before it). Longer n-grams than one byte
    that occur less than ``min_count`` times are left out; single bytes that never occur count as one.

    >>> model = ngram_model([b"abab"], order=2, min_count=2)
    >>> model[b"ab"], b"ba" in model
    (0.0, False)
    """
    counts: Counter[bytes] = Counter()
    for segment in corpus:
        for n in range(1, order + 1):
            counts.update(segment[i : i + n] for i in range(len(segment) - n + 1))
    for byte in range(256):
        counts[bytes([byte])] = counts[bytes([byte])] or 1
    total = sum(count for ngram, count in counts.items() if len(ngram) == 1)
    return {
        ngram: math.log(count) - math.log(counts[ngram[:-1]] if len(ngram) > 1 else total)
        for ngram, count in counts.items()
        if count >= min_count or len(ngram) == 1
    }


# 3. A language model to candidate pieces.


def discover(segment: bytes, logp: Mapping[bytes, float], order: int, ensure_unicode: bool = True) -> list[bytes]:
    """Cut a segment into the pieces that a language model finds most probable.

    The state of a byte is the number of bytes of its piece that stand before it, at most ``order - 1``::

        byte     c  l  o  c  k  t  o  w  e  r
        state    0  1  2  3  4  0  1  2  3  4

    A byte in state j has the probability that the model gives it after the j bytes before it. A piece may end after any
    byte, at no cost. So a cut pays where the bytes before it help little to predict the next one. The Viterbi algorithm
    finds the best states; every 0 starts a piece.

    With ``ensure_unicode``, no piece starts inside a character, except where a rare character is spelled in single
    bytes.

    >>> logp = ngram_model([b"clocktower", b"clock", b"tower", b"towerclock"], order=6, min_count=2)
    >>> discover(b"clocktower", logp, order=6)
    [b'clock', b'tower']
    """
    if order == 1:
        return [segment[i : i + 1] for i in range(len(segment))]
    last = order - 1
    inside, spelled = _constraints(segment, logp, order) if ensure_unicode else (set(), set())

    def emission(i: int, j: int) -> float:
        """log p of byte i in state j."""
        lowest, highest = (0, 0) if i in spelled else (1, i) if i in inside else (0, i)
        return logp.get(segment[i - j : i + 1], -INFINITY) if lowest <= j <= highest else -INFINITY

    score = [emission(0, 0)] + [-INFINITY] * last  # of the best path to each state of the byte at hand
    back: list[list[int]] = []  # for each byte but the first, and each state: the best state of the byte before
    for i in range(1, len(segment)):
        origins: list[int] = []
        new_score: list[float] = []
        for j in range(order):
            candidates = range(order) if j == 0 else [j - 1] if j < last else [last - 1, last]
            # Sums are compared, not scores: rounding can make sums equal. Of equals, max() keeps the lowest state.
            best = max(candidates, key=lambda k: score[k] + emission(i, j))
            origins.append(best)
            new_score.append(score[best] + emission(i, j))
        score = new_score
        back.append(origins)

    pieces, end = [], len(segment)
    state = max(range(order), key=score.__getitem__)
    for i in reversed(range(len(segment))):
        if state == 0:
            pieces.append(segment[i:end])
            end = i
        if i:
            state = back[i - 1][state]
    return pieces[::-1]


def _constraints(segment: bytes, logp: Mapping[bytes, float], order: int) -> tuple[set[int], set[int]]:
    """Where no piece may start, because a character goes on there; and where one must, because a character is spelled.

    A character is spelled in single bytes if no piece can contain it: the model lacks an n-gram that ends in one of its
    continuation bytes, even in a piece that starts with the character. BytePiece has no such rule, and cuts the whole
    rest of the segment into single bytes; this is the one place where the algorithm differs.
    """
    inside: set[int] = set()
    spelled: set[int] = set()
    for start, end in _characters(segment):
        inside.update(range(start + 1, end))
        if any(segment[max(start, i - order + 1) : i + 1] not in logp for i in range(start + 1, end)):
            spelled.update(range(start, end + 1))  # a piece starts after it, too
    return inside, spelled


def _characters(segment: bytes) -> Iterator[tuple[int, int]]:
    """Where each character of a segment starts and ends."""
    start = 0
    for end in range(1, len(segment) + 1):
        if end == len(segment) or segment[end] & 0xC0 != 0x80:
            yield start, end
            start = end


def count_candidates(
    corpus: Iterable[bytes], logp: Mapping[bytes, float], order: int, ensure_unicode: bool = True
) -> Counter[bytes]:
    """Count the pieces that `discover` cuts the segments of a corpus into."""
    counts: Counter[bytes] = Counter()
    for segment in corpus:
        counts.update(discover(segment, logp, order, ensure_unicode))
    return counts


# 4. Candidate pieces to vocabularies.


def prune(
    candidates: Mapping[bytes, int], sizes: Iterable[int], max_piece_length: int, min_count: int
) -> dict[int, dict[bytes, int]]:
    """Reduce counted candidates to a vocabulary of each size: pieces in the order of their ids, with their counts.

    The 256 single bytes always stay. First, pieces that are too long or too rare go; then, for each size from the
    largest, the rarest ones that are too many. A piece that goes gives its count to the pieces that it is cut into.
    Three ids are reserved, so a vocabulary has at most ``size - 3`` pieces.
    """
    pieces = dict(candidates)
    for byte in range(256):
        pieces.setdefault(bytes([byte]), 1)
    frequent = {p for p, c in pieces.items() if len(p) == 1 or (len(p) <= max_piece_length and c >= min_count)}
    pieces = _drop_unused(_keep(frequent, pieces))
    vocabularies = {}
    for size in sorted(sizes, reverse=True):
        if len(pieces) > size - 3:
            ranked = sorted(pieces, key=lambda p: (len(p) > 1, -pieces[p], -len(p), p))
            pieces = _drop_unused(_keep(set(ranked[: size - 3]), pieces))
        vocabularies[size] = {p: pieces[p] for p in sorted(pieces, key=lambda p: (len(p), p))}
    return vocabularies


def _keep(kept: set[bytes], pieces: Mapping[bytes, int]) -> dict[bytes, int]:
    """Keep some of the pieces, and add to their counts what the others are cut into."""
    result = Counter({piece: count for piece, count in pieces.items() if piece in kept})
    dropped = {piece: count for piece, count in pieces.items() if piece not in kept}
    return result + _resegment(result, dropped)


def _drop_unused(pieces: Mapping[bytes, int]) -> dict[bytes, int]:
    """Segment a vocabulary by itself, which replaces its counts, until every piece that is left is used.

    A piece is cut if its parts together are more probable than itself. Then it may be in no segmentation at all.
    """
    while True:
        used = _resegment(pieces, pieces)
        if len(used) == len(pieces):
            return dict(used)
        pieces = used


def _resegment(vocabulary: Mapping[bytes, int], pieces: Mapping[bytes, int]) -> Counter[bytes]:
    """Cut counted pieces by a vocabulary, and count the parts."""
    segmenter = Segmenter(vocabulary)
    counts: Counter[bytes] = Counter()
    for piece, count in pieces.items():
        for part in segmenter.segment(piece):
            counts[part] += count
    return counts


def train(
    texts: Iterable[str],
    sizes: Iterable[int],
    order: int = 6,
    max_piece_length: int = 36,
    min_count: int = 2,
    isolate_digits: bool = False,
    ensure_unicode: bool = True,
    boundaries: str | None = None,
) -> dict[int, dict[bytes, int]]:
    """Train a vocabulary of each size: pieces in the order of their ids, from 3 on, with their counts.

    Texts are taken as they are; where a model normalizes, they must be normalized.
    """
    corpus = [segment for text in texts for segment in segments(text, isolate_digits, boundaries)]
    logp = ngram_model(corpus, order, min_count)
    return prune(count_candidates(corpus, logp, order, ensure_unicode), sizes, max_piece_length, min_count)


# Encoding.


class Segmenter:
    """Segments texts by a vocabulary of counted pieces, all 256 single bytes among them.

    The score of a piece is the logarithm of its share of all counts; the score of a segmentation is the sum over its
    pieces. Methods take one segment, except for `tokenize`, which takes a text.
    """

    def __init__(self, pieces: Mapping[bytes, int]) -> None:
        log_total = math.log(sum(pieces.values()))
        self._score = {piece: math.log(count) - log_total for piece, count in pieces.items()}
        self._automaton = ahocorasick.Automaton()
        for piece in pieces:
            self._automaton.add_word(piece.decode("latin-1"), piece)
        self._automaton.make_automaton()

    def segment(self, data: bytes) -> list[bytes]:
        """The best segmentation of a segment. On equal sums, the longest last piece wins.

        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"ab": 9}
        >>> Segmenter(counts).segment(b"abc")
        [b'ab', b'c']
        """
        best = [0.0] + [-INFINITY] * len(data)
        last: list[bytes] = [b""] * (len(data) + 1)
        for end, piece in self._automaton.iter(data.decode("latin-1")):  # the longest first at each end
            score = best[end + 1 - len(piece)] + self._score[piece]
            if score > best[end + 1]:
                best[end + 1], last[end + 1] = score, piece
        pieces, end = [], len(data)
        while end:
            pieces.append(last[end])
            end -= len(last[end])
        return pieces[::-1]

    def tokenize(self, data: bytes) -> list[bytes]:
        """The pieces of a text: it is cut into segments after every run of newlines, and each is segmented."""
        return [piece for part in re.findall(rb"[^\n]*\n+|[^\n]+", data) for piece in self.segment(part)]

    def _ending(self, data: bytes) -> list[list[bytes]]:
        """For each position, the pieces that end there, the longest first."""
        ending: list[list[bytes]] = [[] for _ in range(len(data) + 1)]
        for end, piece in self._automaton.iter(data.decode("latin-1")):
            ending[end + 1].append(piece)
        return ending

    def _log_sums(self, data: bytes, alpha: float) -> list[float]:
        """For each position, the log of the sum of exp(alpha * score) over all segmentations of the bytes before it."""
        log_sums = [0.0]
        for end, pieces in enumerate(self._ending(data)[1:], start=1):
            terms = [log_sums[end - len(piece)] + alpha * self._score[piece] for piece in pieces]
            largest = max(terms)
            log_sums.append(largest + math.log(sum(math.exp(term - largest) for term in terms)))
        return log_sums

    def log_partition(self, data: bytes, alpha: float = 1.0) -> float:
        """The log of the sum of exp(alpha * score) over all segmentations of a segment."""
        return self._log_sums(data, alpha)[-1]

    def sample(self, data: bytes, alpha: float, uniform: Callable[[int], float]) -> list[bytes]:
        """Draw a segmentation with a probability proportional to exp(alpha * score).

        Pieces are drawn from the last one back. Each piece that ends at a position p has its share of the sum there;
        lined up from the longest piece to the shortest, the shares reach from 0 to 1, and that piece is drawn into
        whose share the random number ``uniform(p)`` falls.

        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"ab": 9}
        >>> Segmenter(counts).sample(b"abc", 0.0, uniforms(seed=0))
        [b'a', b'b', b'c']
        """
        log_sums, ending = self._log_sums(data, alpha), self._ending(data)
        pieces, end = [], len(data)
        while end:
            left = uniform(end)
            for piece in ending[end]:
                left -= math.exp(log_sums[end - len(piece)] + alpha * self._score[piece] - log_sums[end])
                if left < 0:
                    break
            pieces.append(piece)
            end -= len(piece)
        return pieces[::-1]

    def nbest(self, data: bytes, n: int) -> list[tuple[list[bytes], float]]:
        """The ``n`` best segmentations of a segment, with their scores, best first.

        >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"ab": 9}
        >>> [pieces for pieces, score in Segmenter(counts).nbest(b"abc", 3)]
        [[b'ab', b'c'], [b'a', b'b', b'c']]
        """
        best: list[list[tuple[list[bytes], float]]] = [[([], 0.0)]]
        for end, pieces in enumerate(self._ending(data)[1:], start=1):
            paths = [
                ([*before, piece], score + self._score[piece])
                for piece in pieces
                for before, score in best[end - len(piece)]
            ]
            best.append(nlargest(n, paths, key=itemgetter(1)))  # stable: equals stay in that order
        return best[-1]


def uniforms(seed: int, document: int = 0) -> Callable[[int], float]:
    """The random numbers for drawing the segmentation of a text: for each position from 1 on, one in [0, 1).

    Number k of a stream is the k-th output of SplitMix64, started at the low half of the stream's key and mixed once
    more with the high half. The key comes from the seed, of 128 bits, in the same way: it has two outputs for each
    document of a call.
    """
    mask = 2**64 - 1

    def mix(x: int) -> int:
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
        return x ^ x >> 31

    def bits(low: int, high: int, counter: int) -> int:
        return mix(mix(low + (counter + 1) * 0x9E3779B97F4A7C15 & mask) ^ high)

    low, high = (bits(seed & mask, seed >> 64, 2 * document + half) for half in range(2))
    return lambda position: (bits(low, high, position - 1) >> 11) * 2.0**-53
