# ruff: noqa: S608 -- numbers and names of ours alone
"""Times the questions of a dashboard over a year of cells, and one SELECT beside that on a view."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web

from pipeline import analytics
from pipeline.analytics.words import SEVERAL_VIEWS
from pipeline.bench.released_year import Year
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.endpoint import application
from pipeline.clickhouse.queries import QueryFn, Reader
from pipeline.clock import stopwatch

_TOP: Final = "GROUP BY value ORDER BY h DESC LIMIT 100"
WANTED: Final = 0.2
"""Seconds that a question may take."""
_ROUNDS: Final = 7
_SITE: Final = "site-42"
_SEARCH: Final = ["is", "referrer_kind", ["/value/1"]]
_HEADLINE: Final = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate",
                    "visit_duration"]  # fmt: skip

QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "headline numbers, beside the period before": {"metrics": _HEADLINE,
                                                   "compare": "previous_period"},
    "visitors and views by day": {"metrics": ["visitors", "pageviews"],
                                  "dimensions": ["time:day"]},
    "visits by month": {"metrics": ["visits", "bounce_rate"], "dimensions": ["time:month"]},
    "pages": {"metrics": ["visitors", "pageviews"], "dimensions": ["page"]},
    "pages, beside the period before": {"metrics": ["visitors", "pageviews"],
                                        "dimensions": ["page"], "compare": "previous_period"},
    "entry pages": {"metrics": ["entries", "bounce_rate"], "dimensions": ["entry_page"]},
    "exit pages": {"metrics": ["exits", "exit_rate"], "dimensions": ["exit_page"]},
    "sources with visits": {"metrics": ["visitors", "visits", "bounce_rate"],
                            "dimensions": ["referrer"]},
    "countries": {"metrics": ["visitors", "pageviews"], "dimensions": ["country"]},
    "browsers": {"metrics": ["visitors", "pageviews"], "dimensions": ["browser"]},
    "from page to page": {"metrics": ["moves"], "dimensions": ["page", "next_page"]},
    "paths": {"metrics": ["visits"], "dimensions": ["click_path"],
              "filters": [SEVERAL_VIEWS]},
    "pages of a channel": {"metrics": ["visitors", "pageviews"], "dimensions": ["page"],
                           "filters": [_SEARCH]},
    "a channel by day": {"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"],
                         "filters": [_SEARCH]},
    "failures by status": {"metrics": ["hits", "visitors"], "dimensions": ["status"],
                           "filters": [["is", "segment", ["failed"]]]},
    "pages that hold a text": {"metrics": ["pageviews"], "dimensions": ["page"],
                               "filters": [["contains", "page", ["value/1"]]]},
}  # fmt: skip
RANGES: Final = ("7d", "30d", "12mo")
_HOURS: Final = ("hours of yesterday and today", {"metrics": ["visitors", "pageviews"],
                                                  "dimensions": ["time:hour"]})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timed:
    """Medians in seconds of a question: the whole answer here, and through the endpoint.

    ``statements`` are the SELECTs it took, ``least`` the best of all rounds here: on a machine that
    is shared, what the question takes by itself.
    """

    name: str
    range: str
    seconds: float
    least: float
    served: float
    statements: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds of one sum: newest revisions by argMax, by FINAL, and over the view people ask."""

    days: int
    newest: float
    final: float
    view: float


def measure(engine: Engine, year: Year, tell: Callable[[str], None]) -> list[Timed]:
    """Ask each question of each range, some rounds, after one that warms up."""
    now = dt.datetime.combine(year.last + dt.timedelta(days=1), dt.time(9), dt.UTC)
    found = []
    with closing(Reader.open(engine)) as reader, _endpoint(engine) as served:
        for name, range_, words in _all(year):
            query = analytics.read({"site": _SITE, "date_range": range_} | words)
            counted: list[str] = []
            here = [_seconds(_counting(reader.rows, counted), query, now) for _ in _rounds()]
            away = [_seconds(served, query, now) for _ in _rounds()]
            statements = len(counted) // len(here)
            found.append(
                Timed(
                    name,
                    range_ if isinstance(range_, str) else "2d",
                    statistics.median(here[1:]),
                    min(here[1:]),
                    statistics.median(away[1:]),
                    statements,
                )
            )
            tell(f"{found[-1].name}, {found[-1].range}: {found[-1].seconds * 1000:.0f} ms")
    return found


def compare(engine: Engine, year: Year) -> list[Compared]:
    """Time the same sum over base table and view."""
    found = []
    with closing(Reader.open(engine)) as reader:
        for days in (7, 30, year.days):
            first = year.last - dt.timedelta(days=days - 1)
            where = (
                f"WHERE site = '{_SITE}' AND segment = 'view' AND dimension = 'page' "
                f"AND across = 'role' AND window_start >= '{first} 00:00:00'"
            )
            table = "analytics.pair_daily"
            keys = "value, across_value, window_start, ingest"
            newest = (
                f"(SELECT {keys}, argMax(c.hits, c.revision) AS hits "
                f"FROM {table}_revisions AS c {where} GROUP BY {keys})"
            )
            seconds = [
                _least(partial(reader.rows, f"SELECT value, sum(hits) AS h FROM {source} {_TOP}"))
                for source in (newest, f"{table}_revisions FINAL {where}", f"{table} {where}")
            ]
            found.append(Compared(days, *seconds))
    return found


def _all(year: Year) -> Iterator[tuple[str, str | list[str], dict[str, Any]]]:
    for name, words in QUESTIONS.items():
        for range_ in RANGES:
            yield name, range_, words
    days = [str(year.last - dt.timedelta(days=1)), str(year.last)]
    yield _HOURS[0], days, dict(_HOURS[1])


def _rounds() -> range:
    return range(_ROUNDS + 1)


def _seconds(run: QueryFn, query: analytics.Query, now: dt.datetime) -> float:
    begun = stopwatch()
    analytics.ask(run, query, clock=lambda: now, k=10, retention_days=3650)
    return stopwatch() - begun


def _least(run: Callable[[], object]) -> float:
    seconds = []
    for _ in _rounds():
        begun = stopwatch()
        run()
        seconds.append(stopwatch() - begun)
    return min(seconds[1:])


def _counting(run: QueryFn, counted: list[str]) -> QueryFn:
    def counting(statement: str) -> list[Any]:
        counted.append(statement)
        return run(statement)

    return counting


@contextmanager
def _endpoint(engine: Engine) -> Iterator[QueryFn]:
    """Serve the engine on the loopback as `load` does, from a thread; yield what asks there."""
    ready, ports = threading.Event(), []
    loop = asyncio.new_event_loop()

    async def serve() -> web.AppRunner:
        runner = web.AppRunner(application(Reader.open(engine)))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield partial(remote.query, f"http://127.0.0.1:{ports[0]}")
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
