import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.training.refinement.kernels.sample import Sample

NONE: int
MANY: int

def piece_documents(automaton: Automaton, sample: Sample, begin: int, end: int) -> NDArray[np.uint32]: ...
