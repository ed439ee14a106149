"""Every record is in the vault once, whatever fails, is killed, raced or replayed."""

from __future__ import annotations

import errno
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import sealed
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.investigations.open import open_frame
from pipeline.restricted.seal import seal
from pipeline.vault.manifest import Chain, folders
from pipeline.vault.status import vault_status
from pipeline.vault.storage import LocalStorage, Storage, storage_at
from pipeline.vault.sweep import sweep
from pipeline.vault.writer import SegmentWriter, fresh
from tests.unit.sealed.records import START, day_key, line, records
from tests.unit.vault.broken import Breaking, Killed

DAY = day_key()


def message(first: int, end: int, *, lines: int = 1, source: str = "logs.web:0") -> bytes:
    """One sealed message for the offsets first to end, end not included."""
    [sealed_message] = seal(records(range(first, end), lines), DAY.key, source=source, hour=START)
    return sealed_message


def cuts(seed: int, last: int) -> list[tuple[int, int]]:
    """Ranges that cover 0 to last without a gap, cut at random places."""
    draw = random.Random(seed)
    places = sorted({0, last, *(draw.randrange(1, last) for _ in range(4))})
    return list(pairwise(places))


def held(storage: Storage) -> list[tuple[str, int, int, bytes]]:
    """Open every record that the manifest counts: (source, offset, line, raw), sorted."""
    found = []
    for folder in folders(storage):
        for entry in Chain(storage, folder).entries():
            if entry.segment is None:
                continue
            with storage.open(entry.segment.data) as file, pq.ParquetFile(file) as data:
                frames = data.read().to_pylist()
            with storage.open(entry.segment.index) as file, pq.ParquetFile(file) as index:
                rows = index.read().to_pylist()
            opened = [
                open_frame(DAY.private, f["header"], f["encapsulated"], f["frame"], f["ciphertext"])
                for f in frames
            ]
            found += [
                (r["partition"], r["offset"], r["line"], opened[r["place"]][r["row"]]) for r in rows
            ]
    return sorted(found)


def expected(last: int, lines: int = 1, source: str = "logs.web:0") -> list[Any]:
    return [(source, o, n, line(o, n)) for o in range(last) for n in range(lines)]


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "vault")


@pytest.fixture(params=["local", "file", "memory"])
def any_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    urls = {
        "local": f"{tmp_path}/vault",
        "file": f"file://{tmp_path}/vault",
        "memory": f"memory://{request.node.name}-{os.getpid()}",
    }
    return storage_at(urls[request.param])


def test_what_was_flushed_is_held_and_the_next_writer_goes_on_behind_it(
    any_storage: Storage,
) -> None:
    writer = SegmentWriter(any_storage, 3)
    assert writer.open() == 0
    assert writer.flush() == -1
    writer.add(5, message(0, 10, lines=2))
    writer.add(6, message(10, 20, lines=2))
    assert (writer.pending, writer.flush(), writer.pending, writer.pending_bytes) == (2, 6, 0, 0)
    again = SegmentWriter(any_storage, 3)
    assert again.open() == 7
    again.add(7, message(20, 30, lines=2))
    assert again.flush() == 7
    assert held(any_storage) == expected(30, 2)


@given(seed=st.integers(0, 10**6), others=st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_replay_cut_elsewhere_adds_nothing_twice(seed: int, others: int) -> None:
    storage = storage_at(f"memory://replay-{seed}-{others}-{os.getpid()}")
    draw = random.Random(seed)
    writer = SegmentWriter(storage, 0)
    offset = writer.open()
    for run in (seed, others):
        for first, end in cuts(run, 40):
            writer.add(offset, message(first, end))
            offset += 1
            if draw.random() < 0.4:
                writer.flush()
    writer.flush()
    status = vault_status(storage)
    again = sum(entry.segment is not None for entry in Chain(storage, "sealed-0").entries())
    assert held(storage) == expected(40)
    assert (status["records"], status["segments"]) == (40, again)


PLACE = st.tuples(st.integers(0, 9), st.integers(0, 5))


def rows_at(places: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(places, schema={"offset": pl.UInt64, "line": pl.UInt32}, orient="row")


@given(st.sets(PLACE).map(sorted), st.none() | PLACE)
def test_slicing_keeps_just_what_lies_above(
    places: list[tuple[int, int]], last: tuple[int, int] | None
) -> None:
    kept = fresh(rows_at(places), last).rows()
    assert kept == [place for place in places if last is None or place > last]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=8))
def test_slicing_a_log_however_often_replayed_gives_each_line_once(
    batches: list[tuple[int, int]],
) -> None:
    """A batch may begin anywhere at or under the next line not yet seen."""
    log = [(offset, number) for offset in range(20) for number in range(1 + offset % 4)]
    seen: list[tuple[int, int]] = []
    last: tuple[int, int] | None = None
    for start, length in batches:
        begin = min(start, len(seen))
        batch = log[begin : begin + length]
        seen += fresh(rows_at(batch), last).rows()
        last = max(batch[-1:] + ([] if last is None else [last]), default=None)
    assert seen == log[: len(seen)]


def test_a_chunk_in_several_messages_may_be_cut_anywhere_on_a_replay(local: LocalStorage) -> None:
    """One offset of many lines: half of it is flushed, then all of it comes again."""
    writer = SegmentWriter(local, 0)
    writer.open()
    chunk = records([0], 100)
    for number, (start, end) in enumerate([(0, 30), (30, 60), (0, 45), (45, 100)]):
        [part] = seal(chunk[start:end], DAY.key, source="logs.web:0", hour=START)
        writer.add(number, part)
        writer.flush()
    assert held(local) == expected(1, 100)


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_in_a_flush_the_next_writer_makes_it_whole(
    local: LocalStorage, steps: int, after: bool
) -> None:
    first = SegmentWriter(local, 0)
    first.open()
    first.add(0, message(0, 10))
    first.flush()
    doomed = SegmentWriter(Breaking(local, steps, Killed, after=after), 0)
    doomed.open()
    doomed.add(1, message(10, 20))
    with pytest.raises(Killed):
        doomed.flush()
    heir = SegmentWriter(local, 0)
    start = heir.open()
    assert start == (2 if after and steps == 3 else 1)
    for offset in range(start, 3):
        heir.add(offset, message(10 * offset, 10 * offset + 10))
    heir.flush()
    assert held(local) == expected(30)
    sweep(local, "sealed-0")
    status = vault_status(local)
    assert (status["records"], status["orphans"], status["missing"]) == (30, 0, 0)


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("after", [False, True])
def test_a_full_disk_leaves_the_state_as_it_was_and_the_next_try_ends_it(
    local: LocalStorage, steps: int, after: bool
) -> None:
    broken = Breaking(local, steps, UnavailableError, after=after)
    writer = SegmentWriter(broken, 0)
    writer.open()
    writer.add(0, message(0, 10))
    for _ in range(3):
        with pytest.raises(UnavailableError):
            writer.flush()
        assert writer.pending == 1
        broken.steps = 0
    writer.add(1, message(10, 20))
    broken.steps = 100
    assert (writer.flush(), writer.pending) == (1, 0)
    assert held(local) == expected(20)
    status = vault_status(local)
    assert (status["orphans"], status["missing"]) == (0, 0)


@pytest.mark.parametrize("call", ["write", "fsync", "link", "rename"])
def test_an_operating_system_s_error_leaves_no_temporary_file(
    local: LocalStorage, tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(0, message(0, 10))
    with monkeypatch.context() as patch:
        if call == "rename":
            patch.setattr(Path, "rename", full)
        elif call == "write":
            patch.setattr("os.fdopen", full)
        else:
            patch.setattr(f"os.{call}", full)
        with pytest.raises(UnavailableError, match="No space left"):
            writer.flush()
    assert not list(tmp_path.rglob("*.tmp"))
    assert writer.flush() == 0
    assert held(local) == expected(10)


@pytest.mark.parametrize("theirs", [(0, 10), (0, 15), (0, 25)])
def test_of_two_writers_at_one_place_one_wins_and_the_other_goes_on_behind(
    any_storage: Storage, theirs: tuple[int, int]
) -> None:
    one, two = SegmentWriter(any_storage, 0), SegmentWriter(any_storage, 0)
    one.open()
    two.open()
    one.add(0, message(0, 10))
    one.add(1, message(10, 20))
    two.add(0, message(*theirs))
    assert two.flush() == 0
    one.add(2, message(20, 30))
    assert one.flush() == 2
    assert held(any_storage) == expected(30)
    status = vault_status(any_storage)
    assert (status["records"], status["orphans"]) == (30, 0)


def test_a_loser_that_has_nothing_new_writes_nothing(local: LocalStorage) -> None:
    one, two = SegmentWriter(local, 0), SegmentWriter(local, 0)
    one.open()
    two.open()
    one.add(0, message(0, 10))
    two.add(0, message(0, 10))
    assert (two.flush(), one.flush()) == (0, 0)
    assert len(Chain(local, "sealed-0").entries()) == 1
    assert vault_status(local)["orphans"] == 0


def test_a_message_wholly_held_moves_the_chain_without_a_segment(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(0, message(0, 10))
    writer.flush()
    writer.add(1, message(3, 10))
    assert writer.flush() == 1
    assert vault_status(local)["segments"] == 1
    assert SegmentWriter(local, 0).open() == 2


def test_frames_without_a_new_record_are_not_stored_again(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(0, message(0, 3_000))
    writer.flush()
    writer.add(1, message(0, 4_100))  # frames of 2,000, 2,000 and 100 records
    writer.flush()
    assert [
        entry.segment and entry.segment.frames for entry in Chain(local, "sealed-0").entries()
    ] == [2, 2]
    assert vault_status(local)["records"] == 4_100


def test_a_vault_that_outlives_its_broker_takes_the_offsets_of_the_next(
    local: LocalStorage,
) -> None:
    for log in ("first", "second"):
        writer = SegmentWriter(local, 0, log)
        assert writer.open() == 0
        writer.add(0, message(0, 10))
        assert writer.flush() == 0
    status = vault_status(local)
    assert (status["records"], status["partitions"]) == (20, {"first-0": 0, "second-0": 0})
    with pytest.raises(SettingsError, match="letters and digits"):
        SegmentWriter(local, 0, "../up")


def test_sources_are_kept_apart(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    for number in range(2):
        writer.add(number, message(0, 10, source=f"logs.web:{number}"))
    writer.flush()
    assert held(local) == expected(10) + expected(10, source="logs.web:1")


def test_a_message_added_twice_or_out_of_order_is_passed_over(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(4, message(0, 10))
    writer.add(4, message(0, 10))
    writer.add(3, b"never looked at")
    assert writer.pending == 1


def test_a_damaged_message_is_refused_and_leaves_no_trace(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    with pytest.raises(IntegrityError):
        writer.add(0, message(0, 3)[:-1])
    assert writer.pending == 0


def test_files_are_for_the_writer_alone(local: LocalStorage, tmp_path: Path) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(0, message(0, 3))
    writer.flush()
    for path in (tmp_path / "vault").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o700


def test_a_broken_chain_is_told(local: LocalStorage, tmp_path: Path) -> None:
    writer = SegmentWriter(local, 0)
    writer.open()
    for number in range(3):
        writer.add(number, message(number, number + 1))
        writer.flush()
    entries = sorted((tmp_path / "vault/sealed-0/manifest").iterdir())
    kept = entries[1].read_bytes()
    entries[1].write_bytes(kept.replace(b'"records":1', b'"records":2'))
    with pytest.raises(IntegrityError, match="damaged"):
        vault_status(local)
    entries[1].unlink()
    with pytest.raises(IntegrityError, match="follow"):
        vault_status(local)
    entries[2].write_bytes(b"{")
    with pytest.raises(IntegrityError, match="damaged"):
        SegmentWriter(local, 0).open()


def test_status_counts_without_a_key(local: LocalStorage) -> None:
    writer = SegmentWriter(local, 1)
    writer.open()
    writer.add(0, message(0, 10))
    writer.flush()
    status = vault_status(local)
    assert status["records"] == 10
    assert status["segments"] == status["batches"] == status["frames"] == 1
    assert status["partitions"] == {"1": 0}
    assert status["keys"] == {DAY.key.key_id: 10}
    assert status["spans"] == {
        "site0": [START, START + 8 * 3600],
        "site1": [START + 3600, START + 7 * 3600],
    }
    assert status["outcomes"] == [
        _told("site0", "event", None, 4),
        _told("site0", "rejected", "not_combined", 1),
        _told("site1", "event", None, 4),
        _told("site1", "rejected", "not_combined", 1),
    ]
    size = sum(size for size, _ in sealed.decode(message(0, 10)).header.frames)
    assert status["bytes"] == size


def _told(site: str, outcome: str, reason: str | None, count: int) -> dict[str, object]:
    return {
        "site": site,
        "source": "web-1",
        "ingest": "live",
        "outcome": outcome,
        "reason": reason,
        "records": count,
    }


def test_a_vault_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert vault_status(f"{tmp_path}/nowhere")["records"] == 0


@pytest.mark.parametrize("url", ["ftp://host/vault", "nosuch://x", "zip://x"])
def test_what_cannot_hold_a_vault_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        storage_at(url)


def test_a_read_only_folder_is_a_person_s_mistake(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    writer = SegmentWriter(local, 0)
    writer.open()
    writer.add(0, message(0, 3))
    monkeypatch.setattr("os.open", refused)
    with pytest.raises(SettingsError, match="let this user read and write"):
        writer.flush()
