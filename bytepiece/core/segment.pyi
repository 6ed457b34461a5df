from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton

class IdArray:
    def __buffer__(self, flags: int, /) -> memoryview[Any]: ...
    def __len__(self) -> int: ...
    def tolist(self, ints: list[int | None]) -> list[int]: ...

@overload
def segment(automaton: Automaton, text: str | bytes, first_id: int, counting: Literal[False] = False) -> IdArray: ...
@overload
def segment(automaton: Automaton, text: str | bytes, first_id: int, counting: Literal[True]) -> int: ...
@overload
def segment(automaton: Automaton, text: str | bytes, first_id: int, counting: bool) -> IdArray | int: ...
def segment_spans(
    automaton: Automaton, spans: list[tuple[str | bytes, int, int]] | list[tuple[bytes, int, int]], first_id: int
) -> tuple[IdArray, NDArray[np.int64]]: ...
def segment_parts(
    automaton: Automaton,
    data: bytes | NDArray[np.uint8],
    offsets: NDArray[np.int64],
    begin: int,
    end: int,
) -> tuple[IdArray, NDArray[np.int64]]: ...
