import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes

class Sample:
    data: bytes
    offsets: NDArray[np.int64]
    documents: NDArray[np.uint32]
    document_ends: NDArray[np.int64]
    whole: bool
    def __init__(
        self,
        data: bytes,
        offsets: NDArray[np.int64],
        documents: NDArray[np.uint32],
        document_ends: NDArray[np.int64],
        whole: bool = True,
    ) -> None: ...
    def shares(self, n: int) -> list[tuple[int, int]]: ...

def token_ends(sample: Sample, pieces: Pieces, ids: NDArray[np.uint32], begin: int, end: int) -> NDArray[np.int64]: ...

class Pieces:
    def __init__(self, packed: PackedBytes) -> None: ...
    def __len__(self) -> int: ...
