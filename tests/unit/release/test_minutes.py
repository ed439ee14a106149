"""A cells partition tells each step of minutes once, wherever it was stopped and began again."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.errors import IntegrityError
from pipeline.kafka.runs import RunLog
from pipeline.release import condense as condensing
from pipeline.release.condense import condense
from pipeline.release.ingests import Terms
from pipeline.release.partition import Partition
from pipeline.response_times import CLASSES, NONE
from pipeline.rows import CELLS, HOUR, MINUTE, MINUTES, CellsHeader, framed, pack_minutes
from pipeline.zones import reading
from tests.support.messages import encode_cells
from tests.support.stores import MemoryStore

START, ORIGINS = 500_000 * HOUR, 2
Row = dict[str, int | str]


def terms(k: int) -> Terms:
    return Terms(k, 600, HOUR)


def rows_of(draw: random.Random) -> list[Row]:
    """Some visitors of two sites over two hours, each of one events partition."""
    found: dict[tuple[int | str, ...], Row] = {}
    for _ in range(draw.randint(50, 400)):
        visitor, minute = draw.randrange(40), draw.randrange(100)
        row: Row = {
            "site": f"site {draw.randrange(2)}",
            "minute": START + minute * MINUTE,
            "segment": draw.choice(["view", "failed"]),
            "status_class": draw.choice(["2xx", "4xx", "5xx"]),
            "pace": draw.choice([2, 2, 5, 12]),
            "visitor": visitor,
        }
        found[tuple(row.values())] = {**row, "hits": draw.randint(1, 3), "bytes": 7}
    return list(found.values())


def messages(seed: int, most: int = 90) -> list[bytes]:
    """Minutes as two rollups send them: a cut in parts, cut short and sent again, hours between."""
    draw = random.Random(seed)
    rows, sent = rows_of(draw), list[bytes]()
    upto = [START] * ORIGINS
    position = 0
    while min(upto) < START + 2 * HOUR:
        position += 1
        origin = draw.randrange(ORIGINS)
        now = upto[origin] + draw.choice([1, 1, 2, 5, 30]) * MINUTE
        mine = [
            row
            for row in rows
            if int(row["visitor"]) % ORIGINS == origin and upto[origin] <= int(row["minute"]) < now
        ]
        upto[origin] = now
        sent += cut(draw, origin, position, pl.DataFrame(mine, MINUTES), now, most)
        if draw.random() < 0.2:
            head = CellsHeader(origin, position, 0, "live", now // HOUR * HOUR)
            sent.append(encode_cells(head, pl.DataFrame(schema=CELLS)))
        if draw.random() < 0.2:
            sent += draw.choices(sent, k=2)
    return sent


def cut(
    draw: random.Random, origin: int, position: int, rows: pl.DataFrame, passed: int, most: int
) -> list[bytes]:
    made: list[bytes] = []
    while True:
        crash, first = draw.random() < 0.3, 0
        while True:
            upto = min(rows.height, first + draw.randrange(5, most))
            last = upto == rows.height
            mark = passed if last else None
            header = CellsHeader(origin, position, first, "live", mark, minutes=True)
            made.append(framed(header, pack_minutes(rows[first:upto])))
            first = upto
            if last or (crash and draw.random() < 0.5):
                break
        if last:
            return made


def steps_of(partition: Partition, log: list[bytes]) -> dict[str, pl.DataFrame]:
    said = [partition.apply(at, message)[1] for at, message in enumerate(log)]
    told: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for one in said:
        for header, rows in one.rollups:
            told[header.table].append(rows)
    return {table: pl.concat(parts) for table, parts in told.items()}


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
def test_with_k_of_one_the_steps_are_the_rows_and_none_is_told_twice(seed: int) -> None:
    found = steps_of(Partition(terms(1), 0, ORIGINS), messages(seed))
    names = dict(enumerate([*CLASSES, NONE]))
    rows = pl.DataFrame(rows_of(random.Random(seed)), MINUTES).with_columns(
        window_start="minute", response_time=pl.col("pace").replace_strict(names)
    )
    key = ["site", "window_start", "segment", "status_class"]
    for table, by in (("health_minute", key), ("response_time_minute", [*key, "response_time"])):
        expected = rows.group_by(by).agg(
            pl.col("hits").sum(), pl.col("visitor").n_unique().alias("visitors")
        )
        told = found[table]
        assert not told.select(pl.struct(by).is_duplicated().any()).item()
        assert_frame_equal(
            told.select(expected.columns).sort(by), expected.sort(by), check_dtypes=False
        )
    assert found["health_minute"]["bytes"].sum() == rows["bytes"].sum()


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4), stop=st.floats(0, 1))
def test_restored_anywhere_it_tells_what_it_would_have(seed: int, k: int, stop: float) -> None:
    log = messages(seed)
    at = int(stop * len(log))
    whole, again = Partition(terms(k), 0, ORIGINS), Partition(terms(k), 0, ORIGINS)
    runs: list[tuple[int, bytes]] = []
    for position, message in enumerate(log):
        run, said = whole.apply(position, message)
        if position < at:
            keep_from = whole.keep_from
            runs = [r for r in runs if keep_from is not None and r[0] >= keep_from]
            runs.append((position, run))
            continue
        if position == at:
            again.restore(runs)
        _, other = again.apply(position, message)
        assert [head for head, _ in said.rollups] == [head for head, _ in other.rollups]
        for (_, left), (_, right) in zip(said.rollups, other.rollups, strict=True):
            assert_frame_equal(left, right)
    assert whole._minutes.needed == again._minutes.needed


async def test_what_no_hour_needs_any_more_is_one_run_and_the_state_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first message, of a day that is not over, is kept; the minutes after it come and go."""
    monkeypatch.setattr(condensing, "_SLACK", 4)
    store = MemoryStore()
    log, partition = await RunLog.open(store, 0), Partition(terms(3), 0, ORIGINS)
    row = {name: "a" if kind == pl.String else 1 for name, kind in CELLS.items()}
    cells = pl.DataFrame([{**row, "hour": START}], CELLS)
    sent = [encode_cells(CellsHeader(0, 0, 0, "live", START), cells), *messages(7, 12)]
    most = 0
    for position, message in enumerate(sent):
        run, _ = partition.apply(position, message)
        await log.append(position, run)
        await condense(log, partition)
        opened = await RunLog.open(store, 0)
        assert opened.position == position
        most = max(most, len(opened.spans) - len(partition.needed))
        other = Partition(terms(3), 0, ORIGINS)
        other.restore([(span.end, value) for span, _, value in opened.read()])
        assert other.needed == partition.needed
        assert other._run(message, None) == partition._run(message, None)
    assert len(sent) > 3 * most
    assert 0 in partition.needed


def test_a_site_that_is_given_another_zone_tells_no_minute_a_second_time() -> None:
    """Its day stays with the clock that it began by: two clocks show the same minute twice."""
    partition = Partition(terms(1), 0, 1)
    told = Counter[tuple[object, ...]]()
    for position in range(240):
        zone = "Europe/Berlin" if position < 120 else "UTC"
        minute = reading(START + position * MINUTE, zone)
        row = {name: "a" if kind == pl.String else 1 for name, kind in MINUTES.items()}
        cells = pl.DataFrame([row | {"minute": minute}], MINUTES)
        passed = START + (position + 1) * MINUTE
        header = CellsHeader(0, position, 0, "live", passed, minutes=True, zone=zone)
        _, said = partition.apply(position, framed(header, pack_minutes(cells)))
        for head, rows in said.rollups:
            if head.table == "health_minute":
                told.update(rows.select("site", "window_start").iter_rows())
    assert max(told.values()) == 1
    assert len(told) == 120


def test_minutes_of_a_backfill_are_refused() -> None:
    header = CellsHeader(0, 0, 0, "old-1", START, minutes=True)
    message = framed(header, pack_minutes(pl.DataFrame(schema=MINUTES)))
    with pytest.raises(IntegrityError, match="not live"):
        Partition(terms(1), 0, 1).apply(0, message)
