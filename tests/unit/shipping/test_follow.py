"""Whatever is done to followed files, and whenever the follower is killed: each line once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.shipping import tails
from pipeline.shipping.follow import Follower
from pipeline.shipping.inputs import Entry
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Tags, Windows
from pipeline.shipping.watch import check, watch
from tests.support.rotated import ROTATIONS, Log
from tests.unit.shipping.conftest import Broker, GoneError

TAGS = Tags("shop", "web-1", "combined", "live")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many messages of a few lines."""
    monkeypatch.setattr(tails, "CHUNK_BYTES", 900)


def begin(entry: Entry) -> Plan:
    return Plan(entry, TAGS, whole=entry.closed and entry.age[0] != 1)


class Following:
    """A follower in this process, a round at a time."""

    def __init__(self, folder: Path, broker: Broker, names: list[str]) -> None:
        self.folder, self.broker, self.names = folder, broker, names
        self.points: Points | None = None
        self.notices: list[str] = []
        self.stop = asyncio.Event()

    async def begin(self, *, alone: bool = False) -> None:
        self.points = Points(self.folder / "ship.sqlite")
        self.follower = Follower(
            self.broker, Windows(self.broker, self.points), self.points,
            watch(self.names, self.points), begin, lambda _: False,
            lines_alone=alone, notice=self.notices.append,
        )  # fmt: skip
        await self.follower.recover()

    async def round(self) -> bool:
        return await self.follower.round(self.stop)

    async def quiet(self) -> None:
        """Until nothing is new."""
        while await self.round():
            pass

    async def end(self) -> None:
        if self.points is not None:
            await self.follower.close()
            self.points.close()
            self.points = None


deeds = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 60), st.booleans()),
    st.tuples(st.sampled_from(ROTATIONS), st.just(0), st.booleans()),
    st.tuples(st.just("round"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("kill"), st.integers(0, 30), st.booleans()),
)


@settings(max_examples=120)
@given(st.lists(deeds, max_size=25), st.booleans(), st.sampled_from(["folder", "pattern", "file"]))
async def test_each_line_arrives_once(
    tmp_path_factory: pytest.TempPathFactory,
    row: list[tuple[str, int, bool]],
    alone: bool,
    named: str,
) -> None:
    folder = tmp_path_factory.mktemp("followed")
    log = Log(folder / "logs/access.log", random.Random(1))
    names = {"folder": folder / "logs", "pattern": folder / "logs/acc*", "file": log.path}
    broker = Broker()
    following = Following(folder, broker, [str(names[named])])
    await following.begin(alone=alone)
    for deed, count, flag in row:
        if deed == "write":
            log.write(count, half=flag)
        elif deed == "round":
            for _ in range(count):
                await following.round()
        elif deed == "kill":
            broker.patience, broker.arrives = count % 4, count % 7
            with contextlib.suppress(GoneError):
                for _ in range(2 * flag):
                    await following.round()
            await following.end()
            broker.restart()
            await following.begin(alone=alone)
        else:
            log.rotate(deed)
    log.write(1, half=False)
    await following.quiet()
    await following.end()
    assert Counter(broker.lines) == Counter(log.written)
    assert following.notices == []


async def test_rotated_files_from_before_a_file_was_followed_are_not_its_lines(
    tmp_path: Path,
) -> None:
    """Those that come later are, also where nobody was there when it was rotated."""
    log = Log(tmp_path / "logs/access.log", random.Random(2))
    for how in ("rename", "pack now", "rename", "copy"):
        log.write(70, half=False)
        log.rotate(how)
    before = len(log.written)
    broker = Broker()
    following = Following(tmp_path, broker, [str(log.path)])
    await following.begin()
    await following.end()  # killed before it has read a line
    for how in ("pack", "pack now", "rename"):
        log.write(50, half=False)
        log.rotate(how)
    log.write(10, half=False)
    await following.begin()
    await following.quiet()
    await following.end()
    assert Counter(broker.lines) == Counter(log.written[before:])


async def test_a_named_file_is_known_from_the_first_moment_on(tmp_path: Path) -> None:
    """It is rotated before the first line was read, and before the next start."""
    log = Log(tmp_path / "logs/access.log", random.Random(5))
    broker = Broker()
    following = Following(tmp_path, broker, [str(log.path)])
    await following.begin()
    await following.end()
    log.write(9, half=False)
    log.rotate("rename")
    await following.begin()
    await following.quiet()
    await following.end()
    assert broker.lines == log.written


@pytest.mark.parametrize("more", [1, 30, 31, 500])
async def test_a_file_that_was_cut_and_has_grown_again_is_another(
    tmp_path: Path, more: int
) -> None:
    """Shorter, as long, longer: it shows in what stands before the place that was reached."""
    log = Log(tmp_path / "logs/access.log", random.Random(6))
    log.draw.randrange = lambda *_: 7  # type: ignore[method-assign] # lines of one length
    broker = Broker()
    following = Following(tmp_path, broker, [str(log.path.parent)])
    await following.begin()
    log.write(30, half=False)
    await following.quiet()
    log.rotate("copy")
    log.write(more, half=False)
    await following.quiet()
    await following.end()
    assert Counter(broker.lines) == Counter(log.written)


async def test_a_copy_beside_its_original_takes_nothing_from_it(tmp_path: Path) -> None:
    """Made while nobody followed; whether it is cut later or goes on."""
    for name in ("cut", "goes-on"):
        log = Log(tmp_path / name / "access.log", random.Random(7))
        broker = Broker()
        following = Following(tmp_path / name, broker, [str(log.path.parent / "access*")])
        await following.begin()
        log.write(40, half=False)
        await following.quiet()
        await following.end()
        log.write(40, half=False)
        shutil.copyfile(log.path, log.path.with_name("access.log.1"))
        await following.begin()
        await following.quiet()
        if name == "cut":
            os.truncate(log.path, 0)
        log.write(40, half=False)
        await following.quiet()
        await following.end()
        assert Counter(broker.lines) == Counter(log.written)


async def test_a_file_that_is_removed_is_read_to_its_end(tmp_path: Path) -> None:
    """Its last line needs no end then: nobody will write it."""
    path = tmp_path / "logs/access.log"
    log = Log(path, random.Random(3))
    broker = Broker()
    following = Following(tmp_path, broker, [str(path.parent)])
    log.write(5, half=False)
    await following.begin()
    await following.quiet()
    with path.open("ab") as file:
        file.write(b"a line\nand half of o")
    path.unlink()
    await following.quiet()
    assert broker.lines == [*log.written, b"a line", b"and half of o"]
    assert not following.follower.open
    await following.end()


async def test_a_damaged_archive_is_told_once_and_the_others_go_on(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs/access.log", random.Random(4))
    (tmp_path / "logs/old.log.1.gz").write_bytes(b"\x1f\x8b\x08broken")
    broker = Broker()
    following = Following(tmp_path, broker, [str(log.path.parent)])
    await following.begin()
    log.write(9, half=False)
    await following.quiet()
    log.write(9, half=False)
    await following.quiet()
    await following.end()
    assert broker.lines == log.written
    [notice] = following.notices
    assert "old.log.1.gz is damaged or cut short" in notice


def test_what_cannot_be_followed_is_said() -> None:
    with pytest.raises(UsageError, match="leave --follow out"):
        check(["a.log", "-"])
    with pytest.raises(UsageError, match="only files of this machine"):
        check(["s3://logs/2015"])
