import numpy as np
from numpy.typing import NDArray

from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.discovery.kernels.model import NgramModel

def count_candidates(
    model: NgramModel,
    data: bytes,
    begin: int,
    segment_ends: NDArray[np.int64],
    ensure_unicode: bool,
    table: PieceTable,
) -> None: ...
