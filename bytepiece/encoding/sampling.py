"""How a call samples: alpha, seed, and the table of weights that makes draws faster."""

from __future__ import annotations

import math
import os
from numbers import Real
from typing import NamedTuple, TypeAlias

import numpy as np

from bytepiece.core.automaton import Automaton
from bytepiece.core.sampling import Weights
from bytepiece.errors import SettingsError, check_int, shown

__all__ = ["MAX_ALPHA", "Sampler", "Sampling", "Seed", "check_alpha"]

MAX_ALPHA = 1e6
"""The greatest finite alpha. With a greater one, the rounding of scores would decide."""

Seed: TypeAlias = int | np.integer | np.random.Generator | None
"""An int from 0 to 2**128 - 1, a generator from which such an int is drawn, or None for chance."""


class Sampling(NamedTuple):
    """How a call samples: the last arguments of `sample_spans`."""

    alpha: float
    seed_low: int
    seed_high: int
    weights: Weights | None


class Sampler:
    """Makes a `Sampling` for each call.

    It keeps the `Weights` of the last alpha, once enough has been drawn with it for them to pay off. Draws do not
    depend on them.

    Thread safety: any number of threads can share one.
    """

    def __init__(self, automaton: Automaton) -> None:
        self._automaton = automaton
        self._last: tuple[float, int, Weights | None] = -1.0, 0, None  # alpha, bytes drawn; replaced as a whole

    def sampling(self, alpha: float, seed: Seed, n_bytes: int) -> Sampling:
        """How to sample ``n_bytes`` of text, with an alpha that `check_alpha` returned.

        Raises `SettingsError` for an invalid seed.
        """
        low, high = _seed_words(seed)
        last_alpha, n_sampled, weights = self._last
        if last_alpha != alpha:
            n_sampled, weights = 0, None
        n_sampled += n_bytes
        # Weights take as long to make as they save in about as many bytes as there are pieces.
        if weights is None and n_sampled > self._automaton.n_pieces:
            weights = Weights(self._automaton, alpha)
        self._last = alpha, n_sampled, weights
        return Sampling(alpha, low, high, weights)


def check_alpha(alpha: object) -> float | None:
    """An alpha as float; None for those that mean the best segmentation: None, infinity and all negative ones.

    Raises `SettingsError` for anything else that is not a number from 0 to `MAX_ALPHA`.

    >>> check_alpha(0.2), check_alpha(-1)
    (0.2, None)
    """
    if alpha is None:
        return None
    if isinstance(alpha, bool) or not isinstance(alpha, (float, int, Real)):  # `Real` last, as it is slow
        raise SettingsError(f"alpha must be a number or None, not {alpha!r}")
    if alpha < 0 or alpha == math.inf:
        return None
    if not alpha <= MAX_ALPHA:
        raise SettingsError(f"alpha must be at most {MAX_ALPHA:.0f}, or infinite, not {shown(alpha)}")
    return float(alpha)


def _seed_words(seed: object) -> tuple[int, int]:
    """A seed as two ints of 64 bits, the low one first."""
    if seed is None:
        number = int.from_bytes(os.urandom(16), "little")
    elif isinstance(seed, np.random.Generator):
        low, high = seed.integers(2**64, size=2, dtype=np.uint64).tolist()
        return low, high
    else:
        number = int(seed) if isinstance(seed, np.integer) else seed  # type: ignore[assignment]
        if isinstance(number, bool) or not isinstance(number, int):
            raise SettingsError(f"seed must be an int, a numpy.random.Generator or None, not {seed!r}")
        check_int("seed", number, 0, 2**128 - 1)
    return number & (2**64 - 1), number >> 64
