"""Time as an argument: nothing else in the package reads the wall clock."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], dt.datetime]
"""Returns the present moment as an aware datetime in UTC."""

EVER: Final = 2**62
"""A moment (in seconds) past every window: that of an ingest which has ended."""

Stopwatch = Callable[[], float]
"""Returns seconds on a clock that only moves forward."""


def system_clock() -> dt.datetime:
    """Return the machine's present moment, UTC."""
    return dt.datetime.now(dt.UTC)


def stopwatch() -> float:
    """Return monotonic seconds, for durations."""
    return time.monotonic()
