import numpy as np
from numpy.typing import NDArray

from bytepiece.training.refinement.kernels.sample import Pieces, Sample

COMMON: int

def character_documents(sample: Sample, most: int) -> NDArray[np.uint32]: ...
def rarest_characters(pieces: Pieces, documents: NDArray[np.uint32], most: int) -> NDArray[np.uint32]: ...
def spelled_characters(sample: Sample, pieces: Pieces, ids: NDArray[np.uint32]) -> NDArray[np.uint64]: ...
