import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]
Numbers = NDArray[np.uint32]

def character_documents(data: bytes, document_ends: Offsets, most: int) -> Numbers: ...
def rarest_characters(pieces: Bytes, offsets: Offsets, documents: Numbers, most: int) -> Numbers: ...
def spelled_characters(data: bytes, ids: Numbers, lengths: NDArray[np.uint16]) -> NDArray[np.uint64]: ...
def count_pairs(
    ids: Numbers,
    token_ends: Offsets,
    documents: Numbers,
    lengths: NDArray[np.uint16],
    joinable: Bytes,
    max_length: int,
    least_count: int,
    least_documents: int,
    allowance: float,
    part: int,
    parts: int,
) -> tuple[Numbers, Numbers, NDArray[np.uint64]]: ...
def join_pairs(pieces: Bytes, offsets: Offsets, lefts: Numbers, rights: Numbers) -> tuple[Bytes, Offsets]: ...
def piece_documents(
    automaton: Automaton, data: bytes, offsets: Offsets, documents: Numbers, begin: int, end: int
) -> Numbers: ...
def alternatives(
    automaton: Automaton, costs: Numbers, pieces: Bytes, offsets: Offsets, begin: int, end: int
) -> NDArray[np.int64]: ...

class Pruner:
    n_pieces: int
    n_left: int
    n_tokens: int
    def __init__(
        self,
        automaton: Automaton,
        data: bytes,
        offsets: Offsets,
        document_ends: Offsets,
        costs: Numbers,
        lengths: NDArray[np.uint16],
        ids: Numbers,
        rarest: Numbers,
        few: int,
        penalties: NDArray[np.float64],
        samples: int,
        first_samples: int,
    ) -> None: ...
    def estimate(self, candidates: NDArray[np.int64], rough: bool = True) -> NDArray[np.float64]: ...
    def consider(self, candidates: NDArray[np.int64]) -> None: ...
    def drop(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
    def left(self) -> NDArray[np.int64]: ...
    def cut_now(self) -> tuple[Numbers, Offsets]: ...
