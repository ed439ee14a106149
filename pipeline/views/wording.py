"""Numbers, changes and spans of time in the words of a page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

_SECOND: Final = 1000
"""Milliseconds."""
_MINUTE: Final = 60
_HOUR: Final = 3600
SHARES: Final = frozenset({"bounce_rate", "exit_rate", "conversion_rate", "share"})
"""Numbers from 0 to 1."""
SPANS: Final = frozenset({"visit_duration", "visit_duration_p50"})
"""Numbers of seconds."""
_RATIO: Final = frozenset({"views_per_visit"})
_STEPS: Final = ((1_000_000_000, "bn"), (1_000_000, "M"), (10_000, "k"))

DASH: Final = "–"  # noqa: RUF001 -- a dash, as between days
STATES: Final = {
    "withheld": "withheld",
    "expired": "expired",
    "not_yet_closed": "not yet",
}
"""State of a number that is not there → what stands in its place."""


def figure(metric: str, value: float | None) -> str:
    """Return a number in full, as a table has it."""
    if value is None:
        return DASH
    if metric in SHARES:
        return f"{value * 100:.0f} %" if value >= 0.1 or value == 0 else f"{value * 100:.1f} %"  # noqa: PLR2004
    if metric in SPANS:
        return span(value)
    if metric in _RATIO:
        return f"{value:.2f}"
    return f"{round(value):,}"


def short(metric: str, value: float | None) -> str:
    """Return a number as a headline has it: 48,213 is 48.2k."""
    if value is not None and metric not in SHARES | SPANS | _RATIO:
        for least, letter in _STEPS:
            if value >= least:
                unit = 1000 if letter == "k" else least
                return f"{value / unit:.1f}{letter}"
    return figure(metric, value)


def took(milliseconds: int) -> str:
    """Return how long something took: 25 ms, 2.5 s."""
    if milliseconds < _SECOND:
        return f"{milliseconds} ms"
    return f"{milliseconds / _SECOND:g} s"


def between(low: int, high: int | None) -> str:
    """Return a class of such times: up to 5 ms, 5 to 10 ms, 10 s or longer."""
    if high is None:
        return f"{took(low)} or longer"
    if not low:
        return f"up to {took(high)}"
    begins, ends = took(low), took(high)
    same = begins.rpartition(" ")[2] == ends.rpartition(" ")[2]
    return f"{begins.partition(' ')[0] if same else begins} to {ends}"


def span(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a number since the period before. ``good`` is None where nobody can say."""

    text: str
    way: str
    good: bool | None

    @property
    def said(self) -> str:
        """Return it for who cannot see an arrow."""
        return {"up": f"up by {self.text}", "down": f"down by {self.text}"}.get(self.way, self.text)


def change(metric: str, now: float | None, before: float | None) -> Change | None:
    """Return the change; None where one of the two is not there, or there was nothing before."""
    if now is None or before is None:
        return None
    if metric in SHARES:
        points = round((now - before) * 100)
        text, moved = f"{abs(points)} pp", points
    elif before == 0:
        return None
    else:
        percent = round((now - before) / before * 100)
        text, moved = f"{abs(percent):,} %", percent
    if moved == 0:
        return Change("same", "same", None)
    good = (moved > 0) != (metric == "bounce_rate")
    return Change(text, "up" if moved > 0 else "down", good)


def plain(text: str) -> str:
    """Return ``text`` without what could steer a terminal or turn the direction of a line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def shortened(text: str, most: int = 30) -> str:
    """Return a text whose middle is left out where it is long: paths differ at their ends."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def day(date: dt.date) -> str:
    """Return a day as a page says it."""
    return f"{date.day} {date:%b %Y}"


def days(first: dt.date, last: dt.date) -> str:
    """Return a span of days as briefly as can be."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"  # noqa: RUF001 -- a dash between days
    if first.year == last.year:
        return f"{first.day} {first:%b} – {day(last)}"  # noqa: RUF001
    return f"{day(first)} – {day(last)}"  # noqa: RUF001
