"""What a page is asked to show, read from its URL; and the URLs of pages that differ from it.

::

    /sites/shop?period=7d&country=DE&country=AT&pages=entry&compare=off
    /sites/shop?from=2026-11-01&to=2026-11-07&not.browser=Firefox

Everything is in the URL: a page can be kept as a bookmark, sent on and gone back to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, urlencode

from pipeline.errors import UsageError

PERIODS: Final[Mapping[str, str]] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "last_month": "Last month",
    "12mo": "12 months",
    "all": "All time",
}
"""The word of a query for a period → what it is called."""

FILTERS: Final[Mapping[str, str]] = {
    "goal": "Goal",
    "page": "Page",
    "entry_page": "Entry page",
    "exit_page": "Exit page",
    "referrer_kind": "Channel",
    "referrer": "Source",
    "campaign": "Campaign",
    "country": "Country",
    "place": "Region or city",
    "provider": "Provider",
    "device": "Device",
    "browser": "Browser",
    "system": "System",
}
"""Dimension of a query → what it is called. Each is a parameter of the URL."""

METRICS: Final[Mapping[str, str]] = {
    "visitors": "Visitors",
    "visits": "Visits",
    "pageviews": "Page views",
    "views_per_visit": "Views per visit",
    "bounce_rate": "Bounce rate",
    "visit_duration": "Visit duration",
}
"""Metric of a query → what it is called, in the order of the page."""

_USUAL: Final = "30d"
_NOT: Final = "not."
_LONGEST: Final = 500
_MOST_VALUES: Final = 20


@dataclass(frozen=True, slots=True)
class Filter:
    """One dimension is, or is not, one of some values."""

    dimension: str
    values: tuple[str, ...]
    negated: bool = False

    @property
    def name(self) -> str:
        """Return its parameter's name in a URL."""
        return (_NOT if self.negated else "") + self.dimension


@dataclass(frozen=True, slots=True)
class View:
    """A page of one site. ``period`` is a word of ``PERIODS``, or two days."""

    site: str
    period: str | tuple[dt.date, dt.date] = _USUAL
    compare: bool = True
    metric: str = "visitors"
    filters: tuple[Filter, ...] = ()
    tabs: Mapping[str, str] = field(default_factory=dict)
    """Card → which of its tabs; the first where none is named."""
    whole: bool = False
    """With every card at once: for who has no script to fetch those further down."""
    base: str = ""
    """The path instead of the site's own: a shared page's."""

    def url(self, path: str | None = None, **extra: str) -> str:
        """Return the URL of this view."""
        found = self._parameters() | {name: [value] for name, value in extra.items()}
        query = urlencode(found, doseq=True, quote_via=quote, safe="/:")
        start = path or self.base or f"/sites/{quote(self.site, safe='')}"
        return f"{start}?{query}" if query else start

    def query(self) -> str:
        """Return what stands behind the question mark, "" for the usual page."""
        return self.url("").partition("?")[2]

    def at(self, period: str) -> View:
        """Return the same view of another period."""
        return replace(self, period=period)

    def of(self, site: str) -> View:
        """Return the same view of another site: its pages are others, so filters are left out."""
        return replace(self, site=site, filters=())

    def with_tab(self, card: str, tab: str) -> View:
        """Return the same view with another tab of a card in front."""
        return replace(self, tabs={**self.tabs, card: tab})

    def with_metric(self, metric: str) -> View:
        """Return the same view with another metric in the chart."""
        return replace(self, metric=metric)

    def all_at_once(self) -> View:
        """Return the same view with every card in it."""
        return replace(self, whole=True)

    def compared(self, compare: bool) -> View:  # noqa: FBT001 -- what it is about
        """Return the same view with or without the period before."""
        return replace(self, compare=compare)

    def narrowed(self, dimension: str, value: str) -> View:
        """Return the view of what has this value alone."""
        kept = [f for f in self.filters if f.dimension != dimension]
        return replace(self, filters=(*kept, Filter(dimension, (value,))))

    def without(self, gone: Filter) -> View:
        """Return the view without one filter."""
        return replace(self, filters=tuple(f for f in self.filters if f != gone))

    def flipped(self, turned: Filter) -> View:
        """Return the view with one filter saying the opposite."""
        other = replace(turned, negated=not turned.negated)
        return replace(self, filters=tuple(other if f == turned else f for f in self.filters))

    def holds(self, dimension: str, value: str) -> bool:
        """Tell whether the view is of that value already."""
        return any(f.dimension == dimension and value in f.values for f in self.filters)

    def fields(self) -> list[tuple[str, str]]:
        """Return the parameters that a form for other dates must send along."""
        kept = {n: v for n, v in self._parameters().items() if n not in {"period", "from", "to"}}
        return [(name, value) for name, values in kept.items() for value in values]

    def date_range(self) -> str | list[str]:
        """Return the period as a query has it."""
        if isinstance(self.period, str):
            return self.period
        return [day.isoformat() for day in self.period]

    def query_filters(self) -> list[list[object]]:
        """Return the filters as a query has them."""
        return [
            ["is_not" if f.negated else "is", f.dimension, list(f.values)] for f in self.filters
        ]

    def _parameters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        if isinstance(self.period, tuple):
            found |= {"from": [str(self.period[0])], "to": [str(self.period[1])]}
        elif self.period != _USUAL:
            found["period"] = [self.period]
        if not self.compare:
            found["compare"] = ["off"]
        if self.metric != "visitors":
            found["metric"] = [self.metric]
        if self.whole:
            found["cards"] = ["all"]
        for one in self.filters:
            found.setdefault(one.name, []).extend(one.values)
        return found | {card: [tab] for card, tab in self.tabs.items()}


def read(
    site: str,
    given: Iterable[tuple[str, str]],
    tabs: Mapping[str, Sequence[str]],
    *,
    base: str = "",
) -> View:
    """Return the view that a URL's parameters ask for; raises UsageError.

    ``tabs`` are the names of each card's tabs, the usual one first.
    """
    view = View(site, base=base)
    days: dict[str, dt.date] = {}
    chosen: dict[str, str] = {}
    values: dict[tuple[bool, str], list[str]] = {}
    for name, value in given:
        dimension = name.removeprefix(_NOT)
        if name in {"from", "to"}:
            days |= {name: _day(value)} if value else {}
        elif name in tabs:
            chosen[name] = _one_of(tabs[name], value, name)
        elif dimension in FILTERS:
            values.setdefault((name != dimension, dimension), []).append(_value(value))
        else:
            view = _worded(view, name, value)
    filters = tuple(Filter(dim, tuple(found), no) for (no, dim), found in values.items())
    if sum(len(f.values) for f in filters) > _MOST_VALUES:
        raise UsageError(f"Choose {_MOST_VALUES} values to filter by at most.")
    in_front = {card: tab for card, tab in chosen.items() if tab != tabs[card][0]}
    return replace(view, period=_span(days) or view.period, filters=filters, tabs=in_front)


def _worded(view: View, name: str, value: str) -> View:
    """Return the view with what one parameter of a fixed name says."""
    if name == "period":
        return view.at(_one_of(PERIODS, value, "period"))
    if name == "metric":
        return view.with_metric(_one_of(METRICS, value, "metric"))
    if name == "compare":
        return view.compared(value != "off")
    if name == "cards":
        return view.all_at_once()
    raise UsageError("The address asks for something that this page does not know.")


def _span(days: Mapping[str, dt.date]) -> tuple[dt.date, dt.date] | None:
    if not days:
        return None
    first = days.get("from") or days["to"]
    last = days.get("to") or days["from"]
    if last < first:
        raise UsageError("The last day lies before the first one: choose them the other way round.")
    return first, last


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError("Write a day as 2026-11-29.") from None


def _one_of(known: Iterable[str], value: str, what: str) -> str:
    words = list(known)
    if value not in words:
        raise UsageError(f"The {what} can be {', '.join(words)}.")
    return value


def _value(value: str) -> str:
    if not value or len(value) > _LONGEST:
        raise UsageError("A value to filter by is empty or too long.")
    return value
