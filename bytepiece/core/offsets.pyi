import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray

def piece_offsets(
    ids: IdArray | NDArray[np.uint32], lengths: NDArray[np.int32], data: bytes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def character_numbers(data: bytes) -> NDArray[np.int64]: ...
def covering_spans(
    spans: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]: ...
