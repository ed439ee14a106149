"""The shipper sends each line once, in order, and remembers only what was acknowledged."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Shipper, Tags

PARTITIONS = 4
LINES = b"".join(b"10.0.%d.%d a line of a log\n" % (n >> 8, n & 255) for n in range(3000))
TAGS = Tags("shop", "web-1", "combined", "backfill-1")


def clock() -> dt.datetime:
    return dt.datetime(2026, 3, 10, tzinfo=dt.UTC)


class Broker:
    """A producer that acknowledges, or goes away for good after ``patience`` messages."""

    def __init__(self, patience: int | None = None) -> None:
        self.patience = patience
        self.got: list[tuple[int, bytes, dict[str, bytes]]] = []

    async def send(
        self, topic: str, value: bytes, *, partition: int, headers: list[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        assert topic == "logs.web"
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.patience is not None and len(self.got) >= self.patience:
            future.set_exception(ConnectionError())
            future.exception()  # the others are not asked for once one has failed
        else:
            self.got.append((partition, value, dict(headers)))
            future.set_result(None)
        return future

    async def send_and_wait(self, topic: str, value: bytes, **options: Any) -> None:  # noqa: ANN401
        await (await self.send(topic, value, **options))

    @property
    def lines(self) -> list[bytes]:
        return [line for _, value, _ in self.got for line in value.removesuffix(b"\n").split(b"\n")]


def shipper(broker: Broker, points: Points | None, *, alone: bool = True) -> Shipper:
    producer: Any = broker
    return Shipper(producer, PARTITIONS, clock, points, lambda _v, _f: None, lines_alone=alone)


@pytest.mark.parametrize("alone", [True, False])
async def test_a_second_time_ships_nothing(tmp_path: Path, alone: bool) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    broker = Broker()
    for expected in (3000, 0):
        one = shipper(broker, Points(kept), alone=alone)
        assert await one.ship([Plan(str(log), TAGS)]) is None
        assert one.lines == expected
    assert broker.lines == LINES.splitlines()


async def test_what_grew_is_shipped_also_under_another_name(tmp_path: Path) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    broker = Broker()
    await shipper(broker, Points(kept)).ship([Plan(str(log), TAGS)])
    with log.open("ab") as file:
        file.write(b"one more\nand another\n")
    rotated = log.rename(tmp_path / "access.log.1")
    again = shipper(broker, Points(kept))
    await again.ship([Plan(str(rotated), TAGS)])
    assert again.lines == 2
    assert broker.lines[-2:] == [b"one more", b"and another"]
    assert broker.got[-1][2]["line"] == b"3002"


@pytest.mark.parametrize("patience", [0, 1, 100, 1000, 2999])
async def test_a_broker_that_goes_away_loses_no_line(tmp_path: Path, patience: int) -> None:
    """The next run goes on behind what was saved; lines acknowledged since come twice at most."""
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    broker = Broker(patience)
    with pytest.raises(ConnectionError):
        await shipper(broker, Points(kept)).ship([Plan(str(log), TAGS)])
    broker.patience = None
    await shipper(broker, Points(kept)).ship([Plan(str(log), TAGS)])
    assert sorted(set(broker.lines)) == sorted(LINES.splitlines())
    assert len(broker.lines) - 3000 < 64  # messages under way at most


async def test_packed_files_resume_too(tmp_path: Path) -> None:
    log, kept = tmp_path / "access.log.gz", tmp_path / "resume.json"
    log.write_bytes(gzip.compress(LINES))
    broker = Broker(500)
    with pytest.raises(ConnectionError):
        await shipper(broker, Points(kept)).ship([Plan(str(log), TAGS)])
    broker.patience = None
    await shipper(broker, Points(kept)).ship([Plan(str(log), TAGS)])
    assert set(broker.lines) == set(LINES.splitlines())


async def test_a_damaged_file_is_shipped_to_the_damage_and_the_others_whole(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.gz", tmp_path / "good.log"
    packed = gzip.compress(LINES)
    bad.write_bytes(packed[: len(packed) // 2])
    good.write_bytes(LINES)
    broker = Broker()
    one = shipper(broker, Points(tmp_path / "resume.json"))
    damaged = await one.ship([Plan(str(bad), TAGS), Plan(str(good), TAGS)])
    assert damaged is not None
    assert "bad.gz is damaged or cut short" in str(damaged)
    assert set(broker.lines) >= set(LINES.splitlines())
    assert one.lines >= 3000


async def test_headers_say_whose_line_it_is_and_partitions_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(LINES)
    broker = Broker()
    one = shipper(broker, None)
    await one.ship([Plan(str(log), TAGS)])
    await one.end(TAGS)
    partition, value, headers = broker.got[5]
    assert (partition, value) == (1, LINES.splitlines()[5])
    assert headers == {
        "site": b"shop",
        "source": b"web-1",
        "format": b"combined",
        "ingest": b"backfill-1",
        "line": b"6",
        "shipped": b"1773100800000",
    }
    ends = broker.got[-PARTITIONS:]
    assert [p for p, _, _ in ends] == [0, 1, 2, 3]
    assert all(h["control"] == b"end" and h["ingest"] == b"backfill-1" for _, _, h in ends)


async def test_who_gets_nothing_is_known(tmp_path: Path) -> None:
    """A second ingest of the same file has no lines; ended, it could never have any."""
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    broker = Broker()
    other = replace(TAGS, ingest="backfill-2")
    for tags, expected in ((TAGS, {"backfill-1"}), (other, set()), (TAGS, {"backfill-1"})):
        one = shipper(broker, Points(kept))
        await one.ship([Plan(str(log), tags)])
        assert one.ingests == expected
    with log.open("ab") as file:
        file.write(b"one more\n")
    one = shipper(broker, Points(kept))
    await one.ship([Plan(str(log), other)])
    assert (one.lines, one.ingests) == (1, {"backfill-2"})
