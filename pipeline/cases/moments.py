"""Times as people write them."""

from __future__ import annotations

import datetime as dt
from typing import Final

from pipeline.errors import UsageError

_DAY: Final = dt.timedelta(days=1)


def moment(text: str, *, end: bool = False) -> int:
    """Return seconds since 1970 UTC of an ISO date or time; the end of its day for a date.

    Raises UsageError. A time without an offset is UTC.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "a time is written as 2026-11-29 or 2026-11-29T14:30, UTC unless it says otherwise"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=dt.UTC)
    whole = len(text.strip()) <= len("2026-11-29")
    try:
        return int((found + _DAY).timestamp()) - 1 if end and whole else int(found.timestamp())
    except OverflowError:
        raise UsageError("a time lies beyond the calendar: name one before the year 9999") from None
