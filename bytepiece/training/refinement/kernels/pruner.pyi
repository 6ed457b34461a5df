import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.training.refinement.kernels.sample import Tokens

class Pruner:
    n_pieces: int
    n_left: int
    n_tokens: int
    def __init__(
        self,
        automaton: Automaton,
        tokens: Tokens,
        costs: NDArray[np.uint32],
        rarest: NDArray[np.uint32],
        weights: NDArray[np.float64],
        penalties: NDArray[np.float64],
    ) -> None: ...
    def estimate(self, candidates: NDArray[np.int64], windows: int) -> NDArray[np.float64]: ...
    def consider(self, candidates: NDArray[np.int64]) -> None: ...
    def drop(self, number: int, most_stale: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
    def left(self) -> NDArray[np.int64]: ...
    def segmentation(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]: ...
