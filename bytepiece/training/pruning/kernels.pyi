import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton

def count_parts(
    automaton: Automaton,
    pieces: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.uint64],
) -> NDArray[np.uint64]: ...
