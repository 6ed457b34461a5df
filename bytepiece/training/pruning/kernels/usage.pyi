import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes

def count_uses(automaton: Automaton, counted: CountedBytes) -> NDArray[np.uint64]: ...
