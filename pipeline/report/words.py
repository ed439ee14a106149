"""Numbers, sizes, dates and foreign text as a reader wants them."""

from __future__ import annotations

import datetime as dt
from typing import Final

NARROW_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
_KIBI: Final = 1024
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()


def number(value: int, separator: str = NARROW_SPACE) -> str:
    """Return ``value`` with its thousands set apart."""
    return f"{value:,}".replace(",", separator)


def brief(value: int) -> str:
    """Return a large ``value`` in millions: ``12.3M``."""
    return f"{value / 1e6:.1f}M"


def size(value: int) -> str:
    """Return a number of bytes in binary units, three digits: ``2.56 GiB``."""
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < _KIBI:
            if unit == "B":
                return f"{value} B"
            return f"{amount:.{2 if amount < 10 else 1 if amount < 100 else 0}f} {unit}"  # noqa: PLR2004 - one, two and three digits
        amount /= _KIBI
    return f"{amount:.1f} PiB"


def percent(share: float) -> str:
    """Return a share as a percentage; ``<0.1%`` rather than a zero that is none."""
    if 0 < share < 0.0005:  # noqa: PLR2004 - what would round to 0.0%
        return "<0.1%"
    return f"{share:.1%}"


def date(value: dt.date) -> str:
    """Return ``Sun 17 May 2015``, whatever the locale."""
    return f"{_DAYS[value.weekday()]} {value.day:2} {_MONTHS[value.month - 1]} {value.year}"


def short_date(value: dt.date) -> str:
    """Return ``17 May``."""
    return f"{value.day} {_MONTHS[value.month - 1]}"


def span(start: dt.datetime, end: dt.datetime, zone: str) -> str:
    """Return the period from ``start`` to ``end`` by a zone's clock, as a reader would say it."""
    last = (end - dt.timedelta(seconds=1)).date()
    if start.date() == last:
        return f"{short_date(last)} {last.year}, {start:%H:%M} to {_until(end)} {zone}"
    first = short_date(start.date()) + (f" {start.year}" if start.year != last.year else "")
    return f"{first} {start:%H:%M} to {short_date(last)} {last.year} {_until(end)} {zone}"


def _until(end: dt.datetime) -> str:
    return "24:00" if (end.hour, end.minute) == (0, 0) else f"{end:%H:%M}"
