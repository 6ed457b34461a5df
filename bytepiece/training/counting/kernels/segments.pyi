import numpy as np
from numpy.typing import NDArray

def cut_segments(
    data: bytes,
    document_ends: NDArray[np.int64],
    max_characters: int,
    max_newlines: int,
    zeros: NDArray[np.int64],
) -> NDArray[np.int64]: ...
