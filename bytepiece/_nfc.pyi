from typing import Final

import numpy as np
from numpy.typing import NDArray

JOINS: Final[int]
CHANGES: Final[int]
JOINS_AND_CHANGES: Final[int]
NO_TABLE: Final[int]

def hash_pairs(pairs: list[tuple[int, int]]) -> bytearray: ...
def quick_check(text: str, classes: NDArray[np.uint8] | None, pairs: bytearray | None) -> int: ...
def changing_clusters(text: str, classes: NDArray[np.uint8], pairs: bytearray) -> NDArray[np.int64]: ...
