import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.training.refinement.kernels.sample import Pieces

def additional_costs(
    automaton: Automaton, pieces: Pieces, costs: NDArray[np.uint32], begin: int, end: int
) -> NDArray[np.int64]: ...
