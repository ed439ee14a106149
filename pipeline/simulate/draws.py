"""Draws from uneven odds, a column at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

TIDE: Final = (
    3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 14, 15, 17, 19, 20, 17, 11, 6,
)  # fmt: skip
"""Visits begun in each hour of a site's day, in relation to each other."""


def cumulated(weights: Weights) -> Weights:
    """Return running sums of ``weights``, ending in 1."""
    total: Weights = np.cumsum(weights)
    return total / float(total[-1])


def zipf(count: int, exponent: float) -> Weights:
    """Return the cumulated odds of ``count`` ranks, each ``1 / rank ** exponent``."""
    return cumulated(1 / np.arange(1, count + 1) ** exponent)


def draw(rng: np.random.Generator, odds: Weights, count: int) -> Indices:
    """Return ``count`` indices into what ``odds`` weighs."""
    return np.searchsorted(odds, rng.random(count), side="right")


def mixed(*words: Words | Indices | int) -> Words:
    """Return 64 well-mixed bits of whole numbers: equal numbers give equal bits.

    The finaliser of SplitMix64 (https://prng.di.unimi.it/splitmix64.c), once per number.
    """
    state: Words = np.zeros(1, np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            state = state + np.asarray(word).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state
