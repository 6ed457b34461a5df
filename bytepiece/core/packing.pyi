from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray
from bytepiece.core.packed import CountedBytes, PackedBytes

def select_strings(
    packed: PackedBytes, numbers: NDArray[np.signedinteger[Any]]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
def join_strings(packed: PackedBytes, ids: IdArray | NDArray[np.uint32]) -> bytes | None: ...
def merge_counted(
    left: CountedBytes, right: CountedBytes
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint64]]: ...
def find_descent(packed: PackedBytes) -> int | None: ...
def find_repeat(packed: PackedBytes) -> tuple[int, int] | None: ...
