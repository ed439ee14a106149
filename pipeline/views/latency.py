"""How long answers took, in words: half of them within so long, 95 % and 99 % within so long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import UsageError
from pipeline.views.answers import Cell, Desk
from pipeline.views.cards import Tab
from pipeline.views.lists import NO_VALUE, Listed, listed
from pipeline.views.view import View
from pipeline.views.wording import took

TIMES: Final = Tab(
    "times", "Response times", "Answered in", ("response_time",), ("hits",), (), (NO_VALUE,)
)
_SHARES: Final = {
    "response_time_p50": "half",
    "response_time_p95": "95 %",
    "response_time_p99": "99 %",
}

_UNTOLD: Final = {"withheld": "withheld", "not_yet_closed": "not known yet"}


@dataclass(frozen=True, slots=True)
class Times:
    """The histogram, and a sentence. ``unsure``: the sentence gives a range or less of some."""

    list: Listed
    said: str
    unsure: bool


def times(desk: Desk, view: View) -> Times | None:
    """Ask how long answers took; None where no log says, or not with such filters."""
    found = listed(desk, view, TIMES)
    if found.trouble is not None or all(item.folded for item in found.items):
        return None
    try:
        answer = desk.ask(
            {
                "site": view.site,
                "metrics": list(_SHARES),
                "date_range": view.date_range(),
                "filters": view.query_filters(),
            }
        )
    except UsageError:
        return None
    unsure = any(cell.state == "withheld" for cell in answer.totals)
    return Times(found, sentence(answer.totals), unsure)


def sentence(cells: Sequence[Cell]) -> str:
    """Return what the quantiles say, from half to nearly all."""
    clauses = [f"{_SHARES[cell.metric]} {_within(cell)}" for cell in cells]
    return f"Of the answers whose time is logged, {', '.join(clauses[:-1])} and {clauses[-1]}."


def _within(cell: Cell) -> str:
    if cell.span is None:
        return f"in a time that is {_UNTOLD.get(cell.state, 'not known')}"
    low, high = cell.span
    if high is None:
        return f"within {took(low)} or more"
    certain = cell.value is not None
    return f"within {took(high)}" if certain or not low else f"within {took(low)} to {took(high)}"
