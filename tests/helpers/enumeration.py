"""All segmentations of a short text, and their probabilities, by enumeration."""

import math

from hypothesis import strategies as st

from helpers.vocabularies import BYTE_COUNTS, parts


def all_segmentations(counts, data):
    """Every way to cut a text into pieces that do not cross the ends of its parts."""
    ends = {len(b"".join(parts(data)[:k])) for k in range(len(parts(data)) + 1)}

    def cut(start):
        if start == len(data):
            yield []
        for end in range(start + 1, len(data) + 1):
            if data[start:end] in counts:
                for rest in cut(end):
                    yield [data[start:end], *rest]
            if end in ends:
                break

    return list(cut(0))


def scorer(counts):
    log_total = math.log(sum(counts.values()))
    return lambda pieces: math.fsum(math.log(counts[piece]) - log_total for piece in pieces)


def distribution(counts, data, alpha):
    """Each segmentation with its probability, by enumeration."""
    score = scorer(counts)
    segmentations = all_segmentations(counts, data)
    exponents = [alpha * score(pieces) for pieces in segmentations]
    largest = max(exponents)
    weights = [math.exp(exponent - largest) for exponent in exponents]
    total = math.fsum(weights)
    return segmentations, [weight / total for weight in weights]


@st.composite
def vocabularies_and_short_texts(draw, max_size=4, longest=12):
    """A vocabulary, and a short text made of its pieces."""
    letters = draw(st.sampled_from([b"a", b"ab", b"ab\n", b"\x00\xff", "é".encode()]))
    pieces = draw(st.sets(st.lists(st.sampled_from(list(letters)), min_size=2, max_size=6).map(bytes), max_size=12))
    count = draw(st.sampled_from([st.just(1), st.integers(1, 3), st.integers(1, 2**45)]))
    counts = BYTE_COUNTS | {piece: draw(count) for piece in [*map(bytes, zip(letters, strict=True)), *sorted(pieces)]}
    likely = [piece for piece in counts if set(piece) <= set(letters)]
    text = b"".join(draw(st.lists(st.sampled_from(likely), max_size=max_size)))
    return counts, text[:longest]
