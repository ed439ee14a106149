"""A rollup counts each row once and says the same again, wherever it was stopped."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import events, policy, response_times
from pipeline.errors import IntegrityError
from pipeline.events import DIMENSION_PURPOSES, EventsHeader
from pipeline.kafka.runs import RunLog
from pipeline.purposes import Refusals
from pipeline.rollups import compact
from pipeline.rollups.compact import Housekeeping
from pipeline.rollups.rollup import Cut, Rollup
from pipeline.rollups.runs import decode_run
from pipeline.rows import HOUR, MINUTE
from tests.support.stores import MemoryStore

SOURCES = ("logs.web:0", "logs.web:1")
START = int(dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC).timestamp())
"""At 01:00 UTC Berlin's clocks go back, and 02:00 to 03:00 comes twice there."""
ZONES = {"berlin": "Europe/Berlin", "nepal": "Asia/Kathmandu"}
SITES = ("a", *ZONES)
REFUSALS = Refusals(policy.load(None), DIMENSION_PURPOSES)
Message = tuple[str, int, list[dict[str, Any]], bool]
"""Source, last offset, rows, whether the ingest ends."""


def rollup() -> Rollup:
    return Rollup(SOURCES, HOUR, REFUSALS)


def source_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Rows of one source, an offset each, over some hours; ties and small steps back in time."""
    draw = random.Random(seed)
    made = []
    for offset in range(count):
        row: dict[str, Any] = {}
        for name, kind in events.SCHEMA.items():
            row[name] = f"{name} {draw.randrange(2)}" if kind == pl.String else draw.randrange(3)
        time = START + offset * 6 * HOUR // count + draw.randrange(HOUR)
        made.append(
            row
            | {"offset": offset, "line": 0, "policy": 1, "time": time, "site": draw.choice(SITES)}
        )
    return made


def batches(seed: int, rows: dict[str, list[dict[str, Any]]]) -> list[Message]:
    """An order in which the sources' rows come: cut anywhere, sometimes sent again from before.

    As split does, a batch says all rows from where it begins, and never begins past a gap.
    """
    draw = random.Random(seed)
    sent = dict.fromkeys(rows, 0)
    made: list[Message] = []
    while any(sent[source] < len(mine) for source, mine in rows.items()):
        source = draw.choice([s for s in rows if sent[s] < len(rows[s])])
        begin = draw.randrange(sent[source] + 1) if draw.random() < 0.3 else sent[source]
        end = min(len(rows[source]), begin + draw.randrange(1, 12))
        last = end == len(rows[source])
        made.append((source, end - 1, rows[source][begin:end], last))
        sent[source] = max(sent[source], end)
    return made


def encoded(message: Message) -> bytes:
    source, last, rows, end = message
    frame = pl.DataFrame(rows, schema=events.SCHEMA)
    newest = max((row["time"] for row in rows), default=None)
    header = EventsHeader(source, last, "live", newest, end, zones=ZONES)
    return events.encode(header, frame)


def on_clock(row: dict[str, Any]) -> int:
    """What the clock of the row's site shows, by Python's own database."""
    zone = ZoneInfo(ZONES.get(row["site"], "UTC"))
    there = dt.datetime.fromtimestamp(row["time"], zone).replace(tzinfo=dt.UTC)
    return int(there.timestamp())


def texts(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as they would be told: two states code the same texts by different numbers."""
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def counted(cuts: list[Cut]) -> Counter[tuple[str, str, int, str]]:
    found: Counter[tuple[str, str, int, str]] = Counter()
    for cut in cuts:
        told = cut.cells.select("site", "zone", "hour", "status", "hits")
        for site, zone, hour, status, hits in told.iter_rows():
            found[site, zone, hour, status] += hits
    return found


def two_sources(seed: int, count: int) -> dict[str, list[dict[str, Any]]]:
    return {source: source_rows(seed + at, count) for at, source in enumerate(SOURCES)}


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60))
def test_every_row_is_counted_once_whatever_is_sent_again(seed: int, count: int) -> None:
    """Batches cut elsewhere the second time, in any order of the sources, add up to the rows."""
    rows = two_sources(seed, count)
    state = rollup()
    cuts = [state.apply(at, encoded(m))[1] for at, m in enumerate(batches(seed, rows))]
    expected = Counter(
        (row["site"], ZONES.get(row["site"], "UTC"), on_clock(row) // HOUR * HOUR, row["status"])
        for mine in rows.values()
        for row in mine
    )
    assert counted([cut for cut in cuts if cut is not None]) == expected
    assert state.open.is_empty()


@settings(max_examples=18)
@given(seed=st.integers(0, 10**6), stop=st.integers(0, 30))
def test_restored_anywhere_it_says_what_it_would_have_said(seed: int, stop: int) -> None:
    """Row for row in the same order, since the release tells a repetition by a row's number."""
    messages = [encoded(m) for m in batches(seed, two_sources(seed, 40))]
    stop = min(stop, len(messages))
    first, second = rollup(), rollup()
    runs = []
    for at, message in enumerate(messages):
        run, _, _ = first.apply(at, message)
        if at < stop:
            runs.append((at - 1, run))
    second.restore(runs)
    third = rollup()
    for at, message in enumerate(messages):
        _, *cuts = third.apply(at, message)
        if at < stop:
            continue
        _, *others = second.apply(at, message)
        for said, again in zip(cuts, others, strict=True):
            assert (said is None) == (again is None)
            if said is not None and again is not None:
                assert (said.position, said.watermark, said.end) == (
                    again.position,
                    again.watermark,
                    again.end,
                )
                assert_frame_equal(texts(said.cells), texts(again.cells))
    assert_frame_equal(texts(second.open), texts(third.open))
    assert_frame_equal(texts(second.minutes), texts(third.minutes))
    assert second.progress == third.progress


@pytest.mark.parametrize("seed", range(6))
async def test_merging_and_dropping_runs_changes_no_state(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened from the log as it was kept, at every moment, the state equals the one in memory."""
    monkeypatch.setattr(compact, "MERGE_AFTER", 4)
    store = MemoryStore()
    log = await RunLog.open(store, 0)
    keeping = Housekeeping(log)
    state = rollup()
    most = 0
    for at, message in enumerate(batches(seed, two_sources(seed, 60))):
        run, cut, _ = state.apply(at, encoded(message))
        span = await log.append(at, run)
        await keeping.added(span, len(run))
        if cut is not None:
            await keeping.dropped(state)
        most = max(most, len(store.held))
        opened = await RunLog.open(store, 0)
        other = rollup()
        other.restore([(after, value) for _, after, value in opened.read()])
        assert opened.position == at
        assert other.progress == state.progress
        assert_frame_equal(texts(other.open), texts(state.open))
        assert_frame_equal(texts(other.minutes), texts(state.minutes))
    assert most < at  # something was merged or dropped


def test_rows_that_come_after_the_end_are_handed_on_at_once() -> None:
    """After its end no hour of an ingest closes any more, and no row may wait for one."""
    state = rollup()
    row = source_rows(1, 1)[0]

    def message(source: str, offset: int, *, rows: bool, end: bool) -> bytes:
        made = [row | {"offset": offset}] if rows else []
        frame = pl.DataFrame(made, schema=events.SCHEMA)
        return events.encode(EventsHeader(source, offset, "b1", None, end), frame)

    state.apply(0, message(SOURCES[0], 0, rows=True, end=True))
    _, last, _ = state.apply(1, message(SOURCES[1], 0, rows=False, end=True))
    assert last is not None
    assert last.cells["hits"].to_list() == [1]
    _, more, _ = state.apply(2, message(SOURCES[0], 1, rows=True, end=False))
    assert more is not None
    assert more.end
    assert more.cells["hits"].to_list() == [1]
    _, none, _ = state.apply(3, message(SOURCES[0], 2, rows=False, end=True))
    assert none is None


def test_an_empty_run_of_another_version_is_no_hindrance() -> None:
    """Fields may change once all windows have closed; a run with rows of another shape stops."""
    state = rollup()
    run, _, _ = state.apply(0, encoded((SOURCES[0], 0, [], False)))
    head = run.partition(b"\n")[0]
    other = pl.DataFrame({"position": [1]}, schema={"position": pl.Int64})
    rollup().restore([(-1, head + b"\n" + events.to_ipc(other.clear()))])
    with pytest.raises(IntegrityError, match="another version"):
        rollup().restore([(-1, head + b"\n" + events.to_ipc(other))])


def test_late_rows_of_a_cut_hour_come_with_the_next_cut() -> None:
    """A row whose hour has been sent is kept, and sent when the next hour closes."""
    state = rollup()
    row = source_rows(1, 1)[0]

    def message(source: str, offset: int, hour: int, *, rows: bool = True) -> bytes:
        time = START + hour * HOUR
        made = [row | {"offset": offset, "time": time}] if rows else []
        frame = pl.DataFrame(made, schema=events.SCHEMA)
        return events.encode(EventsHeader(source, offset, "live", time), frame)

    state.apply(0, message(SOURCES[0], 0, 0))
    _, early, _ = state.apply(1, message(SOURCES[1], 0, 9, rows=False))
    assert early is not None
    assert early.cells.is_empty()  # the other source is at hour 0 still
    _, first, _ = state.apply(2, message(SOURCES[0], 1, 9))
    assert first is not None
    assert first.cells["hits"].to_list() == [1]
    _, none, _ = state.apply(3, message(SOURCES[0], 2, 0))
    assert none is None
    state.apply(4, message(SOURCES[1], 1, 12, rows=False))
    _, second, _ = state.apply(5, message(SOURCES[0], 3, 12, rows=False))
    assert second is not None
    assert sorted(second.cells["hour"].to_list()) == [START, START + 9 * HOUR]


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60))
def test_minutes_are_the_rows_that_came_in_time_each_sent_once(seed: int, count: int) -> None:
    """A row is late where its minute had passed on all sources before its message.

    On a clock that went back, the minutes that it shows a second time have passed.
    """
    rows = two_sources(seed, count)
    state, taken, mark = rollup(), dict.fromkeys(SOURCES, -1), dict.fromkeys(SOURCES, -1)
    expected, found = Counter[tuple[object, ...]](), Counter[tuple[object, ...]]()
    passed, shown = -1, dict.fromkeys(SITES, -1)
    for at, message in enumerate(batches(seed, rows)):
        source, last, mine, end = message
        for row in mine[max(0, taken[source] + 1 - (last + 1 - len(mine))) :]:
            minute = on_clock(row) // MINUTE * MINUTE
            if minute >= shown[row["site"]]:
                expected[row["site"], minute, row["segment"], row["visitor"]] += 1
        taken[source] = max(taken[source], last)
        mark[source] = max(mark[source], *(row["time"] for row in mine), 2**62 * end)
        newest = min(mark.values())
        passed = max(passed, newest if newest == 2**62 else newest // MINUTE * MINUTE)
        for site in SITES if passed >= 0 else ():
            there = passed if newest == 2**62 else on_clock({"site": site, "time": passed})
            shown[site] = max(shown[site], there)
        _, _, cut = state.apply(at, encoded(message))
        if cut is not None:
            assert cut.watermark == passed
            for row in cut.cells.iter_rows(named=True):
                assert row["minute"] < shown[row["site"]]
                assert row["status_class"] == "(none)"
                found[row["site"], row["minute"], row["segment"], row["visitor"]] += row["hits"]
    assert found == expected


def test_the_class_of_an_answer_is_its_status() -> None:
    state, row = rollup(), source_rows(1, 1)[0]
    given = {
        "200": "2xx",
        "304": "3xx",
        "404": "4xx",
        "503": "5xx",
        "(none)": "(none)",
        "000": "(none)",
    }
    rows = [row | {"status": status, "visitor": at} for at, status in enumerate(given)]
    state.apply(0, encoded((SOURCES[0], 0, [one | {"offset": 0} for one in rows], True)))
    _, _, cut = state.apply(1, encoded((SOURCES[1], 0, [], True)))
    assert cut is not None
    said = dict(cut.cells.select("visitor", pl.col("status_class").cast(pl.String)).iter_rows())
    assert [said[at] for at in range(len(given))] == list(given.values())


def test_how_long_an_answer_took_is_the_place_of_its_class() -> None:
    """Whatever else a field may hold is told as where a log does not say."""
    state, row = rollup(), source_rows(1, 1)[0]
    names = [*response_times.CLASSES, response_times.NONE, "something else"]
    rows = [row | {"response_time": name, "visitor": at} for at, name in enumerate(names)]
    state.apply(0, encoded((SOURCES[0], 0, [one | {"offset": 0} for one in rows], True)))
    _, _, cut = state.apply(1, encoded((SOURCES[1], 0, [], True)))
    assert cut is not None
    said = dict(cut.cells.select("visitor", "pace").iter_rows())
    assert said == {at: min(at, len(response_times.CLASSES)) for at in range(len(names))}


def test_a_backfill_has_no_minutes() -> None:
    frame = pl.DataFrame(source_rows(1, 1), schema=events.SCHEMA)
    state = rollup()
    for at, source in enumerate(SOURCES):
        message = events.encode(EventsHeader(source, 0, "old-1", None, end=True), frame)
        assert state.apply(at, message)[2] is None
    assert state.minutes.is_empty()


def test_a_run_from_before_there_were_minutes_or_zones_is_read() -> None:
    state = rollup()
    rows = [row | {"site": "a"} for row in source_rows(1, 3)]
    state.apply(0, encoded((SOURCES[0], 2, rows, False)))
    run, _, _ = state.apply(1, encoded((SOURCES[1], 2, rows, False)))
    head, _, body = run.partition(b"\n")
    fields = orjson.loads(head)
    at = fields.pop("minutes_at")
    del fields["passed"], fields["zones"]
    fields["cut"] = {name: [cut, start["UTC"]] for name, (cut, start) in fields["cut"].items()}
    cells = events.from_ipc(body[:at]).drop("zone")
    other = rollup()
    other.restore([(-1, orjson.dumps(fields) + b"\n" + events.to_ipc(cells))])
    assert_frame_equal(texts(other.open), texts(state.open.filter(pl.col("position") == 1)))
    assert other.progress.cut["live"][1] == {"UTC": state.progress.cut["live"][1]["UTC"]}
    assert other.minutes.is_empty()


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_a_damaged_run_is_refused(value: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode_run(value)
