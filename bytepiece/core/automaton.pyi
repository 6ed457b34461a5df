from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes

MAX_PIECE_BYTES: int

def log_probabilities(counts: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.float64]: ...

class Automaton:
    n_pieces: int
    nbytes: int
    by_characters: bool
    scores: NDArray[np.float64]
    def __init__(
        self,
        pieces: PackedBytes,
        scores: NDArray[np.float64],
        by_characters: bool = False,
        first_id: int = 0,
    ) -> None: ...
    def __reduce__(self) -> Any: ...
