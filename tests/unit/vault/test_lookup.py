"""Looking an address up opens the row groups that hold it and hardly anything else."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import BinaryIO, Self

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline.investigations.lookup import (
    ORDER,
    Found,
    Wanted,
    fetch,
    hours,
    rows,
    tokens_of,
    wanted,
)
from pipeline.investigations.open import open_frame
from pipeline.investigations.parts import ROWS
from pipeline.investigations.segments import Effort, Tokens
from pipeline.keys.material import Tokeniser
from pipeline.restricted.seal import seal
from pipeline.vault.storage import LocalStorage
from pipeline.vault.writer import SegmentWriter
from tests.unit.sealed.records import HOUR, START, day_key, records

ADDRESSES = 3_000
RECORDS = 60_000
DAYS = {1: day_key(1), 2: day_key(2)}


def logs(day: int) -> pl.DataFrame:
    """A day of records: address, hour and line are drawn from a seed."""
    draw = random.Random(day)
    addresses = [
        f"192.0.{n // 250}.{n % 250}" for n in (draw.randrange(ADDRESSES) for _ in range(RECORDS))
    ]
    hours = sorted(START + (24 * day + draw.randrange(24)) * HOUR for _ in range(RECORDS))
    raw = [
        f"{address} at {hour}, day {day}".encode()
        for address, hour in zip(addresses, hours, strict=True)
    ]
    offsets = range(RECORDS * (day - 1), RECORDS * day)
    return records(offsets, raw=raw).with_columns(
        address=pl.Series(addresses), hour=pl.Series(hours)
    )


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    """A flush for each of two days."""
    storage = LocalStorage(tmp_path_factory.mktemp("vault"))
    writer = SegmentWriter(storage, 0)
    offset = writer.open()
    for day, keys in DAYS.items():
        for message in seal(logs(day), keys.key, source="logs.web:0", hour=START):
            writer.add(offset, message)
            offset += 1
        writer.flush()
    return storage


def tokens(
    address: str,
    *days: int,
    sites: tuple[str, ...] = ("site0", "site1"),
    hours: tuple[int, int] = (0, 100),
    untimed: bool = False,
) -> dict[str, frozenset[bytes]]:
    """Tokens for all days of these hours since START, under the keys of ``days``."""
    keys = {DAYS[day].key.key_id: DAYS[day].key.token_key for day in days}
    first, last = (START + hour * HOUR for hour in hours)
    return tokens_of(address, sites, first, last, keys, untimed=untimed)


def find(
    vault: LocalStorage,
    looked_for: Tokens | None,
    first: int,
    last: int,
    effort: Effort | None = None,
    *,
    untimed: bool = False,
) -> list[Found]:
    """Look up on both sites and fetch all at once."""
    sites = ("site0", "site1")
    found = rows(vault, sites, first, last, looked_for, untimed=untimed, effort=effort)
    return list(fetch(vault, found, effort))


def opened(found: list[Found]) -> list[bytes]:
    private = {day.key.key_id: day.private for day in DAYS.values()}
    lines = []
    for frame in found:
        held = open_frame(
            private[frame.key_id], frame.head, frame.encapsulated, frame.frame, frame.ciphertext
        )
        lines += [held[row] for row in frame.rows["row"].to_list()]
    return sorted(lines)


def truth(address: str, first: int, last: int, *days: int) -> list[bytes]:
    wanted = (pl.col("address") == address) & pl.col("hour").is_between(first, last)
    return sorted(raw for day in days for raw in logs(day).filter(wanted)["raw"])


def test_all_records_of_an_address_and_a_day_are_found_and_no_others(vault: LocalStorage) -> None:
    effort = Effort()
    first, last = START + 24 * HOUR, START + 47 * HOUR
    found = find(vault, tokens("192.0.3.17", 1, hours=(24, 47)), first, last, effort)
    assert opened(found) == truth("192.0.3.17", first, last, 1) != []
    assert effort.segments == 1, "the other day's segment is told apart by the manifest"
    assert effort.index_groups_held == 31
    assert effort.index_groups <= 2, "a token for each of two sites"
    assert effort.data_groups <= len(found)


def test_a_look_up_reads_a_small_part_of_the_index(
    vault: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, int] = {}
    plain = LocalStorage.open

    def counting(self: LocalStorage, name: str) -> Counted:
        file = plain(self, name)
        return Counted(file, read, name)

    monkeypatch.setattr(LocalStorage, "open", counting)
    looked_for = tokens("192.0.3.17", 2, sites=("site0",), hours=(50, 51))
    find(vault, looked_for, START + 50 * HOUR, START + 51 * HOUR)
    [(index, taken)] = [(name, size) for name, size in read.items() if "index" in name]
    tail = 64 * 1024  # read at once for the footer, whatever it takes
    assert taken < len(vault.read(index)) / 8 + tail + 8_192


class Counted:
    """A file that adds up what is read from it."""

    def __init__(self, file: BinaryIO, read: dict[str, int], name: str) -> None:
        self._file = file
        self._read = read
        self._name = name

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._read[self._name] = self._read.get(self._name, 0) + len(data)
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def test_a_span_of_hours_over_two_days_takes_the_tokens_of_both(vault: LocalStorage) -> None:
    first, last = START + 40 * HOUR, START + 55 * HOUR
    found = find(vault, tokens("192.0.0.9", 1, 2), first, last)
    assert opened(found) == truth("192.0.0.9", first, last, 1, 2)


def test_a_strange_address_or_another_key_s_token_finds_nothing(vault: LocalStorage) -> None:
    whole = (START, START + 100 * HOUR)
    assert find(vault, tokens("203.0.113.1", 1, 2), *whole) == []
    [mine] = tokens("192.0.3.17", 1).values()
    assert find(vault, tokens("192.0.3.17", 1, 2, sites=("site2",)), *whole) == []
    assert find(vault, {DAYS[2].key.key_id: mine}, *whole) == []
    assert find(vault, {"gone": mine}, *whole) == []
    assert find(vault, {}, *whole) == []


def test_what_is_found_shows_no_record_in_its_repr(vault: LocalStorage) -> None:
    [one, *_] = find(vault, tokens("192.0.3.17", 1), START, START + 100 * HOUR)
    assert "ciphertext" not in repr(one)
    assert "site" not in repr(one)


def test_two_days_do_not_share_a_token() -> None:
    one, two = (
        Tokeniser(day.key.token_key)("site0", 16_572, "192.0.3.17") for day in DAYS.values()
    )
    assert one != two


def test_one_site_is_found_without_the_other(vault: LocalStorage) -> None:
    first, last = START, START + 100 * HOUR
    by_site = [
        opened(find(vault, tokens("192.0.3.17", 1, 2, sites=(site,)), first, last))
        for site in ("site0", "site1")
    ]
    assert all(by_site)
    assert sorted(by_site[0] + by_site[1]) == truth("192.0.3.17", first, last, 1, 2)


def test_lines_without_a_time_are_found_where_they_are_asked_for(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = SegmentWriter(storage, 0)
    frame = records(range(4)).with_columns(
        address=pl.lit("192.0.3.17"), hour=pl.Series([None, START, None, None], dtype=pl.Int64())
    )
    for message in seal(frame, DAYS[1].key, source="logs.web:0", hour=START):
        writer.add(writer.open(), message)
    writer.flush()
    found = find(storage, tokens("192.0.3.17", 1), START, START)
    assert len(opened(found)) == 1
    looked_for = tokens("192.0.3.17", 1, untimed=True)
    assert len(opened(find(storage, looked_for, START, START, untimed=True))) == 4


SITES = ("site0", "site1")
WHOLE = (START, START + 100 * HOUR)


def test_rows_come_in_order_with_all_their_columns(vault: LocalStorage) -> None:
    found = rows(vault, SITES, *WHOLE, tokens("192.0.3.17", 1, 2))
    assert found.schema == ROWS
    assert found.equals(found.sort(ORDER, nulls_last=True))
    assert found["data"].n_unique() == 2
    assert set(found["folder"]) == {"sealed-0"}
    assert rows(vault, SITES, *WHOLE, {}).schema == ROWS


def test_a_scan_gives_every_record_of_sites_and_hours(vault: LocalStorage) -> None:
    first, last = START + 30 * HOUR, START + 52 * HOUR
    found = rows(vault, ["site1"], first, last, None)
    expected = pl.concat([logs(1), logs(2)]).filter(
        pl.col("hour").is_between(first, last) & (pl.col("site") == "site1")
    )
    assert found["offset"].to_list() == expected.sort("hour", "offset")["offset"].to_list()


@pytest.mark.parametrize("scan", [True, False])
def test_hour_by_hour_gives_the_same_rows_a_window_at_a_time(
    vault: LocalStorage, monkeypatch: pytest.MonkeyPatch, scan: bool
) -> None:
    looked_for = None if scan else tokens("192.0.3.17", 1, 2)
    monkeypatch.setattr("pipeline.investigations.windows.SCANNED", 10_000)
    monkeypatch.setattr("pipeline.investigations.windows.SEARCHED", 10_000)
    effort = Effort()
    steps = list(hours(vault, SITES, *WHOLE, looked_for, effort=effort))
    assert [hour for hour, _ in steps] == sorted({part["hour"].item(0) for _, part in steps})
    assert all(part["hour"].n_unique() == 1 for _, part in steps)
    assert pl.concat([part for _, part in steps]).equals(rows(vault, SITES, *WHOLE, looked_for))
    assert effort.segments == 12, "windows of four hours, each of one segment"


def test_the_manifest_tells_whose_tokens_are_needed(vault: LocalStorage) -> None:
    one, two = (DAYS[day].key.key_id for day in (1, 2))
    day = START // (24 * HOUR)
    assert wanted(vault, SITES, START, START + 49 * HOUR) == [
        Wanted(one, "site0", day + 1, day + 1, untimed=False),
        Wanted(one, "site1", day + 1, day + 1, untimed=False),
        Wanted(two, "site0", day + 2, day + 2, untimed=False),
        Wanted(two, "site1", day + 2, day + 2, untimed=False),
    ]
    assert wanted(vault, ["site1"], START, START + 24 * HOUR) == [
        Wanted(one, "site1", day + 1, day + 1, untimed=False)
    ]
    assert wanted(vault, ["site9"], *WHOLE) == wanted(vault, SITES, START, START + HOUR) == []


def test_lines_without_a_time_are_wanted_where_they_are_asked_for(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = SegmentWriter(storage, 0)
    writer.open()
    late = START + 50 * 24 * HOUR
    for number, hour in enumerate((None, late)):
        frame = records([number]).with_columns(
            site=pl.lit("site0"), hour=pl.lit(hour, dtype=pl.Int64)
        )
        [message] = seal(frame, DAYS[number + 1].key, source="logs.web:0", hour=START)
        writer.add(number, message)
    writer.flush()
    one, two = (DAYS[day].key.key_id for day in (1, 2))
    first, after = START // (24 * HOUR), late // (24 * HOUR)
    timed = Wanted(two, "site0", after, after, untimed=False)
    assert wanted(storage, SITES, START, late) == [timed]
    assert wanted(storage, SITES, START, late, untimed=True) == [
        Wanted(one, "site0", first, first, untimed=True),
        timed,
    ]
    assert [hour for hour, _ in hours(storage, SITES, START, late, None, untimed=True)] == [
        late,
        None,
    ]


def test_a_row_group_of_a_data_file_is_read_once_a_call(vault: LocalStorage) -> None:
    effort = Effort()
    found = rows(vault, SITES, *WHOLE, None)
    frames = list(fetch(vault, found.sample(fraction=1.0, shuffle=True, seed=1), effort))
    held = sum(len(one.rows) for one in frames)
    assert held == found.height == 2 * RECORDS
    files = {str(name) for name in found["data"]}
    groups = sum(pq.ParquetFile(io.BytesIO(vault.read(name))).num_row_groups for name in files)
    assert effort.data_groups == groups < len(frames)
