"""All that one page shows, asked side by side."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.errors import UsageError
from pipeline.views import countries, exports, special
from pipeline.views.answers import Answer, Cell, Desk
from pipeline.views.cards import CARDS, GOALS, REGIONS, Card, Tab
from pipeline.views.chart import Chart, chart
from pipeline.views.latency import TIMES, times
from pipeline.views.lists import UNKNOWN, Item, Listed, listed, question, sentence
from pipeline.views.live import Lately
from pipeline.views.live import lately as asked_lately
from pipeline.views.view import METRICS, View
from pipeline.views.wording import Change, change, days

_AT_ONCE: Final = frozenset({"pages", "sources"})
"""Cards that are asked for with the page; those further down are fetched when they come near."""
_FEWER_AND_FEWER: Final = (
    tuple(METRICS),
    tuple(metric for metric in METRICS if metric != "views_per_visit"),
    ("visitors", "pageviews"),
)
"""What is asked of a view: all metrics, or those that can be told with its filters."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the headline numbers, and what became of it."""

    metric: str
    title: str
    cell: Cell
    change: Change | None
    chosen: bool
    href: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The numbers above the page, their line, and the days they are of."""

    figures: tuple[Figure, ...] = ()
    chart: Chart | None = None
    span: str = ""
    before: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    notes: tuple[str, ...] = ()
    k: int = 0
    exports: exports.Exports = ()
    trouble: str | None = None

    @property
    def grown(self) -> bool:
        """Tell whether anything is known of the period before."""
        return any(one.cell.before is not None for one in self.figures)


@dataclass(frozen=True, slots=True)
class Filled:
    """A card with what its tab was answered."""

    card: Card
    tab: Tab
    tabs: tuple[tuple[Tab, str, str], ...]
    """Each tab with the URL of its page and of its card alone."""
    waits: str | None = None
    """Where the card is fetched from, where its questions have not been asked yet."""
    list: Listed | None = None
    shades: tuple[tuple[str, str, int, str], ...] = ()
    funnel: special.Funnel | None = None
    flow: special.Flow | None = None
    times: Filled | None = None
    """How long answers took, as a list of its own; ``said`` of it in a sentence."""
    said: str = ""
    unsure: bool = False
    exports: exports.Exports = ()

    @property
    def empty(self) -> bool:
        """Tell whether there is no number in it, or none of anything that is known."""
        if self.list is not None and self.tab.named:
            return not any(item.cells[0].value for item in self.list.items)
        if self.list is not None:
            return not any(_says_something(item) for item in self.list.items)
        if self.funnel is not None:
            return not any(step.cell.value for step in self.funnel.steps)
        return self.flow is not None and not self.flow.ribbons

    @property
    def impossible(self) -> bool:
        """Tell whether this cannot be asked of such a view."""
        found = self.list or self.funnel or self.flow
        return found is not None and found.trouble is not None


@dataclass(frozen=True, slots=True)
class Board:
    """A page. ``lately`` and ``newest`` are None where they are fetched from ``…_waits``."""

    headline: Headline
    lately: Lately | None
    lately_waits: str
    newest: special.Newest | None
    newest_waits: str
    cards: tuple[Filled, ...]


async def board(desk: Desk, view: View, *, lateness: int, widget: bool) -> Board:
    """Ask for what is seen first, or for all of a page; raises UnavailableError.

    ``widget``: the site has a chat widget.
    """
    wanted = cards_of(desk, view.site, widget=widget)
    glance, lately, newest, cards = await asyncio.gather(
        asyncio.to_thread(headline, desk, view),
        asyncio.to_thread(live, desk, view) if view.whole else _nothing(),
        asyncio.to_thread(special.newest, desk, view, lateness) if view.whole else _nothing(),
        asyncio.gather(
            *(
                asyncio.to_thread(
                    fill if view.whole or card.name in _AT_ONCE else _waiting, desk, view, card
                )
                for card in wanted
            )
        ),
    )
    return Board(
        glance,
        lately,
        _fragment(view, "live"),
        newest,
        _fragment(view, "newest"),
        tuple(cards),
    )


def cards_of(desk: Desk, site: str, *, widget: bool) -> list[Card]:
    """Return the cards that there are for a site, with or without a chat ``widget``."""
    return [
        card
        for card in CARDS
        if (widget or not card.widget) and (card.name != GOALS or desk.goals.get(site))
    ]


def live(desk: Desk, view: View) -> Lately:
    """Ask for the last half hour; raises UnavailableError."""
    return asked_lately(desk, view, _fragment(view, "live"))


async def _nothing() -> None:
    """Ask nothing."""


def fill(desk: Desk, view: View, card: Card) -> Filled:
    """Ask what the chosen tab of one card asks; where none was chosen, the first that can be."""
    card = _with_regions(desk, view, card)
    filled = _filled(desk, view, card, card.tab(view.tabs.get(card.name)))
    others = () if card.name in view.tabs else card.tabs[1:]
    for tab in others:
        if not filled.impossible:
            break
        other = _filled(desk, view, card, tab)
        filled = filled if other.impossible else other
    return filled


def _with_regions(desk: Desk, view: View, card: Card) -> Card:
    """Return the card without its tab of regions and cities where none is shown of the site.

    A tab that somebody has chosen says so itself.
    """
    if REGIONS not in card.tabs or view.tabs.get(card.name) == REGIONS.name:
        return card
    found = listed(desk, view, REGIONS)
    if found.trouble is None and any(_says_something(item) for item in found.items):
        return card
    return replace(card, tabs=tuple(tab for tab in card.tabs if tab != REGIONS))


def _says_something(item: Item) -> bool:
    return item.value != UNKNOWN and not item.folded


def _filled(desk: Desk, view: View, card: Card, tab: Tab) -> Filled:
    tabs = tuple(_way(view, card, one) for one in card.tabs)
    if card.kind == "funnel":
        return Filled(card, tab, tabs, funnel=special.funnel(desk, view, tab))
    if card.kind == "flow":
        ways = special.flow(desk, view, tab)
        files = exports.of_tab(view, tab) if ways.ribbons else ()
        return Filled(card, tab, tabs, flow=ways, exports=files)
    if card.widget:
        view = replace(view, site=view.site + special.WIDGET)
    found = listed(desk, view, tab)
    if card.widget:
        # A page of the site cannot be narrowed to what its widget alone knows.
        found = replace(found, items=tuple(replace(item, href=None) for item in found.items))
    shades = _shades(desk, view, tab) if tab.name == "country" and found.trouble is None else ()
    files = exports.of_tab(view, tab) if found.items else ()
    if card.kind == "answers":
        return _answers(desk, view, Filled(card, tab, tabs, list=found, exports=files))
    return Filled(card, tab, tabs, list=found, shades=shades, exports=files)


def _answers(desk: Desk, view: View, filled: Filled) -> Filled:
    """Put into a card of statuses how long answers took, where that is known."""
    found = times(desk, view)
    if found is None:
        return filled
    histogram = Filled(filled.card, TIMES, (), list=found.list)
    return replace(filled, times=histogram, said=found.said, unsure=found.unsure)


def _waiting(_: Desk, view: View, card: Card) -> Filled:
    tab = card.tab(view.tabs.get(card.name))
    return Filled(card, tab, (), waits=_fragment(view, card.name))


def _way(view: View, card: Card, tab: Tab) -> tuple[Tab, str, str]:
    there = view.with_tab(card.name, tab.name)
    return tab, there.url(), _fragment(there, card.name)


def _fragment(view: View, card: str) -> str:
    """Return where one card of a page is by itself."""
    return view.url(f"{view.url().partition('?')[0]}/cards/{card}")


def _shades(desk: Desk, view: View, tab: Tab) -> tuple[tuple[str, str, int, str], ...]:
    answer = desk.ask(question(view, tab, limit=200))
    numbers = {line.values[0]: line.cells[0].value or 0 for line in answer.lines}
    return tuple(
        (
            code,
            f"{countries.name(code)}: {numbers[code]:,.0f} visitors",
            shade,
            "" if view.base else view.narrowed("country", code).url(),
        )
        for code, shade in countries.shades(numbers)
    )


def headline(desk: Desk, view: View) -> Headline:
    """Ask for the numbers above the page and their line; raises UnavailableError."""
    try:
        answer = _totals(desk, view)
        first, last = answer.first, answer.last
    except UsageError as error:
        return Headline(trouble=sentence(error))
    length = dt.timedelta(days=(last - first).days + 1)
    before = days(first - length, last - length) if view.compare else ""
    cells = {cell.metric: cell for cell in answer.totals}
    going_on = last >= desk.now(view.site).date()
    figures = tuple(
        _figure(view, metric, cells[metric], going_on=going_on)
        for metric in METRICS
        if metric in cells
    )
    try:
        line = chart(desk, view, first, last)
    except UsageError:
        line = None
    span = days(first, last)
    files = exports.of_chart(view, line, tuple(cells)) if line else ()
    return Headline(figures, line, span, before, first, last, answer.notes, answer.k, files)


def _totals(desk: Desk, view: View) -> Answer:
    """Ask for every metric, or for those that can be told of a view with such filters."""
    asked: Mapping[str, object] = {
        "site": view.site,
        "date_range": view.date_range(),
        "filters": view.query_filters(),
        "compare": "previous_period" if view.compare else None,
    }
    for metrics in _FEWER_AND_FEWER[:-1]:
        with contextlib.suppress(UsageError):
            return desk.ask({**asked, "metrics": list(metrics)})
    return desk.ask({**asked, "metrics": list(_FEWER_AND_FEWER[-1])})


def _figure(view: View, metric: str, cell: Cell, *, going_on: bool) -> Figure:
    chosen = view.metric == metric
    # what is not over yet cannot have grown or shrunk against what is
    became = None if going_on else change(metric, cell.value, cell.before)
    href = "" if view.base else view.with_metric(metric).url()
    return Figure(metric, METRICS[metric], cell, became, chosen, href)
