"""How long visits of several page views lasted, in classes: the way in which their spread is told.

The classes are ours. They never change, so that histograms of any days add up.
"""

from __future__ import annotations

from typing import Final

LONGEST: Final[dict[str, int | None]] = {
    "0-10 s": 10,
    "11-30 s": 30,
    "31-60 s": 60,
    "1-3 min": 180,
    "3-10 min": 600,
    "10-30 min": 1800,
    "30+ min": None,
}
"""Class → the longest visit in it, in whole seconds; the last has none."""
CLASSES: Final = tuple(LONGEST)
"""Names of the classes, the shortest visits first."""


def _ends() -> dict[str, tuple[int, int | None]]:
    begins = (0, *(most + 1 for most in LONGEST.values() if most is not None))
    return dict(zip(CLASSES, zip(begins, LONGEST.values(), strict=True), strict=True))


ENDS: Final = _ends()
"""Class → seconds of its shortest and its longest visit."""
