"""The attack as a command: nothing in good numbers, and every weakness that is planted in them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.loader import Loader
from pipeline.clickhouse.migrations import migrate
from pipeline.rows import DAY, HOUR, TABLES, RollupsHeader
from tests.unit.cli.conftest import Partywall

START: Final = 20_000 * DAY + 2 * HOUR
Row = dict[str, Any]
Planted = dict[str, list[Row]]
"""Table → its rows."""
Where = dict[str, str]
WINDOWS: Final = {"hourly": START, "daily": START // DAY * DAY}
SEGMENTS: Final = {
    "hourly": {"view": (25, 14), "request": (15, 11)},
    "daily": {"view": (49, 28), "request": (31, 22)},
}
CELLS: Final = {
    ("hourly", "view", "direct"): (12, 10),
    ("hourly", "view", "search"): (13, 10),
    ("hourly", "request", "direct"): (15, 11),
    ("daily", "view", "direct"): (24, 20),
    ("daily", "view", "search"): (25, 20),
    ("daily", "request", "direct"): (31, 22),
}
"""Pace, segment, kind of referrer → hits, visitors."""
LEAVES: Final = {"direct": "(direct)", "search": "(other)"}


def numbers() -> Planted:
    """Return an hour and its day, in two segments, that add up and betray nobody with k = 10."""
    tables: Planted = {name: [] for name in TABLES}
    for pace, start in WINDOWS.items():
        base = {"site": "shop", "window_start": start, "revision": 1}
        all_of_it = _added(list(SEGMENTS[pace].values()))
        tables[f"traffic_{pace}"].append({**base, "audience": "human", **all_of_it})
        for segment, counts in SEGMENTS[pace].items():
            of = {**base, "segment": segment}
            tables[f"segment_{pace}"].append({**of, **_counts(*counts)})
            tables[f"segment_breakdown_{pace}"].append(
                {**of, "dimension": "device", "value": "desktop", **_counts(*counts)}
            )
        tables[f"breakdown_{pace}"].append(
            {**base, "dimension": "device", "value": "desktop", **all_of_it}
        )
        for kind, leaf in LEAVES.items():
            for name, value in (("referrer_kind", kind), ("referrer", leaf)):
                cell = {**base, "dimension": name, "value": value}
                found = {
                    s: CELLS[pace, s, kind] for s in SEGMENTS[pace] if (pace, s, kind) in CELLS
                }
                for segment, counts in found.items():
                    row = {**cell, "segment": segment, **_counts(*counts)}
                    tables[f"segment_breakdown_{pace}"].append(row)
                tables[f"breakdown_{pace}"].append({**cell, **_added(list(found.values()))})
    for kind in LEAVES:
        of = {"site": "shop", "window_start": WINDOWS["daily"], "revision": 1, "segment": "view"}
        pair = {"dimension": "referrer_kind", "value": kind, "across": "device"}
        told = {**_counts(*CELLS["daily", "view", kind]), "seconds": 0}
        tables["pair_daily"].append({**of, **pair, "across_value": "desktop", **told})
    return tables


def _counts(hits: int, visitors: int) -> Row:
    return {"hits": hits, "visitors": visitors, "bytes": 100 * hits}


def _added(counts: list[tuple[int, int]]) -> Row:
    """Return all segments together, which have no visitor in common here."""
    return _counts(sum(hits for hits, _ in counts), sum(visitors for _, visitors in counts))


@pytest.fixture
def engine(data: Path) -> Engine:
    """The engine of a data folder, with its tables."""
    place = Engine(path=data / "clickhouse")
    with contextlib.closing(connect(place)) as client:
        migrate(client, rollups_days=36_500)
    return place


def load(engine: Engine, tables: Planted, ingest: str = "live") -> None:
    with contextlib.closing(connect(engine)) as client:
        Loader(client).load(
            [
                (
                    RollupsHeader(name, ingest, 0),
                    pl.DataFrame(rows, {**TABLES[name], "revision": pl.UInt64()}),
                )
                for name, rows in tables.items()
                if rows
            ]
        )


def rows(tables: Planted, table: str, **where: str) -> list[Row]:
    """Return the rows of a table that say what ``where`` says."""
    return [row for row in tables[table] if where.items() <= row.items()]


def found(partywall: Partywall, data: Path, code: int) -> list[Row]:
    said = partywall("attack", "--data", data, "--json")
    assert (said.code, said.err) == (code, ""), said.out
    answer = json.loads(said.out)
    assert answer["k"] == 10
    findings: list[Row] = answer["findings"]
    return findings


def test_numbers_that_betray_nobody_are_let_be(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    load(engine, numbers())
    said = partywall("attack", "--data", data)
    assert (said.code, said.err) == (0, "")
    count = sum(len(rows) for rows in numbers().values())
    assert f"read {count} numbers of 1 days" in said.out
    assert "nothing was worked out that stands for 1 to 9 visitors" in said.out


def test_the_same_numbers_under_another_ingest_are_looked_at_by_themselves(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    """The views add both up; neither is a part of the other."""
    load(engine, numbers())
    load(engine, numbers(), "backfill")
    assert found(partywall, data, 0) == []


Plant = tuple[str, Where, Row]
"""Table, which of its rows, and what they say instead; nothing: they are gone."""
OF_VIEW: Final = {"segment": "view", "dimension": "referrer_kind", "value": "search"}
PLANTED: Final[dict[str, tuple[Plant, str, str]]] = {
    "a number of few visitors": (
        ("breakdown_hourly", {"value": "search"}, {"visitors": 9}), "few", "a number by itself",
    ),
    "more visitors than hits": (
        ("segment_daily", {"segment": "view"}, {"visitors": 50}),
        "inconsistent", "a number by itself",
    ),
    "cells that leave a few out": (
        ("segment_breakdown_hourly", {"segment": "view", "value": "desktop"}, {"hits": 20}),
        "few", "cells of the traffic",
    ),
    "cells of more than there is": (
        ("segment_breakdown_hourly", {"segment": "view", "value": "desktop"}, {"hits": 26}),
        "inconsistent", "cells of the traffic",
    ),
    "a leaf that is not all of its parent": (
        ("segment_breakdown_daily", {"segment": "view", "value": "(direct)"}, {"hits": 20}),
        "few", "leaves of a referrer_kind",
    ),
    "a day of few more than its hour": (
        ("segment_breakdown_daily", OF_VIEW, {"hits": 16}), "few", "a day and its hours",
    ),
    "a day of less than its hour": (
        ("segment_breakdown_daily", OF_VIEW, {"hits": 12, "visitors": 12}),
        "inconsistent", "a day and its hours",
    ),
    "a day of few more visitors than its hour": (
        ("segment_breakdown_daily", OF_VIEW, {"visitors": 13}), "grown", "a day and its hours",
    ),
    "a day of fewer bytes than its hour": (
        ("segment_daily", {"segment": "view"}, {"bytes": 100}),
        "inconsistent", "a day and its hours",
    ),
    "an audience of few more than its segments": (
        ("traffic_daily", {}, {"hits": 83}), "few", "segments of an audience",
    ),
    "a cell of few more than its segments": (
        ("breakdown_daily", {"value": "direct"}, {"hits": 58}), "few", "segments of a cell",
    ),
    "a row of few more than its pairs": (
        ("pair_daily", {"value": "search"}, {"hits": 20, "visitors": 15}),
        "few", "pairs of a row",
    ),
    "a page of few views more than were followed": (
        ("pair_daily", {"value": "search"}, {
            "dimension": "device", "value": "desktop", "across": "next_page", "hits": 44,
        }),
        "few", "what followed a page",
    ),
    "a page of few views more than paths went through": (
        ("pair_daily", {"value": "search"}, {
            "dimension": "device", "value": "desktop", "across": "click_path",
            "across_value": "desktop > desktop", "hits": 22,
        }),
        "few", "paths through a page",
    ),
    "a column of few more than its pairs": (
        ("pair_daily", {"value": "direct"}, {"hits": 20, "visitors": 15}),
        "few", "pairs of a column",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_weakness_is_found(
    partywall: Partywall, data: Path, engine: Engine, name: str
) -> None:
    (table, where, instead), fault, about = PLANTED[name]
    tables = numbers()
    chosen = rows(tables, table, **where)
    assert chosen
    for row in chosen:
        row.update(instead)
    load(engine, tables)
    findings = found(partywall, data, 1)
    assert [f for f in findings if f["fault"] == fault and about in f["what"]], findings
    assert {f["site"] for f in findings} == {"shop"}


@pytest.mark.parametrize(
    ("more", "fault"), [((4, 0), "few"), ((12, 3), "grown"), ((-1, 0), "inconsistent")]
)
def test_a_revision_that_betrays_a_few_is_found(
    partywall: Partywall, data: Path, engine: Engine, more: tuple[int, int], fault: str
) -> None:
    """Until the engine has merged the older one away, and nobody can ask for it any more."""
    load(engine, numbers())
    later = numbers()
    for table in later.values():
        for row in table:
            row["revision"] = 2
    chosen = rows(later, "segment_breakdown_daily", **OF_VIEW)
    for row in chosen:
        row["hits"] += more[0]
        row["visitors"] += more[1]
    load(engine, {"segment_breakdown_daily": chosen})
    findings = found(partywall, data, 1)
    assert [f for f in findings if f["fault"] == fault and "editions of a cell" in f["what"]]
    with contextlib.closing(connect(engine)) as client:
        client.command("OPTIMIZE TABLE analytics.segment_breakdown_daily_revisions FINAL")
    said = partywall("attack", "--data", data, "--json")
    assert not [f for f in json.loads(said.out)["findings"] if "editions of a cell" in f["what"]]


def test_nothing_changes_for_the_attacker_when_the_engine_merges(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    load(engine, numbers())
    load(engine, numbers())
    assert found(partywall, data, 0) == []
    with contextlib.closing(connect(engine)) as client:
        for table in TABLES:
            client.command(f"OPTIMIZE TABLE analytics.{table}_revisions FINAL")
    assert found(partywall, data, 0) == []


def test_two_hours_and_a_day_that_leave_a_few_between_them_are_found(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    """No pair and no triple shows it: the hours in which ``/a`` was shown hold none of the rest."""
    day, tables = START // DAY * DAY, {name: list[Row]() for name in TABLES}
    shown = {0: {"/a": 20, "/b": 20}, 1: {"/b": 20, "(other)": 15}, 2: {"/b": 20, "(other)": 15},
             3: {"/a": 20, "(other)": 30}}  # fmt: skip
    whole = {"/a": 40 + 24, "/b": 60, "(other)": 36}
    for start, cells, pace in [
        *((day + hour * HOUR, cells, "hourly") for hour, cells in shown.items()),
        (day, whole, "daily"),
    ]:
        base = {"site": "shop", "window_start": start, "revision": 1}
        total = _counts(sum(cells.values()), 10)
        tables[f"traffic_{pace}"].append({**base, "audience": "human", **total})
        tables[f"segment_{pace}"].append({**base, "segment": "view", **total})
        for value, hits in cells.items():
            row = {**base, "dimension": "page", "value": value, **_counts(hits, 10)}
            tables[f"breakdown_{pace}"].append(row)
            tables[f"segment_breakdown_{pace}"].append({**row, "segment": "view"})
    load(engine, tables)
    findings = found(partywall, data, 1)
    assert {f["fault"] for f in findings} == {"few"}
    assert {f["hits"] for f in findings} == {6}
    assert all("view by page" in f["what"] for f in findings)


def test_a_view_that_says_something_else_than_its_revisions_is_found(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    load(engine, numbers())
    with contextlib.closing(connect(engine)) as client:
        told = str(client.command("SHOW CREATE VIEW analytics.segment_daily")).replace("\\n", " ")
        _, _, query = told.partition(" AS SELECT ")
        query = query.replace("sum(r.hits)", "sum(r.hits) + 1")
        client.command(f"CREATE OR REPLACE VIEW analytics.segment_daily AS SELECT {query}")
    findings = found(partywall, data, 1)
    assert [f["what"] for f in findings] == [
        "shop 2024-10-04 segment request: the view is not the sum of the revisions",
        "shop 2024-10-04 segment view: the view is not the sum of the revisions",
    ]


def test_what_may_be_past_its_retention_is_left_out(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    """Of a day whose rows begin to expire, a part may be gone that the others lack."""
    load(engine, numbers())
    with contextlib.closing(connect(engine)) as client:
        for table in ("traffic_daily", "segment_daily"):
            client.command(f"TRUNCATE TABLE analytics.{table}_revisions")
        client.command(
            "INSERT INTO analytics.traffic_daily_revisions SELECT site, window_start - 7200, "
            "audience, hits, bytes, visitors, ingest, revision, toDateTime(1) "
            "FROM analytics.traffic_hourly_revisions"
        )
    assert found(partywall, data, 0) == []


def test_a_folder_without_an_engine_is_a_mistake(partywall: Partywall, data: Path) -> None:
    said = partywall("attack", "--data", data)
    assert said.complaint.startswith(f"there is no engine in {data}: name the folder")


def test_an_engine_without_released_tables_is_a_mistake(
    partywall: Partywall, data: Path, engine: Engine
) -> None:
    with contextlib.closing(connect(engine)) as client:
        for table in TABLES:
            client.command(f"DROP TABLE analytics.{table}_revisions")
    said = partywall("attack", "--data", data)
    assert said.complaint.startswith("there are no released tables here: name the folder")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"entry": 20, "exit": 20, "(other)": 9}, 1),
        ({"entry": 12, "exit": 13, "(other)": 24}, 1),
        ({"entry": 20, "(other)": 29}, 1),
        ({"entry": 12, "exit": 12, "between": 10, "bounce": 15}, 0),
        ({"entry": 15, "(other)": 34}, 0),
    ],
)
def test_as_many_visits_end_as_begin(
    partywall: Partywall, data: Path, engine: Engine, told: dict[str, int], code: int
) -> None:
    """So what is told of one is known of the other, and may be taken from what is not told."""
    tables = numbers()
    base = {**tables["pair_daily"][0], "dimension": "device", "value": "desktop", "across": "role"}
    tables["pair_daily"] += [
        {**base, "across_value": role, **_counts(hits, min(hits, 25))}
        for role, hits in told.items()
    ]
    load(engine, tables)
    found(partywall, data, code)


@pytest.mark.parametrize(("after", "code"), [(30, 0), (41, 1)])
def test_what_a_page_followed_is_counted_as_the_page_is(
    partywall: Partywall, data: Path, engine: Engine, after: int, code: int
) -> None:
    """Each view of ``/b`` that followed another is one that ``/a`` was followed by."""
    tables = numbers()
    for pace in WINDOWS:
        for table in (f"breakdown_{pace}", f"segment_breakdown_{pace}"):
            pages = rows(tables, table, dimension="device")
            tables[table] += [{**row, "dimension": "page", "value": "/b"} for row in pages]
    move = {"dimension": "page", "value": "/a", "across": "next_page", "across_value": "/b"}
    tables["pair_daily"].append({**tables["pair_daily"][0], **move, **_counts(after, 12)})
    load(engine, tables)
    findings = found(partywall, data, code)
    assert {f["what"].partition(":")[0] for f in findings} <= {"what a page followed"}


OF_HOUR: Final[Row] = {"site": "shop", "window_start": START, "revision": 1}
STEPS: Final[dict[str, tuple[list[Row], str | None]]] = {
    "what is left stands for many": ([{}, {}], None),
    "a step of few": ([{"visitors": 9}, {}], "few"),
    "few hits are left of the hour": ([{"hits": 24}, {"hits": 30}], "few"),
    "few hits are left of a class": ([{}, {"status_class": "4xx", "hits": 20}], "few"),
    "few visitors are left": ([{"visitors": 21, "hits": 22}, {}], "grown"),
    "more than there was": ([{"hits": 50}, {}], "inconsistent"),
}
"""What is planted → two steps of an hour of 60 views of 30 visitors, and the fault found."""


@pytest.mark.parametrize("name", STEPS)
def test_steps_of_minutes_are_set_against_their_hour(
    partywall: Partywall, data: Path, engine: Engine, name: str
) -> None:
    planted, fault = STEPS[name]
    load(engine, in_steps(planted))
    findings = found(partywall, data, 0 if fault is None else 1)
    assert fault in {f["fault"] for f in findings} if fault else not findings
    assert all("steps of minutes" in f["what"] or "by itself" in f["what"] for f in findings)


def in_steps(planted: list[Row]) -> Planted:
    """An hour of 60 views of 30 visitors, and steps of it."""
    tables: Planted = {table: [] for table in TABLES}
    tables["traffic_hourly"].append({**OF_HOUR, "audience": "human", **_counts(60, 30)})
    tables["segment_hourly"].append({**OF_HOUR, "segment": "view", **_counts(60, 30)})
    for value, hits in (("200", 35), ("404", 25)):
        cell = {**OF_HOUR, "dimension": "status", "value": value, **_counts(hits, 20)}
        tables["breakdown_hourly"].append(cell)
        tables["segment_breakdown_hourly"].append({**cell, "segment": "view"})
    for at, more in enumerate(planted):
        tables["health_minute"].append({**_step(at), **_counts(12, 11), **more, "bytes": 0})
    return tables


def _step(at: int) -> Row:
    moment = {"window_start": START + 60 * at, "minutes": 1}
    return {**OF_HOUR, **moment, "segment": "view", "status_class": "2xx"}


RANGES: Final[dict[str, tuple[dict[str, int], int, str | None]]] = {
    "what is left stands for many": ({"0-0.25 s": 12}, 11, None),
    "a range of few": ({"0-0.25 s": 12}, 9, "few"),
    "ranges do not make up their step": ({"0-0.25 s": 11}, 11, "few"),
    "few are left of a class": ({"0.25-0.5 s": 12}, 11, "few"),
    "more than there was of a class": ({"0.5-1 s": 12}, 11, "inconsistent"),
}
"""How long the answers of a step of 12 took, and how many visitors that stands for, and the fault.

Of the hour 40 took 0.1 to 0.25 s and 20 up to 0.5 s."""


@pytest.mark.parametrize("name", RANGES)
def test_response_times_of_steps_are_set_against_their_step_and_hour(
    partywall: Partywall, data: Path, engine: Engine, name: str
) -> None:
    ranges, visitors, fault = RANGES[name]
    tables = in_steps([{}])
    for value, hits in (("0.1-0.25 s", 40), ("0.25-0.5 s", 20)):
        cell = {**OF_HOUR, "dimension": "response_time", "value": value, **_counts(hits, 20)}
        tables["segment_breakdown_hourly"].append({**cell, "segment": "view"})
        tables["breakdown_hourly"].append(cell)
    for value, hits in ranges.items():
        row = {**_step(0), "response_time": value, "hits": hits, "visitors": visitors}
        tables["response_time_minute"].append(row)
    load(engine, tables)
    findings = found(partywall, data, 0 if fault is None else 1)
    assert fault in {f["fault"] for f in findings} if fault else not findings
    about = ("response times of steps", "by itself")
    assert all(any(one in f["what"] for one in about) for f in findings)
