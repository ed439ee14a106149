"""Which source partitions hold an ingest's windows open, where raw lines come on two topics."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline import events, policy
from pipeline.events import DIMENSION_PURPOSES, EventsHeader
from pipeline.kafka import topics
from pipeline.purposes import Refusals
from pipeline.rollups.rollup import Cut, Rollup
from pipeline.rows import HOUR

DECLARED: Final = topics.declared(policy.load().current.retention)
SOURCES: Final = topics.raw_sources(DECLARED)
WEB: Final = topics.sources(DECLARED["logs.web"])
WIDGET: Final = topics.sources(DECLARED["logs.widget"])
BOTH: Final = ("logs.web", "logs.widget")
START: Final = 20_000 * 24 * HOUR
OLD: Final = "old-1"


class Told:
    """A rollup, and what it was told."""

    def __init__(self) -> None:
        self.state = Rollup(SOURCES, HOUR, Refusals(policy.load(), DIMENSION_PURPOSES))
        self.runs: list[bytes] = []
        self.cuts: list[Cut] = []
        self._offsets = dict.fromkeys(SOURCES, 0)

    def tell(
        self,
        source: str,
        hour: int | None = None,
        *,
        ingest: str = OLD,
        rows: int = 0,
        end: bool = False,
        begin: tuple[str, ...] = (),
    ) -> Cut | None:
        """Say a batch of a source, whose newest row is of an hour; return the cut it caused."""
        time = None if hour is None else START + hour * HOUR
        row: dict[str, Any] = {
            name: "x" if kind == pl.String else 1 for name, kind in events.SCHEMA.items()
        }
        self._offsets[source] += 1
        row |= {"offset": self._offsets[source], "time": time or START}
        frame = pl.DataFrame([row] * rows, schema=events.SCHEMA)
        header = EventsHeader(source, self._offsets[source], ingest, time, end, begin)
        run, cut, _ = self.state.apply(len(self.runs), events.encode(header, frame))
        self.runs.append(run)
        self.cuts += [cut] if cut is not None else []
        return cut

    @property
    def hits(self) -> int:
        """All that was cut so far."""
        return sum(int(cut.cells["hits"].sum()) for cut in self.cuts)


def test_a_backfill_on_one_topic_is_not_held_by_the_other() -> None:
    """Its windows close as time goes on, and it ends with the topic that it came on."""
    told = Told()
    for source in WEB:
        told.tell(source, 0, rows=1)
    assert told.tell(WEB[0], 9, rows=1) is None  # the others are at hour 0
    for source in WEB[1:]:
        told.tell(source, 9, rows=1)
    assert told.hits == 4
    for source in WEB:
        told.tell(source, end=True)
    assert told.cuts[-1].end
    assert told.hits == 8


def test_a_silent_partition_of_a_topic_that_it_came_on_holds_it() -> None:
    told = Told()
    for source in WEB[:3]:
        told.tell(source, 9, rows=1)
        told.tell(source, end=True)
    assert not told.cuts


def test_a_backfill_that_says_it_comes_on_both_waits_for_both() -> None:
    """All lines of one topic are read before the first of the other: none of those is late."""
    told = Told()
    for source in WEB:
        told.tell(source, begin=BOTH)
    for source in WEB:
        told.tell(source, 30, rows=1)
        told.tell(source, end=True)
    assert not told.cuts
    for source in WIDGET:
        told.tell(source, 0, rows=1, begin=BOTH)
        told.tell(source, end=True)
    assert told.cuts[-1].end
    assert told.hits == 8
    assert [cut.end for cut in told.cuts].count(True) == 1


def test_an_end_on_a_topic_that_nothing_came_on_does_no_harm() -> None:
    """Whoever ends an ingest says so everywhere, and need not know where it came."""
    told = Told()
    for source in WEB:
        told.tell(source, 3, rows=1)
    for source in (*WEB, *WIDGET):
        told.tell(source, end=True)
    assert told.hits == 4
    assert [cut.end for cut in told.cuts].count(True) == 1
    first = Told()
    for source in WEB:
        first.tell(source, 3, rows=1)
    for source in (*WIDGET, *WEB):
        first.tell(source, end=True)
    assert first.hits == 4


def test_live_traffic_waits_for_every_partition_of_both_topics() -> None:
    """Split speaks for a live partition that is silent, so that one that says nothing is behind."""
    told = Told()
    for source in WEB:
        told.tell(source, 9, ingest="live", rows=1)
    assert not told.cuts
    for source in WIDGET:
        told.tell(source, 9, ingest="live")
    assert told.cuts


@pytest.mark.parametrize("stop", range(14))
def test_a_restored_rollup_knows_what_an_ingest_comes_on(stop: int) -> None:
    def all_of(told: Told, first: int, last: int) -> None:
        steps = [
            *((source, {"begin": BOTH}) for source in WEB),
            *((source, {"hour": 9, "rows": 2}) for source in WEB),
            *((source, {"hour": 9, "rows": 1}) for source in WIDGET),
            *((source, {"end": True}) for source in SOURCES),
        ]
        for source, what in steps[first:last]:
            told.tell(source, **what)  # type: ignore[arg-type]

    whole, before = Told(), Told()
    all_of(whole, 0, 99)
    all_of(before, 0, stop)
    after = Told()
    after.state.restore([(at - 1, run) for at, run in enumerate(before.runs)])
    after.runs = list(before.runs)
    after._offsets = dict(before._offsets)
    all_of(after, stop, 99)
    assert after.state.progress == whole.state.progress
    assert before.hits + after.hits == whole.hits == 12
    assert_frame_equal(
        after.state.open.drop("ingest").select("hits"), whole.state.open.select("hits")
    )
