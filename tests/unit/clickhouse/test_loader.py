"""What was loaded is there once, in its newest revision, whatever came twice or out of order."""

from __future__ import annotations

import random

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.queries import Reader
from pipeline.errors import IntegrityError, UnavailableError
from pipeline.rows import DAY, TABLES, RollupsHeader

MAY = 1431820800  # 2015-05-17 00:00 UTC


def traffic(
    hits: int, revision: int, *, start: int = MAY, audience: str = "human", visitors: int = 10
) -> pl.DataFrame:
    return pl.DataFrame(
        [("example", start, audience, hits, hits * 100, visitors, revision)],
        {**TABLES["traffic_daily"], "revision": pl.UInt64()},
        orient="row",
    )


def pages(counts: dict[str, int], revision: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        [("example", MAY, "page", value, n, n, revision) for value, n in counts.items()],
        {**TABLES["breakdown_daily"], "revision": pl.UInt64()},
        orient="row",
    )


def daily(ingest: str = "live", *, origin: int = 0, finished: bool = False) -> RollupsHeader:
    return RollupsHeader("traffic_daily", ingest, origin, finished)


def finished(client: Client) -> set[tuple[object, ...]]:
    """Ingests and the partitions from which they have released their last row."""
    return set(map(tuple, client.query("SELECT ingest, origin FROM analytics.ingests").result_rows))


EVERYTHING = "SELECT * FROM analytics.{}"
HITS = "SELECT sum(hits) AS hits, sum(bytes) AS bytes, sum(visitors) AS v FROM analytics.{}"


def test_the_newest_revision_counts_in_any_order_and_however_often(
    client: Client, reader: Reader
) -> None:
    messages = [(daily(), traffic(10 * n, n)) for n in range(1, 6)]
    shuffled = messages * 3
    random.Random(7).shuffle(shuffled)
    loader = Loader(client)
    for message in shuffled:
        loader.load([message])
    assert loader.load(messages) == 5
    assert reader.rows(HITS.format("traffic_daily")) == [{"hits": 50, "bytes": 5000, "v": 10}]
    client.command("OPTIMIZE TABLE analytics.traffic_daily_revisions FINAL")
    assert reader.rows(HITS.format("traffic_daily")) == [{"hits": 50, "bytes": 5000, "v": 10}]


def test_ingests_add_up_and_audiences_stay_apart(client: Client, reader: Reader) -> None:
    Loader(client).load(
        [
            (daily(), traffic(10, 1)),
            (daily("old files"), traffic(5, 9)),
            (daily(), traffic(3, 1, audience="bot")),
        ]
    )
    assert reader.rows("SELECT audience, hits FROM analytics.traffic_daily ORDER BY 1") == [
        {"audience": "bot", "hits": 3},
        {"audience": "human", "hits": 15},
    ]


@pytest.mark.parametrize("table", sorted(TABLES))
def test_each_table_is_shown_by_the_view_of_its_name(
    table: str, client: Client, reader: Reader
) -> None:
    columns = {**TABLES[table], "revision": pl.UInt64()}
    row = {name: 4 if kind.is_integer() else "a" for name, kind in columns.items()}
    rows = pl.DataFrame([{**row, "window_start": MAY}], columns)
    Loader(client).load([(RollupsHeader(table, "live", 0), rows)])
    (shown,) = reader.rows(EVERYTHING.format(table))
    assert list(shown) == list(TABLES[table])
    assert shown["window_start"] == "2015-05-17 00:00:00"
    assert shown["hits"] == 4


def test_values_come_back_as_they_were(client: Client, reader: Reader) -> None:
    counts = {"/é/'quoted'\\": 1, "/日本\t\n": 2, "": 3, "(other)": 4}
    Loader(client).load([(RollupsHeader("breakdown_daily", "live", 0), pages(counts))])
    rows = reader.rows("SELECT value, hits FROM analytics.breakdown_daily")
    assert {row["value"]: row["hits"] for row in rows} == counts


def test_an_archive_of_many_years_goes_in_at_once_and_stays(client: Client, reader: Reader) -> None:
    months = [traffic(1, 1, start=31 * DAY * n) for n in range(300)]
    Loader(client).load([(daily("archive"), rows) for rows in months])
    client.command("OPTIMIZE TABLE analytics.traffic_daily_revisions FINAL")
    assert reader.rows(HITS.format("traffic_daily"))[0]["hits"] == 300


def test_an_ingest_is_finished_origin_by_origin(client: Client) -> None:
    loader = Loader(client)
    empty = traffic(1, 1).clear()
    loader.load([(daily("b", origin=0, finished=True), empty), (daily("b", origin=1), empty)])
    assert finished(client) == {("b", 0)}
    loader.load([(daily("b", origin=1, finished=True), traffic(1, 1))] * 2)
    assert finished(client) == {("b", 0), ("b", 1)}


def test_an_engine_that_refuses_is_unavailable_and_its_message_names_no_value(
    client: Client,
) -> None:
    client.command("DROP TABLE analytics.breakdown_daily_revisions")
    message = (RollupsHeader("breakdown_daily", "live", 0), pages({"/canary-4711": 3}))
    with pytest.raises(UnavailableError) as caught:
        Loader(client).load([message])
    chain = [caught.value, caught.value.__cause__]
    assert "UNKNOWN_TABLE" in str(caught.value)
    assert not any("canary" in repr(error) for error in chain)


@pytest.mark.parametrize("start", [-1, 2**32])
def test_a_window_that_a_datetime_cannot_hold_is_never_wrapped_around(
    start: int, client: Client
) -> None:
    with pytest.raises(IntegrityError, match="1970"):
        Loader(client).load([(daily(), traffic(1, 1, start=start))])


def test_revisions_only_replace_their_own_key(client: Client, reader: Reader) -> None:
    loader = Loader(client)
    header = RollupsHeader("breakdown_daily", "live", 0)
    batches = [pages({"/a": 1, "/b": 2}, 1), pages({"/a": 5}, 2), pages({"/c": 7}, 3)]
    seen = []
    for batch in batches:
        loader.load([(header, batch)])
        seen.append(reader.rows("SELECT sum(hits) AS n FROM analytics.breakdown_daily")[0]["n"])
    assert seen == [3, 7, 14]
