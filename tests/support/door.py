"""Door 1 held in one hand: lines in, all that leaves the room out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from pipeline import events, policy
from pipeline.demo.search import Blob
from pipeline.demo.traffic import Traffic, simulate
from pipeline.keys.material import SealingKey
from pipeline.policy import Policy
from pipeline.restricted import Crossing, RawMessages, Splitter, open_splitter
from pipeline.settings import Settings, SiteGoals, Split
from tests.unit.sealed.records import Day, day_key

PARTITIONS = 4
NOW = 1_800_000_000
SOURCE = "logs.web:0"
DAY: Day = day_key()
Header = tuple[str, bytes]
Keys = Callable[[str, int], bytes | None]


def splitter(
    made: Policy | None = None, goals: SiteGoals | None = None, **settings: object
) -> Splitter:
    """A splitter under the packaged policy or ``made``; ``settings`` are those of split.

    ``goals`` are the site ``shop``'s.
    """
    wanted = Settings(goals={"shop": goals or {}}).goals
    return open_splitter(Split(**settings), made or policy.load(), PARTITIONS, goals=wanted)


def messages(
    values: Sequence[bytes], headers: Sequence[Sequence[Header]] | None = None, first: int = 0
) -> RawMessages:
    """Messages of one partition at offsets from ``first``."""
    return RawMessages(
        source=SOURCE,
        offsets=list(range(first, first + len(values))),
        values=list(values),
        headers=list(headers or [[]] * len(values)),
    )


def a_key(ingest: str, day: int) -> bytes | None:
    """A pseudonym key for every day there is."""
    return f"{ingest[:12]:>12}{day:>20}".encode()


def carry(
    through: Splitter,
    batch: RawMessages,
    now: int = NOW,
    keys: Keys = a_key,
    sealing: SealingKey = DAY.key,
) -> Crossing:
    """Take a batch through both steps."""
    reading = through.read(batch, now)
    return through.cross(reading, sealing, {pair: keys(*pair) for pair in reading.days})


def blobs(crossing: Crossing) -> Iterator[Blob]:
    """All bytes that leave the room, and what is counted of them."""
    for number, (_, message) in enumerate(crossing.events):
        yield Blob(f"events {number}", message)
    for number, message in enumerate(crossing.sealed):
        yield Blob(f"vault.sealed {number}", message)
    yield Blob("outcomes", repr(crossing.outcomes).encode())


def rows(crossing: Crossing) -> pl.DataFrame:
    """The rows of all event messages, in the order of their lines."""
    frames = [events.decode(message)[1] for _, message in crossing.events]
    return pl.concat([events.EMPTY, *frames]).sort("offset", "line")


def traffic(lines: int, seed: int = 3) -> Traffic:
    """Simulated lines of three days before NOW, full of planted values."""
    return simulate(dt.datetime.fromtimestamp(NOW, dt.UTC) - dt.timedelta(days=4), seed=seed,
                    lines=lines)  # fmt: skip


def batch_of(made: Traffic) -> RawMessages:
    """The lines of a traffic: half of them alone in a message, half in chunks of a hundred."""
    values: list[bytes] = []
    headers: list[list[Header]] = []
    for site in made.truth:
        lines = made.of(site)
        middle = len(lines) // 2
        chunks = [b"\n".join(lines[at : at + 100]) for at in range(middle, len(lines), 100)]
        mine = [*lines[:middle], *chunks]
        values += mine
        headers += [[("site", site.encode()), ("format", b"combined")]] * len(mine)
    return messages(values, headers)
