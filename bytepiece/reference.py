"""The whole algorithm in plain Python: the page to read first, and the oracle of the tests.

Slow (some 100 KB/s), and written for the eye. It imports nothing of the core; its matching automaton is
pyahocorasick's. The functions follow the order of training: `segments`, `ngram_model`,
`discover`, `count_candidates`, `prune`, `train`; then come `Segmenter`, which encodes, and `uniforms`, the random
numbers it draws with.

Sources: Jianlin Su's posts at kexue.fm: 9752 (BytePiece), 9768 (sampling), 9811 (sampling, exact), 3956 (new words
by a language model); Kudo (2018), "Subword Regularization", for the unigram model.
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

__all__ = ["Segmenter", "count_candidates", "discover", "ngram_model", "prune", "segments", "train", "uniforms"]

INFINITY = math.inf

_SEGMENT = re.compile(r"[^\n]{,10000}\n{1,100}|[^\n]{1,10000}")
_SEGMENT_OR_DIGIT = re.compile(r"\d|[^\n\d]{,10000}\n{1,100}|[^\n\d]{1,10000}")


def segments(text: str, isolate_digits: bool = False) -> list[bytes]:
    r"""Cut a text for training: after every run of newlines, and where a segment gets too long.

    >>> segments("one\n\ntwo 3", isolate_digits=True)
    [b'one\n\n', b'two ', b'3']
    """
    pattern = _SEGMENT_OR_DIGIT if isolate_digits else _SEGMENT
    return [segment.encode() for segment in pattern.findall(text)]


def ngram_model(corpus: Iterable[bytes], order: int, min_count: int) -> dict[bytes, float]:
    """log p(last byte | the bytes before it) for every n-gram of up to ``order`` bytes that is frequent enough."""
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


def _characters(segment: bytes) -> Iterator[tuple[int, int]]:
    """Where each character of a segment starts and ends."""
    start = 0
    for end in range(1, len(segment) + 1):
        if end == len(segment) or segment[end] & 0xC0 != 0x80:
            yield start, end
            start = end


def discover(segment: bytes, logp: Mapping[bytes, float], order: int, ensure_unicode: bool = True) -> list[bytes]:
    """Cut a segment into the pieces that an n-gram language model finds most probable.

    A hidden state j says how many bytes of the current piece stand before a byte, at most ``order - 1``; it emits
    the byte with the probability that the n-gram of j + 1 bytes gives it. So a cut pays where the bytes before
    help little to predict the next. A new piece costs nothing, and every piece can go on.
    """
    if order == 1:
        return [segment[i : i + 1] for i in range(len(segment))]
    last = order - 1
    may_start, must_start = [True] * len(segment), [False] * (len(segment) + 1)
    if ensure_unicode:
        for a, end in _characters(segment):
            may_start[a + 1 : end] = [False] * (end - a - 1)
        for a, end in _characters(segment):
            # The one repair: a character that no piece can pass through is spelled in single bytes.
            if any(segment[max(a, i - last) : i + 1] not in logp for i in range(a + 1, end)):
                must_start[a : end + 1] = [True] * (end + 1 - a)

    def emission(i: int, j: int) -> float:
        if must_start[i]:
            return logp[segment[i : i + 1]] if j == 0 else -INFINITY
        if j > i or (j == 0 and not may_start[i]):
            return -INFINITY
        return logp.get(segment[i - j : i + 1], -INFINITY)

    score = [emission(0, 0)] + [-INFINITY] * last
    back: list[list[int]] = []
    for i in range(1, len(segment)):
        previous: list[int] = []
        new_score: list[float] = []
        for j in range(order):
            origins = range(order) if j == 0 else [j - 1] if j < last else [last - 1, last]
            # max() keeps the first of equals: ties go to the lowest state.
            best = max(origins, key=lambda k: score[k] + emission(i, j))
            previous.append(best)
            new_score.append(score[best] + emission(i, j))
        score = new_score
        back.append(previous)

    pieces, end = [], len(segment)
    state = max(range(order), key=score.__getitem__)
    for i in reversed(range(len(segment))):
        if state == 0:
            pieces.append(segment[i:end])
            end = i
        if i:
            state = back[i - 1][state]
    return pieces[::-1]


def count_candidates(
    corpus: Iterable[bytes], logp: Mapping[bytes, float], order: int, ensure_unicode: bool = True
) -> Counter[bytes]:
    """Count the pieces that `discover` cuts a corpus of segments into."""
    counts: Counter[bytes] = Counter()
    for segment in corpus:
        counts.update(discover(segment, logp, order, ensure_unicode))
    return counts


def _resegment(kept: Mapping[bytes, int], dropped: Mapping[bytes, int]) -> Counter[bytes]:
    """Count the pieces of ``kept`` that the pieces of ``dropped`` are cut into."""
    segmenter = Segmenter(kept)
    counts: Counter[bytes] = Counter()
    for piece, count in dropped.items():
        for part in segmenter.segment(piece):
            counts[part] += count
    return counts


def _settle(pieces: Mapping[bytes, int]) -> dict[bytes, int]:
    """Resegment a vocabulary by itself until every piece left is used."""
    while True:
        used = _resegment(pieces, pieces)
        if len(used) == len(pieces):
            return dict(used)
        pieces = used


def _split(pieces: Mapping[bytes, int], kept: set[bytes]) -> dict[bytes, int]:
    """Keep some pieces, and give the counts of the others to them."""
    result = Counter({piece: count for piece, count in pieces.items() if piece in kept})
    dropped = {piece: count for piece, count in pieces.items() if piece not in kept}
    return result + _resegment(result, dropped)


def prune(
    candidates: Mapping[bytes, int], sizes: Iterable[int], max_piece_length: int, min_count: int
) -> dict[int, dict[bytes, int]]:
    """From counted candidates to a vocabulary of each size, sorted as its ids will be."""
    pieces = dict(candidates)
    for byte in range(256):
        pieces.setdefault(bytes([byte]), 1)
    frequent = {p for p, c in pieces.items() if len(p) == 1 or (len(p) <= max_piece_length and c >= min_count)}
    pieces = _settle(_split(pieces, frequent))
    vocabularies = {}
    for size in sorted(sizes, reverse=True):
        if len(pieces) > size - 3:
            ranked = sorted(pieces, key=lambda p: (len(p) > 1, -pieces[p], -len(p), p))
            pieces = _settle(_split(pieces, set(ranked[: size - 3])))
        vocabularies[size] = {p: pieces[p] for p in sorted(pieces, key=lambda p: (len(p), p))}
    return vocabularies


def train(
    texts: Iterable[str],
    sizes: Iterable[int],
    order: int = 6,
    max_piece_length: int = 36,
    min_count: int = 2,
    isolate_digits: bool = False,
    ensure_unicode: bool = True,
    normalization: str | None = None,
) -> dict[int, dict[bytes, int]]:
    """Train a vocabulary of each size: pieces in the order of their ids, from 3 on, with their counts."""
    if normalization == "nfc":
        texts = [unicodedata.normalize("NFC", text) for text in texts]
    corpus = [segment for text in texts for segment in segments(text, isolate_digits)]
    logp = ngram_model(corpus, order, min_count)
    return prune(count_candidates(corpus, logp, order, ensure_unicode), sizes, max_piece_length, min_count)


class Segmenter:
    """Unigram segmentation over a vocabulary of counted pieces, all 256 single bytes among them."""

    def __init__(self, pieces: Mapping[bytes, int]) -> None:
        log_total = math.log(sum(pieces.values()))
        self._score = {piece: math.log(count) - log_total for piece, count in pieces.items()}
        self._automaton = ahocorasick.Automaton()
        for piece in pieces:
            self._automaton.add_word(piece.decode("latin-1"), piece)
        self._automaton.make_automaton()

    def segment(self, data: bytes) -> list[bytes]:
        """The best segmentation of bytes that are tokenized as one; on equal sums the longest last piece wins.

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
        """The pieces of a text: it is cut after every run of newlines, and each part segmented."""
        return [piece for part in re.findall(rb"[^\n]*\n+|[^\n]+", data) for piece in self.segment(part)]

    def _ending(self, data: bytes) -> list[list[bytes]]:
        """For each position the pieces that end there, the longest first."""
        ending: list[list[bytes]] = [[] for _ in range(len(data) + 1)]
        for end, piece in self._automaton.iter(data.decode("latin-1")):
            ending[end + 1].append(piece)
        return ending

    def _log_sums(self, data: bytes, alpha: float) -> list[float]:
        """For each position the log of the sum of exp(alpha * score) over all segmentations up to there."""
        log_sums = [0.0]
        for end, pieces in enumerate(self._ending(data)[1:], start=1):
            terms = [log_sums[end - len(piece)] + alpha * self._score[piece] for piece in pieces]
            largest = max(terms)
            log_sums.append(largest + math.log(sum(math.exp(term - largest) for term in terms)))
        return log_sums

    def log_partition(self, data: bytes, alpha: float = 1.0) -> float:
        """The log of the sum of exp(alpha * score) over all segmentations of bytes that are tokenized as one."""
        return self._log_sums(data, alpha)[-1]

    def sample(self, data: bytes, alpha: float, uniform: Callable[[int], float]) -> list[bytes]:
        """Draw a segmentation with a probability proportional to exp(alpha * score), from the last piece back.

        A piece that ends in position p is drawn with the number ``uniform(p)``, from 0 to 1: that number falls
        into its share of the sum, where the shares come in the order of the pieces, the longest first.

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
        """The ``n`` best segmentations of bytes that are tokenized as one, with their scores, best first.

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
            best.append(nlargest(n, paths, key=itemgetter(1)))  # the first of equals comes first
        return best[-1]


def uniforms(seed: int, document: int = 0) -> Callable[[int], float]:
    """The random numbers that a text is sampled with: for each position, from 1 on, one from 0 to 1, less than 1.

    They are SplitMix64's, from the low half of a key and then mixed with the high half. The key of a text comes
    in the same way from the seed, which has 128 bits, and the number of the text among those of a call.
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
