"""Each way to put the words together is one SELECT that a reader may ask, or one line."""

from __future__ import annotations

import datetime as dt
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import analytics
from pipeline.analytics import compiling, words
from pipeline.analytics.compiling import Span
from pipeline.analytics.named import NAMED, questions
from pipeline.analytics.part import Part
from pipeline.analytics.parts import of_rows, of_totals
from pipeline.analytics.query import Query
from pipeline.analytics.ranges import Days
from pipeline.clickhouse import sql
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UsageError
from tests.support.sql_attacks import REACHES, WRITES
from tests.unit.analytics.conftest import Ask

SPAN = Span(Days(dt.date(2026, 11, 1), dt.date(2026, 11, 29)), dt.date(2026, 11, 28))
GROUPED = [(), *((one,) for one in words.DIMENSIONS), *combinations(words.DIMENSIONS, 2)]
VALUES = {"segment": "view", "audience": "human"}


def read(**asked: Any) -> Query | None:  # noqa: ANN401
    """Return a question, None for one line that refuses it."""
    said = ""
    try:
        return analytics.read({"site": "shop", **asked})
    except UsageError as error:
        said = str(error)
    assert "\n" not in said
    return None


def statements(query: Query) -> list[str]:
    """Return what a question asks the engine; [] for one line that refuses it."""
    said = ""
    found: tuple[Part, ...] = ()
    try:
        found = of_rows(query)
    except UsageError as error:
        said = str(error)
    if not found:
        assert "\n" not in said
        assert said.partition(": ")[0] in {"metrics", "dimensions", "filters", "order"}
        return []
    timed = bool(query.times) and query.times == query.dimensions
    made = [compiling.facts(query, found, SPAN, by_time=timed)]
    if query.dimensions and not timed:
        made.append(compiling.rows(query, found, SPAN, 0))
        made.append(compiling.rows(query, found, SPAN, 0, [("x",) * len(query.dimensions)]))
    totals = of_totals(query)
    return [*made, *([compiling.facts(query, totals, SPAN, by_time=False)] if totals else [])]


def test_every_combination_is_one_select_or_one_line(engine: tuple[Client, Reader]) -> None:
    made: set[str] = set()
    refused = 0
    for site in ("shop", "shop.widget"):
        for metric in words.METRICS:
            for grouped in GROUPED:
                query = read(site=site, metrics=[metric], dimensions=list(grouped))
                found = statements(query) if query else []
                made.update(found)
                refused += not found
    for metric in words.METRICS:
        for grouped in GROUPED[: len(words.DIMENSIONS) + 1]:
            for name in words.DIMENSIONS:
                for operator in ("is", "contains"):
                    value = VALUES.get(name, "x")
                    query = read(
                        metrics=[metric],
                        dimensions=list(grouped),
                        filters=[[operator, name, [value]]],
                    )
                    found = statements(query) if query else []
                    made.update(found)
                    refused += not found
    made.update(statements(analytics.read({"site": "shop", "metrics": list(words.METRICS)})))
    assert len(made) > 2000
    assert refused > 2000
    refusable = engine[1]._refused
    for statement in sorted(made)[:: len(made) // 500]:
        assert sql.statements(statement) == [statement]
        assert sql.reading(statement, refusable) == statement
    for statement in sorted(made)[:: len(made) // 150]:
        engine[1].rows(statement)


def test_every_metric_can_be_asked_of_a_site(ask: Ask) -> None:
    of_goals = {words.CONVERSIONS, words.CONVERSION_RATE}
    others = [name for name in words.METRICS if name not in of_goals]
    found = ask(metrics=others)
    assert [cell.state for cell in found.totals.cells] == ["value"] * len(others)
    reached = ask(metrics=sorted(of_goals), dimensions=["goal"])
    assert reached.metrics == ("conversion_rate", "conversions")


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_name_can_be_asked(name: str, ask: Ask) -> None:
    site = "shop" + NAMED[name].site
    for query in questions(name, analytics.read({"site": site, "date_range": "30d"})):
        asked = {n: v for n, v in query.document().items() if n != "site"}
        assert ask(**asked, site=site).metrics
    assert len(NAMED[name].titles) == len(NAMED[name].parts)


ATTACKS = [
    "'", "''", "\\", "\\'", "' OR 1 --", "') OR ('1'='1", "x'); DROP TABLE analytics.ingests --",
    "\\' UNION ALL SELECT 1 --", "{x:String}", "%(x)s", "$x$", "`", '"', "/*", "--", "\u2028'",
    "\n", "a\tb", "(other)' --", *WRITES, *REACHES,
]  # fmt: skip


@pytest.mark.parametrize("operator", words.OPERATORS)
def test_a_value_is_a_value_whatever_it_looks_like(
    operator: str, ask: Ask, engine: tuple[Client, Reader]
) -> None:
    whole = ask(metrics=["pageviews"], dimensions=["page"])
    for attack in ATTACKS if operator == "contains" else ATTACKS[::6]:
        asked = {"metrics": ["pageviews"], "dimensions": ["page"]}
        try:
            found = ask(**asked, filters=[[operator, "page", [attack]]])
        except UsageError as error:
            assert str(error).startswith("filters: a value has no control characters")  # noqa: PT017
            continue
        shown = [line for line in found.lines if line.cells[0].state == "value"]
        kept = [line for line in whole.lines if line.dimensions != ("(other)",)]
        assert shown == (kept if "not" in operator else []), attack
    assert engine[0].query("SELECT count() FROM analytics.ingests").result_rows == [(0,)]


def test_a_value_with_every_sign_is_found_again(engine: tuple[Client, Reader], ask: Ask) -> None:
    nasty = "/" + "".join(chr(code) for code in range(32, 127)) + "é\u2028\\'"
    client = engine[0]
    client.insert(
        "analytics.segment_breakdown_daily_revisions",
        [["odd", dt.datetime(2026, 11, 3, tzinfo=dt.UTC), "view", "page", nasty, 77, 11]],
        column_names="site window_start segment dimension value hits visitors".split(),
    )
    for operator, value in (
        ("is", nasty), ("contains", nasty[3:50]), ("starts_with", nasty[:40]),
        ("ends_with", nasty[40:]),
    ):  # fmt: skip
        found = ask(
            site="odd", metrics=["pageviews"], dimensions=["page"],
            filters=[[operator, "page", [value]]],
        )  # fmt: skip
        assert [line.dimensions for line in found.lines] == [(nasty,)]
        assert found.lines[0].cells[0] == (77, "value", None)
    compared = ask(
        site="odd", metrics=["pageviews"], dimensions=["page"], compare="previous_period",
        date_range=["2026-11-03", "2026-11-03"],
    )  # fmt: skip
    assert compared.lines[0].dimensions == (nasty,)


def test_the_page_defines_every_word() -> None:
    page = (Path(__file__).parents[3] / "docs/analytics.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([\w:-]+)`", page))
    own = {*words.METRICS, *words.DIMENSIONS, *words.STATES, *words.SEGMENTS, *words.OPERATORS}
    aliases = {*words.METRIC_ALIASES, *words.DIMENSION_ALIASES} - {
        name.removeprefix("time:") for name in words.TIMES
    }
    assert own | aliases | {*NAMED} <= told, own | aliases | {*NAMED} - told
