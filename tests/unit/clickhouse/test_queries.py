"""A person reads the tables in SQL or by the names of queries."""

from __future__ import annotations

import pytest

from pipeline.clickhouse.queries import Reader, named, resolve
from pipeline.errors import UsageError

pytestmark = pytest.mark.usefixtures("lasting")


@pytest.mark.parametrize("name", sorted(named()))
def test_named_queries_run_and_say_what_they_answer(name: str, reader: Reader) -> None:
    assert isinstance(reader.rows(name), list)
    assert len(named()[name].about) > 10


def test_a_dashed_name_is_the_same_query() -> None:
    assert resolve("referrer-kinds;") == named()["referrer_kinds"].sql


def test_a_wrong_name_lists_the_right_ones(reader: Reader) -> None:
    with pytest.raises(UsageError, match="choose from bots, browsers, campaigns, countries"):
        reader.rows("pagez")


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT 1 AS a;", [{"a": 1}]),
        ("SELECT 1 AS a -- done", [{"a": 1}]),
        ("/* first */ SELECT ';' AS a", [{"a": ";"}]),
        ("SELECT 'it''s -- no; comment' AS a", [{"a": "it's -- no; comment"}]),
        ("(SELECT 1 AS a)", [{"a": 1}]),
        ("WITH 2 AS two SELECT two", [{"two": 2}]),
        ("SELECT number AS n FROM numbers(2)", [{"n": 0}, {"n": 1}]),
        ("SELECT 18446744073709551615 AS n, 0/0 AS x", [{"n": 2**64 - 1, "x": None}]),
        ("SELECT '/etc/passwd' AS page", [{"page": "/etc/passwd"}]),
        ("EXISTS TABLE analytics.traffic_daily", [{"result": 1}]),
    ],
)
def test_reading_is_free(statement: str, rows: list[object], reader: Reader) -> None:
    assert reader.rows(statement) == rows


def test_a_persons_slip_is_answered_in_one_line(reader: Reader) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows("SELECT visitor FROM analytics.traffic_daily")
    text = str(caught.value)
    assert "visitor" in text
    assert "UNKNOWN_IDENTIFIER" in text
    assert "\n" not in text
    assert "version" not in text


def test_a_query_that_takes_too_much_is_stopped(reader: Reader) -> None:
    with pytest.raises(UsageError, match="TOO_MANY_ROWS_OR_BYTES"):
        reader.rows("SELECT number FROM numbers(1000001)")
