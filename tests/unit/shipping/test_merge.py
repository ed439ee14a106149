"""Files of the same days are shipped side by side, and none is closed out by another."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.apps import ship as shipping
from pipeline.clock import system_clock
from pipeline.settings import Split
from pipeline.shipping import chunks
from pipeline.shipping.batches import Batch, Tags
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.inputs import entry_of
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Shipper
from tests.unit.shipping.conftest import Broker, GoneError

TAGS = Tags("shop", "web-1", "combined", "backfill-1")


def time_of(chunk: Chunk, tags: Tags) -> int | None:
    """The lines are a time, the file's name, and dashes; a few show no time."""
    del tags
    found = [first for line in chunk.value.splitlines()[:4] if (first := line.split()[0]) != b"-"]
    return min(map(int, found), default=None)


def write(folder: str, seed: int, files: int) -> list[Plan]:
    """Files that begin, end and grow as they like; some are the rotated parts of one set."""
    draw = random.Random(seed)
    plans = []
    for number in range(files):
        when = draw.randrange(1, 5_000)
        parts = draw.choice([1, 1, 3])
        for part in range(parts, 0, -1):
            name = f"{number}.log.{part}" if part > 1 else f"{number}.log"
            lines, first = [], when
            for _ in range(draw.randrange(1, 80)):
                shown = "-" if draw.random() < 0.1 else str(when)
                lines.append(f"{shown} {when} {number} {'-' * draw.randrange(30)}\n")
                when += draw.randrange(draw.choice([2, 200]))
            path = Path(folder, name)
            path.write_text("".join(lines))
            plans.append(Plan(entry_of(str(path)), TAGS, first))
    return plans


def check(broker: Broker) -> int:
    """Return how many messages could be asked.

    No line is older than all partitions agreed, when it came, that time had come.

    A partition says the newest time in a message, or what the message says of others if that is
    older; what has not arrived holds its partition back.
    """
    marks: dict[int, int] = {}
    asked = 0
    for partition, value, headers in broker.got:
        times = [int(row[1]) for line in value.splitlines() if (row := line.split())[0] != b"-"]
        if not times:
            continue
        if len(marks) == broker.partitions:
            assert min(times) >= min(marks.values())
            asked += 1
        said = min(max(times), int(headers.get("watermark", 10**12)))
        marks[partition] = max(said, marks.get(partition, said))
    return asked


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many messages of a few lines."""
    said = chunks.chunks.__kwdefaults__ or {}
    monkeypatch.setattr(chunks.chunks, "__kwdefaults__", {**said, "size": 300})


@pytest.mark.parametrize("alone", [False, True])
def test_no_window_closes_that_a_file_still_has_lines_of(alone: bool) -> None:
    @settings(max_examples=40)
    @given(seed=st.integers(0, 10**6), files=st.integers(1, 6))
    def holds(seed: int, files: int) -> None:
        broker = Broker()
        with TemporaryDirectory() as folder:
            plans = write(folder, seed, files)
            asyncio.run(Shipper(broker, None, time_of, lines_alone=alone).ship(plans))
        asked.append(check(broker))

    asked: list[int] = []
    holds()
    assert sum(asked) > 300


class Another(Broker):
    """A broker that has never heard of what was sent to the one before."""

    async def again(self, batches: list[Batch]) -> list[Batch]:
        return batches


@pytest.mark.parametrize("arrives", [0, 3, 9])
@pytest.mark.parametrize("kind", [Broker, Another])
async def test_also_after_a_kill(tmp_path: Path, kind: type[Broker], arrives: int) -> None:
    """What is sent again comes when others are not where they were."""
    plans = []
    for number in range(9):
        path = tmp_path / f"{number}.log"
        # Two chunks of each sparse one are sent before the dense one, and reach past its begin.
        times = range(6_000, 8_000) if number == 8 else range(1, 50_000, 200)
        path.write_text("".join(f"{at} {at} {number} -\n" for at in times))
        plans.append(Plan(entry_of(str(path)), TAGS, times[0]))
    broker = kind(patience=0, arrives=arrives)
    with Points(tmp_path / "ship.sqlite") as points, pytest.raises(GoneError):
        await Shipper(broker, points, time_of).ship(plans)
    broker.got.clear()
    broker.restart()
    with Points(tmp_path / "ship.sqlite") as points:
        await Shipper(broker, points, time_of).ship(plans)
    assert check(broker) > 50


async def test_where_more_files_follow_nothing_is_known(tmp_path: Path) -> None:
    broker = Broker()
    await Shipper(broker, None, time_of, more=True).ship(write(str(tmp_path), 1, 3))
    assert {headers.get("watermark") for _, _, headers in broker.got} == {b"0"}


async def test_of_one_file_nothing_is_said(tmp_path: Path) -> None:
    """Its windows close as its lines come, so a year of them needs no more memory than a day."""
    broker = Broker()
    path = tmp_path / "access.log"
    path.write_text("".join(f"{when} {when} 0 -\n" for when in range(500)))
    await Shipper(broker, None, time_of).ship([Plan(entry_of(str(path)), TAGS, 1)])
    assert all("watermark" not in headers for _, _, headers in broker.got)
    assert len(broker.got) > 1


@pytest.mark.parametrize(
    ("line", "format_", "zone", "fields"),
    [
        ("2024-05-06 10:00:00 198.51.100.7 GET / 200\n", "w3c", "", b"date time c-ip cs-method "
         b"cs-uri-stem sc-status"),
        ("1714982400 198.51.100.7", "w3c", "", b"x-nothing"),
        ("198.51.100.7:1234 [06/May/2024:12:00:00.123] in srv/web 0/0/1/2/3 200 123 - - ---- "
         '1/1/0/0/0 0/0 "GET / HTTP/1.1"\n', "haproxy", "Europe/Berlin", None),
    ],
)  # fmt: skip
def test_the_time_of_a_chunk_is_read_as_the_line_will_be(
    line: str, format_: str, zone: str, fields: bytes | None
) -> None:
    """In the middle of a file too, where its ``#Fields:`` line is far above."""
    chunk = Chunk(line.encode() * 2, 1, 1, 100, fields)
    split = Split()
    now = int(system_clock().timestamp())
    found = shipping._oldest(chunk, Tags("a", "b", format_, "c", zone), now=now, split=split)
    assert found == (None if fields == b"x-nothing" else 1714989600)
