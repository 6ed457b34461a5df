"""Functions that cut a text into pieces, each made of counted pieces: the core in two ways, and its readable twin."""

import math

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment
from bytepiece.reference import Segmenter
from helpers.vocabularies import parts, tokenizer_of


def core(counts):
    return tokenizer_of(counts).tokenize


def byte_core(counts):
    """The core where it does not go by characters."""
    pieces = list(counts)
    automaton = Automaton(PackedBytes.from_list(pieces), log_probabilities(list(counts.values())))
    return lambda data: [pieces[id] for id in segment(automaton, data).tolist([])]


def twin(counts):
    return Segmenter(counts).tokenize


def plain_segmentation(counts, data):
    """The best path by the definition: all starts are tried, and there is no automaton."""
    log_total = math.log(sum(counts.values()))
    scores = {piece: math.log(count) - log_total for piece, count in counts.items()}
    longest = max(map(len, counts))
    best, last = [0.0], [b""]
    for end in range(1, len(data) + 1):
        sums = [
            (best[start] + scores[data[start:end]], data[start:end])
            for start in range(max(0, end - longest), end)
            if data[start:end] in scores
        ]
        score, piece = max(sums, key=lambda item: item[0])  # the first of equals, which is the longest
        best.append(score)
        last.append(piece)
    pieces = []
    while data:
        pieces.append(last[len(data)])
        data = data[: -len(pieces[-1])]
    return pieces[::-1]


def plain_tokenization(counts, data):
    return [piece for part in parts(data) for piece in plain_segmentation(counts, part)]
