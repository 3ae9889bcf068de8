"""How far two samples of times lie apart, said so that a reader can judge: an effect size and an interval.

With ten thousand pairs every difference is "significant"; what matters is whether one answer tells which it was.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 1_000


@dataclass(frozen=True)
class Effect:
    """``delta`` is Cliff's: 0 = nothing to tell, ±1 = one answer tells all. Times in microseconds."""

    pairs: int
    median: float
    delta: float
    difference: float
    low: float
    high: float


def cliffs_delta(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how much more often a time of ``first`` is above one of ``second`` than below it, from -1 to 1."""
    ordered = sorted(second)
    above = sum(bisect_left(ordered, value) for value in first)
    below = sum(len(ordered) - bisect_right(ordered, value) for value in first)
    return (above - below) / (len(first) * len(second))


def effect(first: Sequence[float], second: Sequence[float], seed: int = 1) -> Effect:
    """Compare paired times in seconds; the interval of the median difference is the bootstrap's 95 %."""
    differences = [(one - other) * 1e6 for one, other in zip(first, second, strict=True)]
    dice = random.Random(seed)
    found = sorted(median(dice.choices(differences, k=len(differences))) for _ in range(RESAMPLES))
    return Effect(
        pairs=len(differences),
        median=median(second) * 1e6,
        delta=cliffs_delta(first, second),
        difference=median(differences),
        low=found[int(RESAMPLES * 0.025)],
        high=found[int(RESAMPLES * 0.975) - 1],
    )
