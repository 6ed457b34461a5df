import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes

class Sample:
    data: bytes | NDArray[np.uint8]
    offsets: NDArray[np.int64]
    posting_offsets: NDArray[np.uint32]
    postings: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    n_documents: int
    whole: bool
    text_bytes: int
    def __init__(
        self,
        data: bytes | NDArray[np.uint8],
        offsets: NDArray[np.int64],
        posting_offsets: NDArray[np.uint32],
        postings: NDArray[np.uint32],
        n_documents: int,
        whole: bool = True,
    ) -> None: ...
    @property
    def amounts(self) -> tuple[int, int, int]: ...
    def shares(self, n: int) -> list[tuple[int, int]]: ...

class Pieces:
    def __init__(self, packed: PackedBytes) -> None: ...
    def __len__(self) -> int: ...

class Tokens:
    sample: Sample
    pieces: Pieces
    ids: NDArray[np.uint32]
    ends: NDArray[np.int64]
    def __init__(self, sample: Sample, pieces: Pieces, ids: NDArray[np.uint32], ends: NDArray[np.int64]) -> None: ...
    def __len__(self) -> int: ...
    def count(self, begin: int, end: int) -> NDArray[np.uint64]: ...
