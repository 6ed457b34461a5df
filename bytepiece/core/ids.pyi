from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_ID: int

class IdArray:
    def __buffer__(self, flags: int, /) -> memoryview[Any]: ...
    def __len__(self) -> int: ...
    def tolist(self, ints: list[int | None]) -> list[int]: ...

def frame_documents(
    ids: IdArray | NDArray[np.uint32], ends: NDArray[np.int64], before: int, after: int, wide: bool
) -> tuple[NDArray[np.uint16] | NDArray[np.uint32], NDArray[np.int64]]: ...
