"""From a vocabulary to a better one of the same size: it grows by pairs of its pieces, and is pruned back.

Discovery finds words well and phrases badly, and cutting by frequency keeps pieces that others make superfluous. So:
cut a sample of the corpus with the vocabulary, into as few tokens as possible; add the pairs of pieces that are found
most often side by side; drop the pieces without which the sample takes the fewest tokens more, one by one; repeat. In
the end the pieces are counted as the tokenizer will cut: by probability.

What a piece saves on the sample it need not save elsewhere. Two things guard against learning the sample by heart:
counts that come from few documents count for less, and few pieces may stay that are in one document only.
`benchmarks/compression.md` has the measurements behind each choice and each number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.errors import TrainingError
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.text.utf8 import is_utf8
from bytepiece.training.counting.kernels import PieceCounter
from bytepiece.training.pruning.kernels import count_parts
from bytepiece.training.refinement.kernels.characters import (
    character_documents,
    rarest_characters,
    spelled_characters,
)
from bytepiece.training.refinement.kernels.documents import MANY, NONE, piece_documents
from bytepiece.training.refinement.kernels.pairs import PairCounter, join_pairs
from bytepiece.training.refinement.kernels.pruner import Pruner
from bytepiece.training.refinement.kernels.sample import Pieces, Sample
from bytepiece.training.refinement.kernels.windows import additional_tokens
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.workers import count_in_parallel, map_in_parallel

__all__ = ["Refined", "Sample", "collect_sample", "count_all", "refine"]

Numbers = NDArray[np.uint32]
"""Numbers of pieces, as long as these are sorted by their bytes."""

SAMPLE_BYTES = 2**26
"""The most text that is looked at, 64 MB: beyond it, a sample of the documents. More text is better: of 40 MB, half
gives a vocabulary of 64,000 with 5.07 bytes per token, all gives 5.25."""

DOCUMENT_BYTES = 2**16
"""Longer documents are chosen part by part; and in a corpus of few documents each part counts as one."""

MANY_DOCUMENTS = 1000
"""From so many documents on, the parts of one count as one: else pieces that it repeats would seem to be widespread."""

LARGEST_SHARE = 1 / 16
"""But for one that has more of the sample than this, without which most of the sample would be of one document."""

NEEDED_BYTES = 16
"""Memory for each byte of the sample."""

TOKEN_COST = 64 << 16
"""What a token costs, beside the 65536-fold of its -log(probability), which is less than 30: few tokens come first,
likely ones second. Integers, so that no machine rounds a sum in its own way."""

FIRST_GROWTH = (0.5, 1.0)
"""By which parts of the vocabulary it grows in the first round, step by step: in the second, pairs of new pieces."""

GROWTH = (0.5,)
"""By which parts in each later round."""

PAIR_COUNT, PAIR_DOCUMENTS = 3, 2
"""Pairs that occur less often, or in fewer documents, are left out."""

FILLING_COUNT = 2
"""The same where only gaps are filled, of any documents. With pairs that occur once, a vocabulary that is too large for
its corpus would be a copy of it in the end."""

PAIR_ALLOWANCE = 0.5
"""How much of a pair's count may be due to few documents: so many times the mean of the counts in the documents of its
occurrences."""

FEW_DOCUMENTS = 8
"""Pieces with a character in fewer documents than that are looked at kindly: rare characters are in few documents, and
so are their pieces. In a corpus of fewer documents, these tell nothing about chance."""

SINGLE_SHARE, MOST_SINGLE = 0.009, 0.0099
"""The share of pieces of two bytes or more that one document only may have: as strings, where pieces are dropped; as
tokens, in the end, of `MANY_DOCUMENTS`."""

WINDOWS, FIRST_WINDOWS = 8, 4
"""At how many places the loss of a piece is measured, and for a first estimate."""

LEEWAY = 2
"""Candidates to be dropped are the pieces that at first sight cost no more than so many times what would suffice."""

PARTS = 16
"""Pairs are counted in so many parts, one after the other, as less memory is faster memory."""

SETTLING_STEPS, EXCHANGES, SPARE = 20, 5, 1000
"""How often pieces are replaced that the last count finds unused, how often those that it finds in one document only,
and how many of those that were dropped last are kept for that."""


class Tokens(NamedTuple):
    """How a sample is cut: the numbers of the pieces, and how many there are up to the end of each segment."""

    ids: Numbers
    ends: NDArray[np.int64]


class Refined(NamedTuple):
    """A vocabulary, sorted by bytes, counted over the sample; and the automaton that counted it."""

    pieces: CountedBytes
    automaton: Automaton


def collect_sample(reader: Reader, memory_limit: int | None, n_bytes: int | None = None) -> Sample:
    """Read everything, and keep a sample of ``n_bytes`` at most: the documents whose hashes are least.

    The sample does not depend on the order of the documents: once one is dropped, none with the same hash or a greater
    one gets in, even if it is short enough for the room that came free. Those above `DOCUMENT_BYTES` are cut, at a
    segment's end, and what of them is chosen counts as one document or as several, see `MANY_DOCUMENTS`.

    Raises `TrainingError` if ``memory_limit`` is too little for it.
    """
    n_bytes = SAMPLE_BYTES if n_bytes is None else n_bytes
    # The hashes of part and document, negative: the greatest is on top. Those of equal texts differ in their number.
    chosen: list[tuple[tuple[int, int], int, int, bytes]] = []
    nothing = least_dropped = (2**64, 0)
    size, number = 0, 0
    for document, text in enumerate(reader.texts()):
        document_key = _key(text)
        for part in _parts(reader, text):
            key = (document_key if part is text else _key(part), document_key)
            if key >= least_dropped:
                continue
            heappush(chosen, ((-key[0], -key[1]), -number, document, part))
            size += len(part)
            number += 1
            while size > n_bytes:
                (part_key, key_of_its_document), _, _, dropped = heappop(chosen)
                size -= len(dropped)
                least_dropped = (-part_key, -key_of_its_document)
    needed = NEEDED_BYTES * size + 2**26
    if memory_limit is not None and memory_limit < needed:
        raise TrainingError(
            f"refinement of this corpus needs {needed / 2**20:.0f} MB of memory, and the limit is "
            f"{memory_limit / 2**20:.0f} MB: raise it, or train with refine_rounds=0"
        )
    chosen.sort(key=lambda part: (-part[0][1], part[2], -part[1]))  # by document
    lengths = np.array([len(part) for *_, part in chosen], dtype=np.int64)
    data = b"".join(part for *_, part in chosen)
    part_ends = np.cumsum(lengths)
    last = np.ones(len(chosen), dtype=np.bool_)  # whether a part is the last of what counts as a document
    if reader.documents >= MANY_DOCUMENTS:
        last[:-1] = [part[2] != other[2] for part, other in pairwise(chosen)]
        sizes = np.diff(part_ends[last], prepend=0)
        last |= np.repeat(sizes > LARGEST_SHARE * size, np.diff(np.flatnonzero(last), prepend=-1))
    del chosen
    document_ends = part_ends[last]
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), reader.cut(data, part_ends)])
    documents = np.searchsorted(document_ends, offsets[1:]).astype(np.uint32)
    return Sample(data, offsets, documents, document_ends, least_dropped == nothing)


def _key(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _parts(reader: Reader, text: bytes) -> Iterator[bytes]:
    """A text in parts of about `DOCUMENT_BYTES`, cut where a segment ends."""
    if 0 < len(text) <= DOCUMENT_BYTES:
        yield text
    elif text:
        ends = reader.cut(text, np.array([len(text)], dtype=np.int64))
        begin = 0
        while begin < len(text):
            last = min(int(np.searchsorted(ends, begin + DOCUMENT_BYTES)), len(ends) - 1)
            yield text[begin : ends[last]]
            begin = int(ends[last])


def refine(
    vocabulary: CountedBytes,
    sizes: Iterable[int],
    sample: Sample,
    rounds: int,
    max_piece_length: int,
    ensure_unicode: bool,
    workers: int,
    advance: Callable[[int], object],
) -> Iterator[tuple[int, Refined]]:
    """Make better vocabularies of each size, the largest first, starting from one of about the largest.

    They have exactly ``size - FIRST_PIECE_ID`` pieces where the sample has so many that are of use. Smaller ones are
    what is left of the largest when more of it is dropped: so all cost little more than one, and what a smaller one
    has, the larger ones nearly all have too.

    A piece has ``max_piece_length`` bytes at most, consists of whole characters if ``ensure_unicode``, and is part of
    a segment. ``advance`` is told 1 after each step.
    """
    work = _Workshop(sample, max_piece_length, ensure_unicode, workers, advance)
    ordered = sorted(sizes, reverse=True)
    target = ordered[0] - FIRST_PIECE_ID
    pieces, tokens = work.count(_sorted(vocabulary))
    for number in range(rounds):
        for step, growth in enumerate(GROWTH if number else FIRST_GROWTH):
            if step:
                pieces, tokens = work.count(pieces)
            pieces = work.grow(pieces, tokens, target + int(growth * target))
        pieces, tokens = work.count(pieces)
        pieces, tokens = work.prune(pieces, tokens, target)
    for size in ordered:
        pieces, tokens = work.prune(pieces, tokens, size - FIRST_PIECE_ID)
        yield size, work.settle(pieces, size - FIRST_PIECE_ID)


def count_all(refined: Refined, reader: Reader, workers: int, advance: Callable[[int], object]) -> CountedBytes:
    """Count the pieces of a vocabulary over all texts, as they were counted over the sample."""
    counters = [np.zeros(len(refined.pieces), dtype=np.uint64) for _ in range(workers)]

    def count(counter: NDArray[np.uint64], batch: Batch) -> None:
        offsets = np.concatenate([np.full(1, batch.begin, dtype=np.int64), batch.ends])
        ids, _ = segment_packed(refined.automaton, batch.data, offsets, 0, len(batch.ends))
        counter += np.bincount(np.asarray(ids), minlength=len(counter)).astype(np.uint64)

    for batches in reader.parts():
        count_in_parallel(batches, counters, count, lambda batch: advance(batch.n_bytes))
    total = sum(counters[1:], start=counters[0])
    return refined.pieces.with_counts(np.maximum(total, 1).astype(np.uint64))


class _Workshop:
    """What all steps need."""

    def __init__(
        self,
        sample: Sample,
        max_piece_length: int,
        ensure_unicode: bool,
        workers: int,
        advance: Callable[[int], object],
    ) -> None:
        self._sample = sample
        self._max_piece_length = max_piece_length
        self._ensure_unicode = ensure_unicode
        self._workers = workers
        self._advance = advance
        self._shares = sample.shares(workers)
        self._character_documents = character_documents(sample, FEW_DOCUMENTS)
        self._dropped: list[tuple[bytes, int]] = []  # the last ones, with their counts
        # Of one or a few documents nothing can be learned about chance.
        self._many_documents = len(sample.document_ends) >= FEW_DOCUMENTS

    def count(self, pieces: CountedBytes) -> tuple[CountedBytes, Tokens]:
        """Cut the sample into as few of the pieces as possible, and count them."""
        return self._count(pieces, Automaton((pieces.data, pieces.offsets), _costs(pieces) / -65536.0))

    def grow(
        self, pieces: CountedBytes, tokens: Tokens, target: int, without: frozenset[bytes] | None = None
    ) -> CountedBytes:
        """Add the pairs of pieces that gain most, up to ``target`` pieces; of those that gain the same, by bytes.

        Characters that are spelled in single bytes are candidates too. If pieces are given that were found useless,
        it is to fill gaps: then any other pair will do that occurs again.
        """
        strict = without is None and self._many_documents
        wanted = target - len(pieces)
        if wanted <= 0:
            return pieces
        candidates = PieceCounter()
        table = _table(pieces)
        counter = PairCounter(
            self._sample, table, tokens.ids, tokens.ends, self._joinable(pieces), self._max_piece_length
        )

        def pairs(part: int) -> tuple[Numbers, Numbers, NDArray[np.uint64]]:
            return counter.count(
                part,
                PARTS,
                PAIR_COUNT if without is None else FILLING_COUNT,
                PAIR_DOCUMENTS if strict else 1,
                PAIR_ALLOWANCE if strict else 0.0,
            )

        for lefts, rights, gains in self._in_turn(pairs, range(PARTS)):
            candidates.add_pieces(PackedBytes(*join_pairs(table, lefts, rights)).with_counts(gains))
        if self._ensure_unicode:
            candidates.add_pieces(self._spelled(tokens, table))
        found = candidates.take()
        known = {*pieces.to_list(), *(without or ())}
        # Sorted by bytes before, and the sort is stable: equals stay in that order.
        best: list[int] = []
        for k in np.argsort(np.iinfo(np.uint64).max - found.counts, kind="stable").tolist():
            if found.item(k) not in known:
                best.append(k)
                if len(best) == wanted:
                    break
        grown = found.select(np.sort(np.array(best, dtype=np.int64)))
        self._advance(1)
        return pieces.add(grown.with_counts(1 + grown.counts // 256))

    def prune(self, pieces: CountedBytes, tokens: Tokens, target: int) -> tuple[CountedBytes, Tokens]:
        """Drop pieces one by one until ``target`` are left, always the one without which the sample is cut best."""
        excess = len(pieces) - target
        if excess <= 0:
            return pieces, tokens
        automaton = Automaton((pieces.data, pieces.offsets), _costs(pieces) / -65536.0)
        rarest = self._rarest(pieces)
        single = self._in_one_document(automaton, pieces, target)
        pruner = Pruner(
            automaton,
            self._sample,
            _table(pieces),
            _costs(pieces),
            tokens.ids,
            rarest if self._many_documents else np.zeros(len(rarest), dtype=np.uint32),
            single.astype(np.float64) * 1e6,
            WINDOWS,
        )
        first_sight = self._alternatives(pieces, automaton) * pieces.counts.astype(np.int64)
        multiple = pieces.lengths > 1
        enough = LEEWAY * np.partition(first_sight[multiple], excess - 1)[excess - 1]
        candidates = np.flatnonzero(multiple & ((first_sight <= enough) | single))
        # Dealt out like cards, so that each worker has as many of the frequent ones.
        shares = [candidates[k :: self._workers].copy() for k in range(self._workers)]
        map_in_parallel(lambda share: pruner.estimate(share, FIRST_WINDOWS), shares)
        pruner.consider(candidates)
        dropped = [pruner.drop(min(1000, excess - done)) for done in range(0, excess, 1000)]
        last = [np.concatenate(arrays)[-SPARE:] for arrays in zip(*dropped, strict=True)]
        self._dropped = list(zip(pieces.select(last[0]).to_list(), last[1].tolist(), strict=True))
        tokens = Tokens(*pruner.segmentation())
        left = pruner.left()
        numbers = np.zeros(len(pieces), dtype=np.uint32)
        numbers[left] = np.arange(len(left))
        tokens = Tokens(numbers[tokens.ids], tokens.ends)
        self._advance(1)
        return _counted(pieces.select(left), tokens), tokens

    def settle(self, pieces: CountedBytes, target: int) -> Refined:
        """Count the pieces as a tokenizer cuts: by probability; and keep ``target`` of them that it uses.

        It never uses a piece whose parts together are more probable, even if that saves tokens. In the place of such
        pieces come those that were dropped last, and if there are none, pairs. They also come in the place of pieces
        that are tokens of one document only, where these are too many.
        """
        spare = list(self._dropped)
        useless: set[bytes] = set()
        step = 0
        while True:
            pieces, automaton = self._without_useless(pieces, target, spare, useless)
            pieces, tokens = self._count(pieces, automaton)
            used = (pieces.counts > 0) | (pieces.lengths == 1)
            beyond = self._beyond_share(pieces, tokens, target, len(spare) if step < EXCHANGES else 0)
            pieces = pieces.with_counts(np.maximum(pieces.counts, 1).astype(np.uint64))
            step += 1
            if used.all() and not len(beyond) and (len(used) == target or step > SETTLING_STEPS):
                return Refined(pieces, automaton)
            useless.update(pieces.select(np.flatnonzero(~used)).to_list())
            used[beyond] = False
            # They come back if nothing else is left that is of use.
            spare[:0] = zip(pieces.select(beyond).to_list(), pieces.counts[beyond].tolist(), strict=True)
            pieces = pieces.select(np.flatnonzero(used))
            if step > SETTLING_STEPS:
                spare.clear()
            elif not spare:
                numbers = (np.cumsum(used) - 1).astype(np.uint32)
                grown = self.grow(pieces, Tokens(numbers[tokens.ids], tokens.ends), target, frozenset(useless))
                if len(grown) == len(pieces):
                    step = SETTLING_STEPS  # there is nothing left to try
                pieces = grown

    def _without_useless(
        self, pieces: CountedBytes, target: int, spare: list[tuple[bytes, int]], useless: set[bytes]
    ) -> tuple[CountedBytes, Automaton]:
        """Replace the pieces that are not the most probable way to cut themselves, until there are none."""
        while True:
            missing = target - len(pieces)
            if missing and spare:
                pieces = pieces.add(_of(spare[-missing:]))
                del spare[-missing:]
            pieces = pieces.with_counts(np.maximum(pieces.counts, 1).astype(np.uint64))
            automaton = Automaton((pieces.data, pieces.offsets), log_probabilities(pieces.counts))
            counts = count_parts(automaton, pieces)
            used = counts > 0
            if used.all():
                return pieces, automaton
            useless.update(pieces.select(np.flatnonzero(~used)).to_list())
            pieces = pieces.with_counts(counts).select(np.flatnonzero(used))

    def _alternatives(self, pieces: CountedBytes, automaton: Automaton) -> NDArray[np.int64]:
        """How many tokens more each piece of two bytes or more takes without itself."""
        n = len(pieces)
        bounds = [n * k // self._workers for k in range(self._workers + 1)]
        costs, table = _costs(pieces), _table(pieces)
        parts = map_in_parallel(
            lambda share: additional_tokens(automaton, table, costs, *share), list(pairwise(bounds))
        )
        return np.concatenate(parts)

    def _count(self, pieces: CountedBytes, automaton: Automaton) -> tuple[CountedBytes, Tokens]:
        def cut(share: tuple[int, int]) -> Tokens:
            ids, ends = segment_packed(automaton, self._sample.data, self._sample.offsets, *share)
            return Tokens(np.asarray(ids), ends)

        parts = map_in_parallel(cut, self._shares)
        starts = accumulate((len(part.ids) for part in parts), initial=0)
        ends = [part.ends + start for part, start in zip(parts, starts, strict=False)]
        tokens = Tokens(np.concatenate([part.ids for part in parts]), np.concatenate(ends))
        self._advance(1)
        return _counted(pieces, tokens), tokens

    def _joinable(self, pieces: CountedBytes) -> NDArray[np.uint8]:
        """Which pieces may be part of a pair."""
        if not self._ensure_unicode:
            return np.ones(len(pieces), dtype=np.uint8)
        return np.array([is_utf8(piece) for piece in pieces.to_list()], dtype=np.uint8)

    def _spelled(self, tokens: Tokens, table: Pieces) -> CountedBytes:
        """The characters that are spelled in single bytes, with the tokens that a piece for each would save."""
        counts = spelled_characters(self._sample, table, tokens.ids)[:-1]
        characters = [(chr(code).encode(), int(counts[code])) for code in np.flatnonzero(counts >= PAIR_COUNT).tolist()]
        characters = [item for item in characters if len(item[0]) <= self._max_piece_length]
        return _of([(character, 256 * count * (len(character) - 1)) for character, count in characters])

    def _in_one_document(self, automaton: Automaton, pieces: CountedBytes, target: int) -> NDArray[np.bool_]:
        """The pieces that are in one document only, but for a small share: the frequent ones, of rare characters."""
        if not self._many_documents:
            return np.zeros(len(pieces), dtype=np.bool_)
        found = map_in_parallel(lambda share: piece_documents(automaton, self._sample, *share), self._shares)
        where = found[0]
        for other in found[1:]:
            where = np.where(where == NONE, other, np.where((other == NONE) | (other == where), where, MANY))
        single: NDArray[np.bool_] = (where != MANY) & (pieces.lengths > 1)
        single[self._by_worth(pieces, np.flatnonzero(single))[: int(SINGLE_SHARE * (target - 256))]] = False
        return single

    def _beyond_share(self, pieces: CountedBytes, tokens: Tokens, target: int, most: int) -> NDArray[np.int64]:
        """The numbers of the pieces that are tokens of one document only, but for a small share.

        None if that share is kept, or if they are more than ``most``.
        """
        if most == 0 or len(self._sample.document_ends) < MANY_DOCUMENTS:
            return np.zeros(0, dtype=np.int64)
        documents = np.repeat(self._sample.documents, np.diff(tokens.ends, prepend=0))
        first = np.zeros(len(pieces), dtype=np.uint32)
        last = np.zeros(len(pieces), dtype=np.uint32)
        # Where a place is assigned to several times, the last one stays.
        first[tokens.ids[::-1]] = documents[::-1]
        last[tokens.ids] = documents
        alone = np.flatnonzero((pieces.counts > 0) & (pieces.lengths > 1) & (first == last))
        beyond = self._by_worth(pieces, alone)[int(SINGLE_SHARE * (target - 256)) :]
        return beyond if len(alone) > MOST_SINGLE * (target - 256) and len(beyond) <= most else beyond[:0]

    def _by_worth(self, pieces: CountedBytes, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pieces that are in one document only, by how little of that seems to be chance: those of rare characters."""
        rarest = self._rarest(pieces)[numbers]
        chance = np.where(rarest >= FEW_DOCUMENTS, 1.0, (rarest - 1.0) / np.maximum(rarest, 1))
        return numbers[np.argsort(-(pieces.counts[numbers] * (1.01 - chance)), kind="stable")]

    def _rarest(self, pieces: CountedBytes) -> Numbers:
        return rarest_characters(_table(pieces), self._character_documents, FEW_DOCUMENTS)

    def _in_turn(
        self, function: Callable[[int], tuple[Numbers, Numbers, NDArray[np.uint64]]], items: Iterable[int]
    ) -> Iterator[tuple[Numbers, Numbers, NDArray[np.uint64]]]:
        """``function`` of each item, as many at a time as there are workers."""
        pending = list(items)
        while pending:
            yield from map_in_parallel(function, pending[: self._workers])
            del pending[: self._workers]


def _costs(pieces: CountedBytes) -> Numbers:
    """What each piece costs where few tokens come first: see `TOKEN_COST`."""
    likelihood = -log_probabilities(np.maximum(pieces.counts, 1).astype(np.uint64)) * 65536.0
    return (TOKEN_COST + np.floor(likelihood)).astype(np.uint32)


def _table(pieces: CountedBytes) -> Pieces:
    return Pieces(pieces.data, pieces.offsets)


def _counted(pieces: CountedBytes, tokens: Tokens) -> CountedBytes:
    counts = np.bincount(tokens.ids, minlength=len(pieces))
    return pieces.with_counts(counts.astype(np.uint64))


def _of(counts: list[tuple[bytes, int]]) -> CountedBytes:
    """Pieces with counts, sorted."""
    counts = sorted(counts)
    numbers = np.array([max(1, count) for _, count in counts], dtype=np.uint64)
    return PackedBytes.from_list(piece for piece, _ in counts).with_counts(numbers)


def _sorted(pieces: CountedBytes) -> CountedBytes:
    """Pieces by bytes."""
    counter = PieceCounter()
    counter.add_pieces(pieces)
    return counter.take()
