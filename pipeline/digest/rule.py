"""When a day is unusual: its modified z-score against the same weekday of the weeks before.

The score is that of B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers (1993): with the
median m of the past and the median MAD of its distances from m, 0.6745 (x - m) / MAD, which is the
distance in standard deviations where the past is normal; above 3.5 it is an outlier. Recommended
by the NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.5.17.

Median and MAD do not move with one odd week. Where the past hardly varies MAD is near 0 and any
change would be unusual; so the deviation is taken as no less than what chance alone makes of a
count (Poisson: the root of m) or of a share (binomial: the root of m (1 - m) / n).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

SCORE: Final = 3.5
FEWEST_WEEKS: Final = 4
MOST_WEEKS: Final = 8
_NORMAL: Final = 0.6745
LEAST_SHARE: Final = 0.02
"""A share must move by so much; a count by k and by ``LEAST_CHANGE`` of its median."""
LEAST_CHANGE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Unusual:
    """What was seen, the median of the weeks before, and the modified z-score."""

    value: float
    usual: float
    score: float
    weeks: int


def count(value: int, past: Sequence[int], k: int) -> Unusual | None:
    """Return what is unusual about a count, None where nothing is or too little is known."""
    if len(past) < FEWEST_WEEKS:
        return None
    usual = float(median(past))
    least = max(k, LEAST_CHANGE * usual)
    return _judged(value, past, least, chance=math.sqrt(usual))


def share(value: float, of: int, past: Sequence[float], k: int) -> Unusual | None:
    """Return what is unusual about a share of ``of`` requests, where it is above what is usual.

    The change must be k of these requests too. A smaller share of failures needs nobody.
    """
    if len(past) < FEWEST_WEEKS or not of:
        return None
    usual = float(median(past))
    if value <= usual:
        return None
    least = max(LEAST_SHARE, k / of)
    return _judged(value, past, least, chance=math.sqrt(usual * (1 - usual) / of))


def _judged(value: float, past: Sequence[float], least: float, chance: float) -> Unusual | None:
    usual = float(median(past))
    spread = float(median([abs(x - usual) for x in past])) / _NORMAL
    distance = value - usual
    deviation = max(spread, chance)
    score = distance / deviation if deviation else math.copysign(math.inf, distance)
    if abs(distance) < least or not distance or abs(score) <= SCORE:
        return None
    return Unusual(value, usual, score, len(past))
