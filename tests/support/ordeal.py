"""What is done to a group while lines go through it: a seeded row of faults, paced by progress."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.apps import ship
from pipeline.clock import system_clock
from pipeline.kafka.topics import READ_BY
from pipeline.settings import Settings
from tests.support.group import Group, Member

INGEST: Final = "backfill-1"
SESSION_SECONDS: Final = 2.0
_PROGRESS_WITHIN: Final = 12.0
_IDLE_WITHIN: Final = 4.0
"""Of a stage that nothing waits for: cells and what is made of them come when hours close."""


@dataclass(slots=True)
class Shipping:
    """Ships files one after the other in a thread, each when it is asked to."""

    group: Group
    files: list[Path]
    resume: Path
    sent: list[Future[int]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def one_more(self) -> bool:
        """Start shipping the next file; return whether there was one."""
        number = len(self.sent)
        if number >= len(self.files):
            return False
        self.sent.append(self._pool.submit(self._ship, [self.files[number]], number % 2 == 0))
        return True

    def everything_again(self) -> int:
        """Ship all files a second time and end the ingest; return how many lines were shipped."""
        by_site: dict[str, list[Path]] = {}
        for path in self.files:
            by_site.setdefault(_site(path), []).append(path)
        lines = [
            self._pool.submit(self._ship, paths, False, end=last == len(by_site)).result()
            for last, paths in enumerate(by_site.values(), 1)
        ]
        return sum(lines)

    def _ship(self, paths: list[Path], lines_alone: bool, *, end: bool = False) -> int:
        names = [str(path) for path in paths]
        plans = ship.plan(names, _site(paths[0]), None, "combined", INGEST, system_clock)
        settings = Settings(kafka=self.group.client_settings())
        shipped = asyncio.run(
            ship.ship(
                plans,
                settings,
                system_clock,
                remember=self.resume,
                end=end,
                lines_alone=lines_alone,
            )
        )
        if shipped.damaged is not None:
            raise shipped.damaged
        return shipped.lines


def _site(path: Path) -> str:
    return path.stem.partition("-")[2]


@dataclass(slots=True)
class Ordeal:
    """The faults. ``kills`` says how often a stage gets kill -9; the rest comes once each."""

    group: Group
    shipping: Shipping
    seed: int
    kills: dict[str, int]
    disk: Path | None = None
    away_seconds: float = 30.0
    _random: random.Random = field(default_factory=random.Random)

    def run(self) -> None:
        """Do it all, in an order that the seed decides, while shipping goes on."""
        self._random = random.Random(self.seed)
        deeds: list[Callable[[], None]] = [
            *(lambda s=stage: self._kill(s) for stage, n in self.kills.items() for _ in range(n)),
            *(lambda s=stage: self._halt(s) for stage in READ_BY),
            self._widen,
            self._broker_killed,
            self._broker_restarted,
            self._engine_away,
            self._engine_killed,
        ]
        if self.disk is not None:
            deeds.append(self._disk_full)
        else:
            self.group.note("no full disk: this user may not mount a file system")
        self._random.shuffle(deeds)
        self.group.note("seed", seed=self.seed, deeds=len(deeds))
        for number, deed in enumerate(deeds):
            due = len(self.shipping.files) * (number + 1) // len(deeds)
            while len(self.shipping.sent) < due and self.shipping.one_more():
                pass
            deed()
        while self.shipping.one_more():
            pass

    def _moves(self, stage: str, then: float = 1.0) -> None:
        """Wait until a stage has got on, or has nothing to do; then a moment more."""
        before = self.group.committed(stage)

        def got_on() -> bool:
            return self.group.committed(stage) > before

        moved = self.group.soon(got_on, _IDLE_WITHIN, every=0.2)
        if not moved and self.group.lag(stage):
            moved = self.group.soon(got_on, _PROGRESS_WITHIN - _IDLE_WITHIN, every=0.2)
        if not moved:
            self.group.note("no progress seen", stage=stage, lag=self.group.lag(stage))
        self.group.pause(self._random.choice((0.0, self._random.random() * then)))

    def _any(self, stage: str) -> Member:
        return self._random.choice(self.group.of(stage))

    def _kill(self, stage: str) -> None:
        if stage in READ_BY:
            self._moves(stage)
        self.group.kill(self._any(stage))

    def _halt(self, stage: str) -> None:
        """Stop a worker for longer than its session lasts, and let it wake up as a zombie."""
        member = self._any(stage)
        self.group.until(f"{member.name} is ready", lambda: self.group.ready(member))
        self.group.halt(member)
        self.group.pause(SESSION_SECONDS)
        self._moves(stage)
        self.group.go_on(member)

    def _widen(self) -> None:
        """Add a worker to each stage, and take the first one away: two rebalances a stage."""
        for stage in READ_BY:
            self.group.add(stage)
        for stage in READ_BY:
            member = self.group.of(stage)[-1]
            self.group.until(f"{member.name} is ready", lambda m=member: self.group.ready(m))  # type: ignore[misc]
            self.group.remove(self.group.of(stage)[0])

    def _broker_killed(self) -> None:
        self.group.note("kill -9", who="broker")
        self.group.kafka.kill()
        self.group.kafka.start()

    def _broker_restarted(self) -> None:
        self.group.note("restart", who="broker")
        self.group.kafka.restart()

    def _engine_away(self) -> None:
        (engine,) = self.group.of("clickhouse")
        self.group.hold_back(engine)
        self.group.pause(self.away_seconds)
        self.group.bring_back(engine)

    def _engine_killed(self) -> None:
        (engine,) = self.group.of("clickhouse")
        self.group.until("ClickHouse listens", lambda: self.group.ready(engine))
        self._moves("load")
        self.group.kill(engine)

    def _disk_full(self) -> None:
        """Shrink the vault's file system to what it holds, see the writers wait, and enlarge it."""
        disk = self.disk
        if disk is None:
            return
        before = {m.name: _waits(m) for m in self.group.of("vault")}
        self.group.until("the disk is full", lambda: _filled(disk), within=60)
        self.group.note("disk full")
        self.group.until(
            "a vault writer waits for room",
            lambda: any(_waits(m) > before.get(m.name, 0) for m in self.group.of("vault")),
            within=60,
        )
        self.group.pause(SESSION_SECONDS)
        self.group.note("disk enlarged")
        _resize(disk, "256m")


def _waits(member: Member) -> int:
    return member.output.read_bytes().count(b'"waiting"')


def _filled(disk: Path) -> bool:
    """Shrink a file system to what it holds; the kernel refuses where more has come meanwhile."""
    used = subprocess.run(
        ["df", "--output=used", "-k", str(disk)], check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    command = ["mount", "-o", f"remount,size={used}k", str(disk)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)
