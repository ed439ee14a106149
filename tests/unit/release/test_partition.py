"""A cells partition publishes the same again, wherever it was stopped, and each row once."""

from __future__ import annotations

import itertools
import random

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.errors import IntegrityError, SettingsError
from pipeline.release.accounts import Account
from pipeline.release.ingests import Terms
from pipeline.release.partition import Partition, Said
from pipeline.rows import CELLS, DAY, HOUR, MINUTE, MINUTES, CellsHeader, framed, pack_minutes
from pipeline.zones import reading
from tests.support.messages import encode_cells
from tests.unit.release.sites import arrivals, small_sites

LATENESS, HOLD, ORIGINS = 600, 3 * HOUR, 2


def terms(k: int) -> Terms:
    return Terms(k, LATENESS, HOLD)


def test_a_floor_of_places_that_changed_is_refused_while_windows_are_open() -> None:
    """What was told already would be worked out anew under another floor."""
    first = Partition(Terms(3, LATENESS, HOLD, place_floor=8), 0, ORIGINS)
    runs = [(at, first.apply(at, message)[0]) for at, message in enumerate(messages(1)[:3])]
    again = Partition(Terms(3, LATENESS, HOLD, place_floor=9), 0, ORIGINS)
    with pytest.raises(SettingsError, match=r"place_floor is 9, but open windows .* under 8"):
        again.restore(runs)
    Partition(Terms(3, LATENESS, HOLD, place_floor=8), 0, ORIGINS).restore(runs)


def messages(
    seed: int, *, ingests: tuple[str, ...] = ("live",), zones: tuple[str, ...] = ("UTC",)
) -> list[bytes]:
    """The cells messages of two origins; some cuts in parts, some parts and cuts sent again.

    The rows of a cut are each by one of ``zones``: a site's zone changes all the time.
    """
    draw = random.Random(seed)
    made: list[tuple[int, str, list[bytes]]] = []
    positions = itertools.count(1)
    for ingest in ingests:
        rows = small_sites(draw.randrange(10**6), 3)
        for places, watermark, end in arrivals(seed, rows, LATENESS, HOLD):
            position = next(positions)
            for origin in range(ORIGINS):
                mine = [rows[at] for at in places if rows[at]["visitor"] % ORIGINS == origin]
                cells = pl.DataFrame(mine, schema=CELLS)
                mark = 2**62 if watermark is None else watermark
                parts = cut(draw, origin, position, ingest, cells, mark, end, zones)
                made.append((origin, ingest, parts))
    sent: list[bytes] = []
    for number, (origin, _, parts) in enumerate(made):
        sent += parts
        if draw.random() < 0.2:
            before = [p for o, _, p in made[: number + 1] if o == origin]
            sent += draw.choice(before)
    return sent


def cut(
    draw: random.Random,
    origin: int,
    position: int,
    ingest: str,
    cells: pl.DataFrame,
    watermark: int,
    end: bool,
    zones: tuple[str, ...],
) -> list[bytes]:
    """One cut, divided anywhere; sometimes cut short and sent again, divided elsewhere."""
    made: list[bytes] = []
    while True:
        crash = draw.random() < 0.3
        first = 0
        while True:
            upto = min(cells.height, first + draw.randrange(1, 40))
            last = upto == cells.height
            mark = watermark if last else None
            zone = zones[(position * 31 + first // 40) % len(zones)]
            header = CellsHeader(origin, position, first, ingest, mark, end and last, zone=zone)
            made.append(encode_cells(header, cells[first:upto]))
            first = upto
            if last or (crash and draw.random() < 0.5):
                break
        if last:
            return made


def same(one: Said, other: Said) -> None:
    assert one.accounts == other.accounts
    assert [header for header, _ in one.rollups] == [header for header, _ in other.rollups]
    for (_, left), (_, right) in zip(one.rollups, other.rollups, strict=True):
        assert_frame_equal(left, right)


CLOCKS = ("UTC", "America/New_York", "Asia/Kathmandu")
"""Behind, and ahead by no whole hour."""


@pytest.mark.parametrize("zones", [("UTC",), CLOCKS], ids=["one clock", "three clocks"])
@settings(max_examples=4)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4), stop=st.floats(0, 1))
def test_restored_anywhere_it_publishes_what_it_would_have(
    seed: int, k: int, stop: float, zones: tuple[str, ...]
) -> None:
    log = messages(seed, ingests=("live", "backfill-1"), zones=zones)
    at = int(stop * len(log))
    whole, halves = Partition(terms(k), 0, ORIGINS), Partition(terms(k), 0, ORIGINS)
    runs: list[tuple[int, bytes]] = []
    for position, message in enumerate(log):
        run, said = whole.apply(position, message)
        if position < at:
            halves.apply(position, message)
            keep_from = whole.keep_from
            runs.append((position, run))
            # As the worker does: what lies before keep_from goes, the newest run stays.
            runs = [r for r in runs[:-1] if keep_from is not None and r[0] >= keep_from] + runs[-1:]
            continue
        if position == at:
            halves = Partition(terms(k), 0, ORIGINS)
            halves.restore(runs)
        _, again = halves.apply(position, message)
        same(said, again)


@pytest.mark.parametrize("zones", [("UTC",), CLOCKS], ids=["one clock", "three clocks"])
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_with_k_of_one_everything_counted_is_released_once(
    seed: int, zones: tuple[str, ...]
) -> None:
    """Repeated cuts, parts cut elsewhere and crashes between two parts change no total.

    Nor does another zone: a window is told as a whole, by one clock, revision after revision.
    """
    rows = small_sites(random.Random(seed).randrange(10**6), 3)
    partition = Partition(terms(1), 0, ORIGINS)
    accounts: dict[tuple[str, str], Account] = {}
    told: dict[tuple[str, int, str], list[int]] = {}
    for position, message in enumerate(messages(seed, zones=zones)):
        _, said = partition.apply(position, message)
        accounts |= said.accounts
        for header, cells in said.rollups:
            if header.table == "traffic_daily":
                for cell in cells.iter_rows(named=True):
                    window = cell["site"], cell["window_start"], cell["audience"]
                    told.setdefault(window, []).append(cell["hits"])
    assert all(numbers == sorted(numbers) for numbers in told.values())
    shown: dict[str, int] = {}
    for (site, _, _), numbers in told.items():
        shown[site] = shown.get(site, 0) + numbers[-1]
    released = {site: account.released for (_, site), account in accounts.items()}
    assert shown == {site: count for site, count in released.items() if count}
    hits: dict[str, int] = {}
    for row in rows:
        hits[row["site"]] = hits.get(row["site"], 0) + row["hits"]
    assert {site: account.counted for (_, site), account in accounts.items()} == hits
    for account in accounts.values():
        assert account.released + account.withheld == account.counted


def test_accounts_are_stated_when_a_day_turns_and_not_with_every_cut() -> None:
    """Else the differences of ``counted`` would be exact hits by the hour, withheld ones too."""
    row = small_sites(5, 1)[0]
    day = row["hour"] // DAY * DAY
    partition = Partition(terms(10), 0, 1)
    stated: list[Account | None] = []
    marks = [*range(day + HOUR, day + 2 * DAY + 12 * HOUR, HOUR)]
    for position, mark in enumerate(marks):
        rows = pl.DataFrame([row | {"hour": mark - HOUR}], schema=CELLS)
        last = position == len(marks) - 1
        message = encode_cells(CellsHeader(0, position, 0, "live", mark, end=last), rows)
        _, said = partition.apply(position, message)
        stated.append(said.accounts.get(("live", row["site"])))
    turns = [day + DAY + LATENESS, day + 2 * DAY + LATENESS]
    turns += [at + HOLD for at in turns]
    expected = {next(at for at, mark in enumerate(marks) if mark >= turn) for turn in turns}
    assert {at for at, account in enumerate(stated) if account} == expected | {len(marks) - 1}
    final = stated[-1]
    assert final is not None
    assert final.counted == final.withheld == len(marks) * row["hits"]


def test_minutes_and_hours_of_a_day_are_by_one_clock() -> None:
    """Of a site moved within an hour, that hour's rows come together, and the new zone's first."""
    row = small_sites(5, 1)[0]
    start = row["hour"] // DAY * DAY
    partition = Partition(terms(1), 0, 1)
    minute = {name: row.get(name, "2xx") for name in MINUTES} | {"pace": 0}
    told = []
    for position, zone in enumerate(("UTC", "Europe/Berlin")):
        rows = pl.DataFrame(
            [minute | {"minute": reading(start + position * MINUTE, zone)}], MINUTES
        )
        passed = start + (position + 1) * MINUTE
        header = CellsHeader(0, position, 0, "live", passed, minutes=True, zone=zone)
        _, said = partition.apply(position, framed(header, pack_minutes(rows)))
        told += [cells["window_start"][0] for _, cells in said.rollups]
    assert told[0] == start
    hours = []
    for first, zone in enumerate(("Europe/Berlin", "UTC")):
        rows = pl.DataFrame([row | {"hour": reading(start, zone)}], CELLS)
        header = CellsHeader(0, 2, first, "live", start + 2 * HOUR if first else None, zone=zone)
        _, said = partition.apply(2 + first, encode_cells(header, rows))
        hours += [cells for header, cells in said.rollups if header.table == "traffic_hourly"]
    assert start in pl.concat(hours)["window_start"]
    assert partition._homes["live"].saved() == {row["site"]: [(start, "UTC")]}


def older(value: bytes) -> bytes:
    """A run as it was written before there were zones."""
    head, _, message = value.partition(b"\n")
    base = orjson.loads(head)
    if base["fed"] is not None:
        base["fed"][0] = base["fed"][0].get("UTC")
    del base["homes"], base["minutes"]["passed"]
    base["ingests"] = {
        name: {**saved, **saved.pop("clocks")["UTC"]} for name, saved in base["ingests"].items()
    }
    return orjson.dumps(base) + b"\n" + message


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_from_before_there_were_zones_are_gone_on_from(seed: int) -> None:
    log = messages(seed)
    whole, runs = Partition(terms(2), 0, ORIGINS), list[tuple[int, bytes]]()
    for position, message in enumerate(log[: len(log) // 2]):
        runs.append((position, older(whole.apply(position, message)[0])))
    again = Partition(terms(2), 0, ORIGINS)
    again.restore(runs)
    for position, message in enumerate(log[len(log) // 2 :], len(runs)):
        same(whole.apply(position, message)[1], again.apply(position, message)[1])


def test_a_day_that_expired_before_there_were_zones_is_not_opened_by_another_clock() -> None:
    """Else it would be told a second time, and the newer part stand for the whole."""
    row = small_sites(5, 1)[0]
    day = row["hour"] // DAY * DAY
    first = Partition(terms(1), 0, 1)
    runs = []
    for position, mark in enumerate((day + HOUR, day + DAY + 4 * HOUR)):
        rows = pl.DataFrame([row | {"hour": day}] if position == 0 else [], CELLS)
        message = encode_cells(CellsHeader(0, position, 0, "live", mark), rows)
        runs.append((position, older(first.apply(position, message)[0])))
    moved = Partition(terms(1), 0, 1)
    moved.restore(runs)
    rows = pl.DataFrame([row | {"hour": day + HOUR}], CELLS)
    late = CellsHeader(0, 9, 0, "live", day + DAY + 5 * HOUR, zone="America/New_York")
    _, said = moved.apply(9, encode_cells(late, rows))
    assert all(day not in cells["window_start"] for _, cells in said.rollups)
    account = moved._ingests["live"].ledgers["UTC"].settled().accounts[row["site"]]
    assert account.withheld == row["hits"]


def test_a_day_that_turns_elsewhere_states_no_account_of_a_site() -> None:
    """Else the differences of one site's accounts would be hits between midnights of others."""
    row = small_sites(5, 1)[0]
    day = row["hour"] // DAY * DAY
    partition = Partition(terms(10), 0, 1)
    stated: dict[str, list[int]] = {"here": [], "far": []}
    position = 0
    for mark in range(day, day + 2 * DAY, HOUR):
        for site, zone in (("here", "UTC"), ("far", "America/New_York")):
            rows = pl.DataFrame([row | {"hour": reading(mark, zone), "site": site}], schema=CELLS)
            header = CellsHeader(0, position, 0, "live", mark, zone=zone)
            _, said = partition.apply(position, encode_cells(header, rows))
            for _, of in said.accounts:
                stated[of].append(mark)
            position += 1
    assert stated["here"]
    assert stated["far"]
    assert not set(stated["here"]) & set(stated["far"])


def test_an_ingest_has_ended_when_every_origin_has() -> None:
    partition = Partition(terms(1), 3, ORIGINS)
    empty = pl.DataFrame(schema=CELLS)
    first = encode_cells(CellsHeader(0, 7, 0, "live", 2**62, end=True), empty)
    second = encode_cells(CellsHeader(1, 2, 0, "live", 2**62, end=True), empty)
    assert partition.apply(0, first)[1].rollups == []
    (last,) = partition.apply(1, second)[1].rollups
    assert last[0].finished
    assert last[0].origin == 3


def test_k_cannot_change_while_windows_are_open() -> None:
    partition = Partition(terms(2), 0, ORIGINS)
    log = messages(1)
    runs = [(at, partition.apply(at, message)[0]) for at, message in enumerate(log[:4])]
    with pytest.raises(SettingsError, match="under k 2"):
        Partition(terms(3), 0, ORIGINS).restore(runs)


@pytest.mark.parametrize("value", [b"", b"{}", b"no json\n", orjson.dumps([1]) + b"\n"])
def test_a_damaged_run_is_refused(value: bytes) -> None:
    with pytest.raises(IntegrityError):
        Partition(terms(1), 0, ORIGINS).restore([(0, value)])
