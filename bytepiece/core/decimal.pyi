from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray

def write_lines(ids: IdArray | NDArray[np.uint32], ends: NDArray[np.int64]) -> bytes: ...
def read_lines(data: Any) -> tuple[NDArray[np.uint32], NDArray[np.int64]] | None: ...
