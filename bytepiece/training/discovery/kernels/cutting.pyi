import numpy as np
from numpy.typing import NDArray

from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.discovery.kernels.model import NgramModel

def count_candidates(
    model: NgramModel,
    data: bytes | NDArray[np.uint8],
    segment_ends: NDArray[np.int64],
    counts: NDArray[np.uint64] | None,
    ensure_unicode: bool,
    table: PieceTable,
) -> None: ...
