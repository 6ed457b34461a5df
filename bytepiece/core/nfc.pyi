from typing import Final

import numpy as np
from numpy.typing import NDArray

JOINS: Final[int]
CHANGES: Final[int]
JOINS_AND_CHANGES: Final[int]
NO_TABLE: Final[int]

def hash_pairs(pairs: list[tuple[int, int]]) -> NDArray[np.uint64]: ...
def quick_check(text: str, classes: NDArray[np.uint8] | None, pairs: NDArray[np.uint64] | None) -> int: ...
def changing_clusters(text: str, classes: NDArray[np.uint8], pairs: NDArray[np.uint64]) -> NDArray[np.int64]: ...
def has_long_cluster(text: str, classes: NDArray[np.uint8], pairs: NDArray[np.uint64], least: int) -> bool: ...
