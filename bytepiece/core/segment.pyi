import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.ids import IdArray

def segment(automaton: Automaton, text: str | bytes) -> IdArray: ...
def count_ids(automaton: Automaton, text: str | bytes) -> int: ...
def segment_spans(
    automaton: Automaton, spans: list[tuple[str | bytes, int, int] | int]
) -> tuple[IdArray, NDArray[np.int64]]: ...
def segment_packed(
    automaton: Automaton, data: bytes | bytearray | NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[IdArray, NDArray[np.int64]]: ...
