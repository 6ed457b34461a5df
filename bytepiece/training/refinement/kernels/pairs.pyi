import numpy as np
from numpy.typing import NDArray

from bytepiece.training.refinement.kernels.sample import Pieces, Tokens

LEFT: int
RIGHT: int

class PairCounter:
    def __init__(self, tokens: Tokens, joinable: NDArray[np.uint8], max_length: int) -> None: ...
    def count(
        self, part: int, parts: int, min_count: int, min_documents: int, allowance: float
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint64]]: ...

def join_pairs(
    pieces: Pieces, lefts: NDArray[np.uint32], rights: NDArray[np.uint32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
