"""Tasks whose outputs do not fit into memory."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Large:
    """Yield 20 MB, of which nothing can be compressed."""

    def __call__(self, item):
        yield np.random.default_rng(0).integers(2**63, size=20 * 2**17)
