import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.ids import IdArray

def best_of(automaton: Automaton, data: bytes, n: int) -> tuple[IdArray, NDArray[np.int64], NDArray[np.float64]]: ...
