"""What a report asks of its tables: the visits of each site, and the cards of its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import stopwatch
from pipeline.errors import UsageError
from pipeline.policy import Crossings
from pipeline.report.model import Report, Visits
from pipeline.rows import OTHER
from pipeline.settings import Goals
from pipeline.views.answers import Desk, Remembering
from pipeline.views.board import Filled, Headline, cards_of, fill, headline
from pipeline.views.cards import Card, Tab
from pipeline.views.special import WIDGET
from pipeline.views.view import View
from pipeline.zones import Zones

_TOP: Final = 5
_BEGINNING: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CLOSED: Final = dt.timedelta(days=4)
"""After so long everything has closed, by whichever clock."""
_METRICS: Final = ("visits", "bounce_rate", "views_per_visit", "visit_duration")
_EVENTS: Final = ("hits", "visitors")
_OF_WIDGET: Final = Card(
    "widget",
    "Chat widget",
    (
        Tab("event", "Events", "Event", ("event",), _EVENTS),
        Tab("detail", "Details", "Detail", ("detail",), _EVENTS, (), ("(none)",)),
        Tab("locale", "Languages", "Language", ("locale",), _EVENTS, (), ("(none)",)),
        Tab("screen", "Screens", "Screen", ("screen",), _EVENTS, (), ("(none)",)),
        Tab("version", "Versions", "Version", ("widget_version",), _EVENTS, (), ("(none)",)),
    ),
)


@dataclass(frozen=True, slots=True)
class Section:
    """A site on the page, with its chat widget: its numbers, and each card with its tabs.

    ``glance`` is None where there is a widget and no site; ``empty`` are the titles of cards that
    nothing was released for.
    """

    site: str
    view: View
    glance: Headline | None
    cards: tuple[tuple[Filled, ...], ...]
    empty: tuple[str, ...]


def desk_for(run: QueryFn, report: Report, k: int, crossings: Crossings, goals: Goals) -> Desk:
    """Return what a report asks. Its clock stands where everything it is of has closed."""
    period = report.period
    now = (period[1] if period else _BEGINNING) + _CLOSED
    kept_days = (now - _BEGINNING).days
    zones = Zones(report.zone)
    return Desk(Remembering(run, stopwatch), lambda: now, k, kept_days, crossings, goals, zones)


def visits(desk: Desk, report: Report) -> tuple[Visits, ...]:
    """Ask for the visits of each site that has any; raises UnavailableError."""
    found = (_visits(desk, report, site) for site in report.sites if not site.endswith(WIDGET))
    return tuple(one for one in found if one is not None)


def _visits(desk: Desk, report: Report, site: str) -> Visits | None:
    asked = {"site": site, "date_range": _days(report)}
    told = {c.metric: c.value for c in desk.ask({**asked, "metrics": list(_METRICS)}).totals}
    if not told["visits"]:
        return None

    def top(metric: str, page: str) -> tuple[tuple[str, int], ...]:
        question = {"metrics": [metric], "dimensions": [page], "order": [[metric, "desc"]]}
        lines = desk.ask({**asked, **question, "limit": _TOP + 1}).lines
        counted = [(line.values[0], line.cells[0].value) for line in lines]
        return tuple((name, int(n)) for name, n in counted if n and name != OTHER)[:_TOP]

    return Visits(
        site,
        int(told["visits"]),
        told["bounce_rate"],
        told["views_per_visit"],
        told["visit_duration"],
        entries=top("entries", "entry_page"),
        exits=top("exits", "exit_page"),
    )


def sections(desk: Desk, report: Report) -> Iterator[Section]:
    """Ask for the cards of each site, a widget with the site it belongs to."""
    names = set(report.sites)
    first, last = (dt.date.fromisoformat(day) for day in _days(report))
    for site in sorted({name.removesuffix(WIDGET) for name in names}):
        view = View(site, (first, last), compare=False, whole=True, base="#")
        glance = headline(desk, view) if site in names else None
        filled = [
            (card.title, _tabs(desk, view, card))
            for card in cards_of(desk, site, widget=site + WIDGET in names)
            if card.widget or site in names
        ]
        if site + WIDGET in names:
            own = View(site + WIDGET, view.period, compare=False, whole=True, base="#")
            filled.append((_OF_WIDGET.title, _tabs(desk, own, _OF_WIDGET)))
        yield Section(
            site,
            view,
            glance,
            cards=tuple(tabs for _, tabs in filled if tabs),
            empty=tuple(title for title, tabs in filled if not tabs),
        )


def _tabs(desk: Desk, view: View, card: Card) -> tuple[Filled, ...]:
    found = (fill(desk, view.with_tab(card.name, tab.name), card) for tab in card.tabs)
    return tuple(one for one in found if not (one.impossible or one.empty))


def _days(report: Report) -> list[str]:
    if report.period is None:
        raise UsageError("nothing was released: there is no period to ask for")
    first, end = report.period
    return [first.date().isoformat(), (end - dt.timedelta(seconds=1)).date().isoformat()]
