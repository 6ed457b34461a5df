import numpy as np
from numpy.typing import NDArray

from bytepiece.training.refinement.kernels.sample import Sample

class SegmentTable:
    @property
    def amounts(self) -> tuple[int, int, int]: ...
    def add(
        self, data: bytes | NDArray[np.uint8], segment_ends: NDArray[np.int64], documents: NDArray[np.uint32]
    ) -> None: ...
    def take(self, n_documents: int, whole: bool = True) -> Sample: ...
