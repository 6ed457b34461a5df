import numpy as np
from numpy.typing import NDArray

def cut_words(
    data: bytes, begin: int, segment_ends: NDArray[np.int64], classes: NDArray[np.uint8]
) -> NDArray[np.int64]: ...
