import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.training.refinement.kernels.sample import Sample, Tokens

NO_DOCUMENT: int
SEVERAL: int

def token_documents(tokens: Tokens, begin: int, end: int) -> NDArray[np.uint32]: ...
def string_documents(automaton: Automaton, sample: Sample, begin: int, end: int) -> NDArray[np.uint32]: ...
