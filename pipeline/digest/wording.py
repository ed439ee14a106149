"""A digest's numbers and sentences, the same in every form it takes."""

from __future__ import annotations

from typing import Final

from pipeline.digest.contents import Digest, Number
from pipeline.digest.weeks import DAYS

NOT_SHOWN: Final = "not shown"


def amount(kind: str, value: float | None) -> str:
    """Return a number as people read it."""
    if value is None:
        return NOT_SHOWN
    return f"{value:.1%}" if kind == "share" else f"{value:,.0f}"


def change(number: Number) -> str:
    """Return how a number moved on the weekdays that both weeks show; empty where it is unknown."""
    if number.now is None or number.before is None:
        return ""
    if number.kind == "share":
        points = round((number.now - number.before) * 100, 1)
        return f"{points:+.1f} points" if points else "as before"
    if not number.before:
        return ""
    moved = round(number.now / number.before - 1, 2)
    return f"{moved:+.0%}" if moved else "as before"


def days(number: Number) -> str:
    """Say of how many days a number is, where it is not of all, and on how many it was compared."""
    said = [] if number.days in {0, DAYS} else [f"{number.days} of {DAYS} days"]
    if 0 < number.both < DAYS:
        said.append(f"compared on {number.both}")
    return "; ".join(said)


def subject(digest: Digest) -> str:
    """Return the subject of a mail."""
    views = digest.numbers[0]
    moved = f" ({change(views)})" if change(views) else ""
    alerts = f", {len(digest.alerts)} unusual" if digest.alerts else ""
    return f"{digest.site} {digest.week}: page views {amount('count', views.value)}{moved}{alerts}"


def footnotes(digest: Digest) -> tuple[str, ...]:
    """Return what a reader must know of the numbers."""
    found = [
        f"Every number stands for at least {digest.k} visitors of its day. What fewer had is in no "
        'list here, and a number that is not shown is not 0. Lists say "at least".',
        "Visitor-days add up each day's visitors: nobody is known from one day to the next.",
    ]
    return (*found, *([f"These numbers are {digest.lacking}."] if digest.lacking else []))


def clean(value: str) -> str:
    """Return a value without what is not printed: it may have come from anywhere."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
