"""The shipper sends each line once, in order, whatever happens between sending and noting down."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.shipping import chunks
from pipeline.shipping.inputs import Entry, entry_of
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Shipper, Tags
from tests.unit.shipping.conftest import Broker, GoneError

LINES = b"".join(b"10.0.%d.%d a line of a log\n" % (n >> 8, n & 255) for n in range(3000))
TAGS = Tags("shop", "web-1", "combined", "backfill-1")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many messages of a few lines."""
    said = chunks.chunks.__kwdefaults__ or {}
    monkeypatch.setattr(chunks.chunks, "__kwdefaults__", {**said, "size": 700})


def plan(path: Path | Entry, tags: Tags = TAGS, **said: bool) -> Plan:
    return Plan(path if isinstance(path, Entry) else entry_of(str(path)), tags, **said)


async def ship(
    broker: Broker, kept: Path | None, *plans: Plan, alone: bool = False
) -> tuple[Shipper, InputError | None]:
    """One run."""
    points = None if kept is None else Points(kept)
    one = Shipper(broker, points, lambda _chunk, _tags: None, lines_alone=alone)
    try:
        damaged = await one.ship(list(plans))
    finally:
        if points is not None:
            points.close()
    return one, damaged


@pytest.mark.parametrize("alone", [True, False])
async def test_a_second_time_ships_nothing(tmp_path: Path, broker: Broker, alone: bool) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    log.write_bytes(LINES)
    for expected in (3000, 0):
        one, damaged = await ship(broker, kept, plan(log), alone=alone)
        assert (one.lines, damaged) == (expected, None)
    assert broker.lines == LINES.splitlines()
    assert max(broker.windows) == 20


async def test_what_grew_is_shipped_also_under_another_name(tmp_path: Path, broker: Broker) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    log.write_bytes(LINES)
    await ship(broker, kept, plan(log))
    with log.open("ab") as file:
        file.write(b"one more\nand another\n")
    rotated = log.rename(tmp_path / "access.log.1")
    again, _ = await ship(broker, kept, plan(rotated))
    assert again.lines == 2
    assert broker.lines[-2:] == [b"one more", b"and another"]
    assert broker.got[-1][2]["line"] == b"3001"


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 20)), max_size=4),
    st.booleans(),
    st.sampled_from(["", ".gz"]),
)
async def test_a_shipper_that_is_killed_again_and_again_ships_each_line_once(
    tmp_path_factory: pytest.TempPathFactory,
    kills: list[tuple[int, int]],
    alone: bool,
    packed: str,
) -> None:
    """Whatever of the window under way had arrived by then."""
    folder = tmp_path_factory.mktemp("killed")
    log, other = folder / f"access.log{packed}", folder / "other.log"
    log.write_bytes(gzip.compress(LINES) if packed else LINES)
    other.write_bytes(LINES.replace(b"a line", b"another"))
    broker = Broker()
    for patience, arrives in kills:
        broker.restart(patience, arrives)
        try:
            await ship(broker, folder / "ship.sqlite", plan(log), plan(other), alone=alone)
        except GoneError:
            continue
    broker.restart()
    await ship(broker, folder / "ship.sqlite", plan(log), plan(other), alone=alone)
    assert sorted(broker.lines) == sorted((LINES + other.read_bytes()).splitlines())


def rename(log: Path) -> Path:
    return log.rename(log.with_name("access.log.1"))


def copy_and_cut(log: Path) -> Path:
    copy = log.with_name("access.log.1")
    shutil.copy(log, copy)
    os.truncate(log, 0)
    return copy


def pack_with(pack: Callable[[bytes], bytes], end: str) -> Callable[[Path], Path]:
    def packed(log: Path) -> Path:
        made = log.with_name(f"access.log.2{end}")
        made.write_bytes(pack(log.read_bytes()))
        log.unlink()
        return made

    return packed


ROTATIONS = {
    "rename": rename,
    "copytruncate": copy_and_cut,
    "gz": pack_with(gzip.compress, ".gz"),
    "bz2": pack_with(bz2.compress, ".bz2"),
    "xz": pack_with(lzma.compress, ".xz"),
}


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("shipped", ["nothing", "some", "all"])
@pytest.mark.parametrize("killed", [False, True])
async def test_a_rotated_file_ships_exactly_its_new_lines(
    tmp_path: Path, rotation: str, shipped: str, killed: bool
) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    upto = {"nothing": 0, "some": len(LINES) // 2, "all": len(LINES)}[shipped]
    upto = LINES.rfind(b"\n", 0, upto) + 1
    broker = Broker(patience=3 if killed and upto else None, arrives=2)
    if upto:
        log.write_bytes(LINES[:upto])
        try:
            await ship(broker, kept, plan(log))
        except GoneError:
            broker.restart()
    log.write_bytes(LINES[:upto])  # the same inode, so that its point is found first
    with log.open("ab") as file:
        file.write(LINES[upto:])
    rotated = ROTATIONS[rotation](log)
    log.write_bytes(b"10.9.9.9 the next day\n" * 2)
    await ship(broker, kept, plan(rotated), plan(log))
    await ship(broker, kept, plan(rotated), plan(log))
    assert sorted(broker.lines) == sorted([*LINES.splitlines(), *[b"10.9.9.9 the next day"] * 2])


async def test_a_copy_that_is_not_finished_waits_for_its_original(
    tmp_path: Path, broker: Broker
) -> None:
    """copytruncate, looked at in the middle: the copy is the beginning of what is still there."""
    log, copy, kept = tmp_path / "access.log", tmp_path / "access.log.1", tmp_path / "ship.sqlite"
    log.write_bytes(LINES)
    copy.write_bytes(LINES[: len(LINES) // 3])
    await ship(broker, kept, plan(copy), plan(log))
    copy.write_bytes(LINES)
    await ship(broker, kept, plan(copy), plan(log))
    log.write_bytes(b"10.9.9.9 the next day\n")
    await ship(broker, kept, plan(copy), plan(log))
    assert broker.lines == [*LINES.splitlines(), b"10.9.9.9 the next day"]


@pytest.mark.parametrize("arrived", [0, 1, 7, 14])
@pytest.mark.parametrize("killed", [False, True])
async def test_a_file_that_is_away_for_a_run_is_gone_on_with_when_it_is_back(
    tmp_path: Path, arrived: int, killed: bool
) -> None:
    """Its batches that had not arrived are told from those that had, without their bytes."""
    log, other = tmp_path / "logs/access.log", tmp_path / "other.log"
    log.parent.mkdir()
    kept = tmp_path / "ship.sqlite"
    log.write_bytes(LINES)
    other.write_bytes(b"of another file\n" * 100)
    broker = Broker(patience=25, arrives=arrived)
    with pytest.raises(GoneError):
        await ship(broker, kept, plan(log), plan(other))
    away = log.rename(tmp_path / "elsewhere.txt")
    if killed:
        broker.restart(patience=0)
        with pytest.raises(GoneError):
            await ship(broker, kept, plan(other))
    broker.restart()
    await ship(broker, kept, plan(other))
    away.rename(log)
    await ship(broker, kept, plan(log))
    assert sorted(broker.lines) == sorted([*LINES.splitlines(), *[b"of another file"] * 100])


async def test_of_two_servers_with_the_same_lines_both_are_shipped(
    tmp_path: Path, broker: Broker
) -> None:
    kept = tmp_path / "ship.sqlite"
    logs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        logs.append(tmp_path / name / "access.log")
        logs[-1].write_bytes(LINES)
    await ship(broker, kept, *map(plan, logs))
    assert len(broker.lines) == 6000


async def test_a_packed_file_that_was_read_to_its_end_is_not_unpacked_again(
    tmp_path: Path, broker: Broker
) -> None:
    log, kept = tmp_path / "access.log.gz", tmp_path / "ship.sqlite"
    log.write_bytes(gzip.compress(LINES))
    await ship(broker, kept, plan(log))
    status = log.stat()
    log.write_bytes(b"\x1f\x8b" + bytes(status.st_size - 2))  # damaged, and nobody looks
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    one, damaged = await ship(broker, kept, plan(log))
    assert (one.lines, damaged) == (0, None)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 40])
async def test_a_packed_file_is_known_by_its_content_also_where_it_was_packed_anew(
    tmp_path: Path, broker: Broker, count: int
) -> None:
    """Whether or not its last message was the last of a window."""
    log, kept = tmp_path / "access.log.gz", tmp_path / "ship.sqlite"
    lines = b"".join(b"%0699d\n" % number for number in range(count))
    for level in (9, 1):
        log.write_bytes(gzip.compress(lines, level))
        await ship(broker, kept, plan(log))
        assert len(broker.got) == count


async def test_a_line_that_is_still_being_written_is_left_for_the_next_time(
    tmp_path: Path, broker: Broker
) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    for text, expected, waiting in (
        (b"one\ntw", [b"one"], 1),
        (b"one\ntwo\nthr", [b"one", b"two"], 1),
        (b"one\ntwo\nthree\n", [b"one", b"two", b"three"], 0),
    ):
        with log.open("ab") as file:
            file.write(text[log.stat().st_size :])
        one, _ = await ship(broker, kept, plan(log, whole=False))
        assert broker.lines == expected
        assert one.waiting == waiting


async def test_a_last_line_without_an_end_counts_where_nobody_writes(
    tmp_path: Path, broker: Broker
) -> None:
    """And its end, should it come after all, is no line of its own."""
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    log.write_bytes(b"one\ntwo")
    await ship(broker, kept, plan(log))
    log.write_bytes(b"one\ntwo\n")
    await ship(broker, kept, plan(log))
    assert broker.lines == [b"one", b"two"]
    log.write_bytes(b"one\ntwo\nthree\n")
    broker.patience, broker.arrives = 0, 1
    with pytest.raises(GoneError):
        await ship(broker, kept, plan(log))
    broker.restart()
    await ship(broker, kept, plan(log))
    assert broker.lines == [b"one", b"two", b"three"]


async def test_members_of_an_archive_are_known_again(tmp_path: Path, broker: Broker) -> None:
    kept = tmp_path / "ship.sqlite"
    archive = tmp_path / "all.tar.gz"
    (tmp_path / "access.log").write_bytes(LINES)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "access.log", "logs/access.log")
    entry = Entry("all.tar.gz: logs/access.log", str(archive), "logs", "access.log", member=0)
    broker.patience = 5
    with pytest.raises(GoneError):
        await ship(broker, kept, plan(entry))
    broker.restart()
    await ship(broker, kept, plan(entry))
    await ship(broker, kept, plan(entry))
    assert broker.lines == LINES.splitlines()


async def test_a_damaged_file_is_shipped_to_the_damage_and_the_others_whole(
    tmp_path: Path, broker: Broker
) -> None:
    bad, good = tmp_path / "bad.gz", tmp_path / "good.log"
    packed = gzip.compress(LINES)
    bad.write_bytes(packed[: len(packed) // 2])
    good.write_bytes(LINES)
    one, damaged = await ship(broker, tmp_path / "ship.sqlite", plan(bad), plan(good))
    assert damaged is not None
    assert "bad.gz is damaged or cut short" in str(damaged)
    assert set(broker.lines) >= set(LINES.splitlines())
    assert one.lines >= 3000


async def test_headers_say_whose_line_it_is_and_partitions_take_turns(
    tmp_path: Path, broker: Broker
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(LINES)
    await ship(broker, None, plan(log, replace(TAGS, zone="Europe/Berlin")))
    partitions = [partition for partition, _, _ in broker.got]
    assert partitions[:6] == [0, 1, 2, 3, 0, 1]
    _, value, headers = broker.got[0]
    assert broker.got[1][2] == {
        "site": b"shop",
        "source": b"web-1",
        "format": b"combined",
        "ingest": b"backfill-1",
        "zone": b"Europe/Berlin",
        "line": str(1 + value.count(b"\n")).encode(),
    }
    assert headers["line"] == b"1"


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("packed", [False, True])
async def test_each_message_knows_the_fields_that_are_in_force(
    tmp_path: Path, alone: bool, packed: bool
) -> None:
    """Also of a file that is gone on with in its middle."""
    log, kept = tmp_path / ("ex.log.gz" if packed else "ex.log"), tmp_path / "ship.sqlite"
    names = [b"date time c-ip", b"date cs(User-Agent) sc-status", b"time\x00bad", b"x-one"]
    parts = [b"#Fields: %s\r\n" % n + b"%s\n" % n.replace(b" ", b"_") * 60 for n in names]
    data = b"#Software: x\n" + b"".join(parts)
    log.write_bytes(gzip.compress(data) if packed else data)
    broker = Broker(patience=2, arrives=1)
    with pytest.raises(GoneError):
        await ship(broker, kept, plan(log, directives=True), alone=alone)
    broker.restart()
    await ship(broker, kept, plan(log, directives=True), alone=alone)
    assert sorted(broker.lines) == sorted(data.split(b"\n")[:-1])
    for _, value, headers in broker.got:
        first = value.split(b"\n")[0]
        if not first.startswith(b"#"):
            in_force = headers.get("fields", b"time\x00bad")
            assert first == in_force.replace(b" ", b"_")


async def test_who_gets_nothing_is_known(tmp_path: Path, broker: Broker) -> None:
    """A second ingest of the same file has no lines; ended, it could never have any."""
    log, kept = tmp_path / "access.log", tmp_path / "ship.sqlite"
    log.write_bytes(LINES)
    other = replace(TAGS, ingest="backfill-2")
    for tags, expected in ((TAGS, {"backfill-1"}), (other, set()), (TAGS, {"backfill-1"})):
        one, _ = await ship(broker, kept, plan(log, tags))
        assert one.ingests == expected
    with log.open("ab") as file:
        file.write(b"one more\n")
    one, _ = await ship(broker, kept, plan(log, other))
    assert (one.lines, one.ingests) == (1, {"backfill-2"})
