from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.ids import IdArray

class Weights:
    def __init__(self, automaton: Automaton, alpha: float) -> None: ...
    def __reduce__(self) -> Any: ...

def sample_spans(
    automaton: Automaton,
    spans: list[tuple[str | bytes, int, int] | int],
    documents: list[int],
    alpha: float,
    seed_low: int,
    seed_high: int,
    weights: Weights | None = None,
) -> tuple[IdArray, NDArray[np.int64]]: ...
def measure_all(automaton: Automaton, data: bytes, alpha: float) -> tuple[float, float]: ...
