"""Lists of values with bars: what a card shows of one of its tabs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from pipeline.errors import UsageError
from pipeline.response_times import CLASSES, ENDS
from pipeline.views import countries
from pipeline.views.answers import Answer, Cell, Desk, Line
from pipeline.views.cards import TO_OTHERS, WAITS, Tab
from pipeline.views.view import FILTERS, View
from pipeline.views.wording import between
from pipeline.visit_lengths import CLASSES as LENGTHS

OTHER: Final = "(other)"
UNKNOWN: Final = "(unknown)"
NO_VALUE: Final = "(none)"
_SHOWN: Final = 9
_ASKED: Final = 12
_ALL: Final = 200
_CALLED: Final = {
    OTHER: "Everything else",
    NO_VALUE: "None given",
    UNKNOWN: "Unknown",
    "(internal)": "This site itself",
    "direct": "Direct",
    "": "None given",
}
_IN_ORDER: Final = {
    "visit_length": {name: at for at, name in enumerate(LENGTHS)},
    "response_time": {name: at for at, name in enumerate(CLASSES)},
    "status_class": {f"{first}xx": first for first in range(1, 6)},
}
"""Dimensions whose values have an order of their own → the place of each."""
_WHOLE: Final = {*_IN_ORDER, "country", "goal"}
"""Dimensions of few values, all of which are asked for: goals that are events come last of all."""
_NAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "status_class": {
        "1xx": "1xx, informational",
        "2xx": "2xx, as asked",
        "3xx": "3xx, elsewhere or unchanged",
        "4xx": "4xx, refused or not found",
        "5xx": "5xx, the server failed",
    },
    "came_from": {"(direct)": "No page at all", "(elsewhere)": "Other sites"},
    "response_time": {name: between(*ends) for name, ends in ENDS.items()},
    "detail": {
        **{name: name.replace("_", " ").capitalize() for name in WAITS},
        f"{TO_OTHERS}unnamed": "Not a site's name",
    },
}
_EVENTS: Final = {
    "shown": "Widget shown",
    "opened": "Opened",
    "chat_requested": "Chat requested",
    "chat_started": "Chat started",
    "rated": "Rated",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line: what it is called, where a click leads, its numbers and the length of its bar."""

    value: str
    label: str
    href: str | None
    cells: tuple[Cell, ...]
    bar: float
    folded: bool

    @property
    def chosen(self) -> bool:
        """Tell whether the page is of this value already."""
        return self.href is None and not self.folded


@dataclass(frozen=True, slots=True)
class Listed:
    """A tab's answer. ``trouble`` says why there is none."""

    items: tuple[Item, ...] = ()
    heads: tuple[str, ...] = ()
    more: bool = False
    trouble: str | None = None
    notes: tuple[str, ...] = ()


def question(view: View, tab: Tab, *, limit: int = _ASKED) -> dict[str, object]:
    """Return what a tab asks of a view."""
    return {
        "site": view.site,
        "metrics": list(tab.metrics),
        "date_range": view.date_range(),
        "dimensions": list(tab.dimensions),
        "filters": [*view.query_filters(), *tab.only],
        "order": [[metric, "desc"] for metric in tab.metrics if metric != "conversion_rate"],
        "limit": limit,
    }


def listed(desk: Desk, view: View, tab: Tab) -> Listed:
    """Ask what a tab asks, and make a list of it."""
    try:
        limit = _ALL if tab.dimensions[0] in _WHOLE else _ASKED
        answer = desk.ask(question(view, tab, limit=limit))
    except UsageError as error:
        return Listed(trouble=trouble(view, tab, error))
    found = arranged(answer, view, tab)
    if tab.dimensions != ("goal",):
        return found
    # Of a goal that is an event no page can be told.
    pages = {name for name, goal in desk.goals.get(view.site, {}).items() if goal.page}
    items = (one if one.value in pages else replace(one, href=None) for one in found.items)
    return replace(found, items=tuple(items))


def arranged(answer: Answer, view: View, tab: Tab) -> Listed:
    """Return the list of an answer: what is folded together comes last, whatever its size."""
    lines = [line for line in answer.lines if line.values[0] not in tab.without]
    named = [line for line in lines if line.values[0] != OTHER]
    folded = [line for line in lines if line.values[0] == OTHER]
    most_shown = _SHOWN
    order = {name: at for at, name in enumerate(tab.named)} or _IN_ORDER.get(tab.dimensions[0])
    if order is not None:
        named.sort(key=lambda line: order.get(line.values[0], len(order)))
        most_shown = len(named)
    shown = [*named[:most_shown], *folded]
    column = next((n for n, _ in enumerate(tab.metrics) if any(x.cells[n].known for x in shown)), 0)
    most = max((line.cells[column].value or 0 for line in shown), default=0)
    return Listed(
        items=tuple(_item(line, view, tab.dimensions[0], most, column) for line in shown),
        heads=tab.metrics,
        more=answer.more or len(named) > most_shown,
        notes=answer.notes,
    )


def _item(line: Line, view: View, dimension: str, most: float, column: int) -> Item:
    value, folded = line.values[0], line.values[0] == OTHER
    free = dimension in FILTERS and not folded and not view.holds(dimension, value)
    return Item(
        value=value,
        label=label(dimension, value),
        href=view.narrowed(dimension, value).url() if free and not view.base else None,
        cells=line.cells,
        bar=round(100 * (line.cells[column].value or 0) / most, 1) if most else 0,
        folded=folded,
    )


def label(dimension: str, value: str) -> str:
    """Return what a value of a dimension is called on a page."""
    named = {**_CALLED, **_NAMED.get(dimension, {})}
    if value in named:
        return named[value]
    if dimension == "country":
        return countries.name(value)
    if dimension == "event":
        return _EVENTS.get(value, value.replace("_", " ").capitalize())
    if dimension == "status" and value.isdecimal():
        known = {status.value: status.phrase for status in HTTPStatus}
        return f"{value} {known.get(int(value), '')}".strip()
    if dimension in {"referrer_kind", "bot"}:
        value = re.sub(r"\b(?:ai|seo)\b", lambda found: found[0].upper(), value)
    if dimension in {"referrer_kind", "device", "bot"}:
        return value[:1].upper() + value[1:]
    return value.removeprefix(TO_OTHERS if dimension == "detail" else "")


def shares(cells: Sequence[Cell]) -> list[float | None]:
    """Return what share of the first number each one is; None where one of the two is missing."""
    first = cells[0].value if cells else None
    return [
        None if not first or cell.value is None else min(cell.value / first, 1.0) for cell in cells
    ]


def trouble(view: View, tab: Tab, error: UsageError) -> str:
    """Return why a tab has no numbers, in the words of the page."""
    if not view.filters:
        return sentence(error)
    names = " and ".join(dict.fromkeys(FILTERS[one.dimension].lower() for one in view.filters))
    return f"{tab.title}: not counted together with {names}."


def sentence(error: Exception) -> str:
    """Return what an error says, as a sentence."""
    said = str(error).partition(": ")[2] or str(error)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"
