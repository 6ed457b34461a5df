import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray

def replace_marks(
    ids: IdArray | NDArray[np.uint32], positions: NDArray[np.int64], mark_id: int, inserted: list[list[int]]
) -> tuple[IdArray, NDArray[np.int64]]: ...
