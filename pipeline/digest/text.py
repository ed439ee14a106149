"""A digest as plain text, for a terminal and for mail."""

from __future__ import annotations

from pipeline.digest.alerts import sentence
from pipeline.digest.contents import Digest, Listed
from pipeline.digest.wording import amount, change, clean, days, footnotes


def as_text(digest: Digest) -> str:
    """Return a digest in lines of text."""
    week = digest.week
    days_of = f"{week.first:%d %b} to {week.last:%d %b %Y} ({week}), {digest.zone}"
    lines = [f"{digest.site}: {days_of}", ""]
    lines += [f"! {sentence(alert)}" for alert in digest.alerts]
    lines += [""] if digest.alerts else []
    lines.append(f"{'':26}{'this week':>14}{'week before':>14}{'change':>14}")
    for number in digest.numbers:
        shown, before = amount(number.kind, number.value), amount(number.kind, number.before)
        moved = change(number)
        note = f"   ({days(number)})" if days(number) else ""
        lines.append(f"{number.name:26}{shown:>14}{before:>14}{moved:>14}{note}".rstrip())
    for title, listed in (
        ("Pages, by page views", digest.pages),
        ("Sources, by visits", digest.sources),
        ("What failed, by requests", digest.failed),
    ):
        lines += _list(title, listed)
    return "\n".join([*lines, "", *footnotes(digest)]) + "\n"


def _list(title: str, listed: Listed) -> list[str]:
    rows = [f"{number:>14,}  {clean(value)}" for value, number in listed]
    return ["", title, *(rows or ["               not shown"])]
