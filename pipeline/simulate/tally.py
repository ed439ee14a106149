"""Counts of what was written: the truth that any reader has to come to."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any, Final

import polars as pl

from pipeline.simulate.catalogue import Catalogue
from pipeline.simulate.formats.spec import NO_AGENT, NO_BROKEN, NO_METHOD, NO_REFERRER
from pipeline.simulate.hits import METHODS, MICROS, NONE
from pipeline.simulate.people import People

_HOUR: Final = 3600 * MICROS
_DAY: Final = 24 * _HOUR
_CLOSED: Final = 2
"""A day that began so many days ago gets no more lines: its visitors can be forgotten."""
_NEVER: Final = 1 << 40
_TOP: Final = 100
_NO_METHOD, _NO_PAGE = "(none)", "(none)"


class Distinct:
    """Counts distinct values of some columns by day."""

    def __init__(self, *columns: str) -> None:
        """Take the names of integer columns that together tell visitors apart."""
        self._columns = columns
        self._counted: dict[int, int] = {}
        self._open: dict[int, pl.DataFrame] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows with the columns and ``time``."""
        keyed = rows.select((pl.col("time") // _DAY).alias("day"), *self._columns).unique()
        for day in keyed["day"].unique().to_list():
            part = keyed.filter(day=day)
            seen = self._open.get(day, part.clear())
            self._open[day] = pl.concat([seen, part]).unique()
            self._close(day - _CLOSED)

    def _close(self, last: int) -> None:
        for day in [day for day in self._open if day <= last]:
            self._counted[day] = len(self._open.pop(day))

    def daily(self) -> dict[str, int]:
        """Return how many there were by day."""
        self._close(_NEVER)
        return {_day(day): count for day, count in sorted(self._counted.items())}


class Tally:
    """Counts the events of one site, as lines can show them that lack ``lacks``."""

    def __init__(self, lacks: frozenset[str], site: Catalogue, people: People) -> None:
        self._lacks, self._site, self._people = lacks, site, people
        self._events = self._bytes = self._late = 0
        self._counts = {
            name: Counter[int]()
            for name in ("hour", "audience", "status", "method", "page", "kind")
        }
        agent = () if NO_AGENT in lacks else ("agent",)
        self._visitors = Distinct("first", *agent)
        self._addresses = Distinct("first", "second", *agent)
        self._pages, self._page_of = _codes(site.pages)
        self._kinds, self._kind_of = _codes(site.kinds)

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows (``hits.SCHEMA``, ``fault`` and ``late``) of good lines of about one hour."""
        if NO_BROKEN in self._lacks:
            rows = rows.filter(pl.col("method") != NONE)
        if rows.is_empty():
            return
        self._events += len(rows)
        self._bytes += int(rows["bytes"].sum())
        self._late += int(rows["late"].sum())
        for name, column in self._columns(rows).items():
            _count(self._counts[name], column)
        self._visitors.add(rows)
        self._addresses.add(rows)

    def _columns(self, rows: pl.DataFrame) -> dict[str, pl.Series]:
        page = rows.select(
            pl.when(pl.col("target") == NONE)
            .then(NONE)
            .otherwise(pl.lit(self._page_of).gather(pl.col("target").clip(0)))
        ).to_series()
        columns = {"hour": rows["time"] // _HOUR, "status": rows["status"], "page": page}
        if NO_METHOD not in self._lacks:
            columns["method"] = rows["method"]
        if NO_REFERRER not in self._lacks:
            columns["kind"] = self._kind_of.gather(rows["referrer"])
        if NO_AGENT not in self._lacks:
            columns["audience"] = self._people.bots.cast(pl.Int64).gather(rows["agent"])
        return columns

    def document(self) -> dict[str, Any]:
        """Return the counts as truth.json has them."""
        hours, methods, pages = (self._counts[name] for name in ("hour", "method", "page"))
        daily = Counter[int]()
        for hour, count in hours.items():
            daily[hour // 24] += count
        document: dict[str, Any] = {
            "events": self._events,
            "bytes": self._bytes,
            "late": self._late,
            "hits_daily": {_day(day): count for day, count in sorted(daily.items())},
            "hits_hourly": {_hour(hour): count for hour, count in sorted(hours.items())},
            "visitors_daily": self._visitors.daily(),
            "visitors_daily_by_address": self._addresses.daily(),
            "audience": self._audience(),
            "statuses": {str(status): n for status, n in self._counts["status"].most_common()},
            "pages": {
                _NO_PAGE if page == NONE else self._pages[page]: n
                for page, n in pages.most_common(_TOP)
            },
        }
        if NO_METHOD not in self._lacks:
            named = {NONE: _NO_METHOD, **dict(enumerate(METHODS))}
            document["methods"] = {named[method]: n for method, n in methods.most_common()}
        if NO_REFERRER not in self._lacks:
            kinds = self._counts["kind"].most_common()
            document["referrer_kinds"] = {self._kinds[kind]: n for kind, n in kinds}
        return document

    def _audience(self) -> dict[str, int]:
        """Return humans and bots; who sends no agent is a bot, and in such a format everybody."""
        if NO_AGENT in self._lacks:
            return {"human": 0, "bot": self._events}
        return {"human": self._counts["audience"][0], "bot": self._counts["audience"][1]}


def _count(counter: Counter[Any], column: pl.Series) -> None:
    """Add how often each value of a column occurs."""
    values, counts = column.value_counts().get_columns()
    counter.update(dict(zip(values.to_list(), counts.to_list(), strict=True)))


def _codes(texts: pl.Series) -> tuple[list[str], pl.Series]:
    """Return distinct texts, and the index of each text among them."""
    distinct = texts.unique(maintain_order=True)
    index = {text: at for at, text in enumerate(distinct)}
    return distinct.to_list(), pl.Series([index[text] for text in texts])


def _day(day: int) -> str:
    return dt.datetime.fromtimestamp(day * 86_400, dt.UTC).date().isoformat()


def _hour(hour: int) -> str:
    return f"{dt.datetime.fromtimestamp(hour * 3600, dt.UTC):%Y-%m-%dT%H:00:00Z}"


class ChatTally:
    """Counts the widget's events of one site."""

    def __init__(self) -> None:
        self._lines = self._cut = 0
        self._events, self._messages = Counter[str](), Counter[str]()
        self._links = Counter[str]()
        self._daily = Counter[int]()
        self._visitors = Distinct("first", "agent")

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows of ``widget.SCHEMA`` and ``cut``."""
        self._lines += len(rows)
        if rows.is_empty():
            return
        good = rows.filter(~pl.col("cut"))
        self._cut += len(rows) - len(good)
        _count(self._events, good["event"])
        _count(self._messages, good["by"].drop_nulls())
        _count(self._links, good["target"].drop_nulls())
        _count(self._daily, good["time"] // _DAY)
        self._visitors.add(good)

    def document(self) -> dict[str, Any]:
        """Return the counts as truth.json has them."""
        return {
            "lines": self._lines,
            "events": sum(self._events.values()),
            "rejected": {"not_this_format": self._cut} if self._cut else {},
            "types": dict(sorted(self._events.items())),
            "messages": dict(sorted(self._messages.items())),
            "links": dict(sorted(self._links.items())),
            "events_daily": {_day(day): n for day, n in sorted(self._daily.items())},
            "visitors_daily": self._visitors.daily(),
        }
