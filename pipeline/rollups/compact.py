"""When runs are merged and dropped, so that a restart reads megabytes and not a day of messages."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.kafka.runs import RunLog, Span
from pipeline.kafka.sizing import TARGET_BYTES
from pipeline.rollups import minutes
from pipeline.rollups.rollup import Rollup
from pipeline.rollups.runs import Progress, decode_run, encode_run

MERGE_AFTER: Final = 64
"""So many small runs at the end of the log are put into one."""
SMALL_BYTES: Final = TARGET_BYTES // 4


class Housekeeping:
    """Sizes of a partition's runs, and the two ways in which the log gets shorter."""

    def __init__(self, log: RunLog) -> None:
        """Weigh what the log holds."""
        self._log = log
        self._size = {span: len(value) for span, _, value in log.read()}

    async def added(self, span: Span, size: int) -> None:
        """Take note of a new run; merge where it is time."""
        self._size[span] = size
        small = self._small_tail()
        if len(small) >= MERGE_AFTER:
            await self._merge(small)

    async def dropped(self, rollup: Rollup) -> None:
        """After a cut: forget the runs that hold nothing still open. The last one always stays."""
        oldest = rollup.open["position"].min()
        spans = self._log.spans
        first = next((s for s in spans if isinstance(oldest, int) and s.end >= oldest), spans[-1])
        for span in spans[: spans.index(first)]:
            self._size.pop(span, None)
        await self._log.drop_before(first)

    def _small_tail(self) -> list[Span]:
        tail: list[Span] = []
        total = 0
        for span in reversed(self._log.spans):
            size = self._size[span]
            if size > SMALL_BYTES or total + size > TARGET_BYTES:
                break
            total += size
            tail.insert(0, span)
        return tail

    async def _merge(self, spans: list[Span]) -> None:
        chosen = set(spans)
        frames: list[list[pl.DataFrame]] = [[], []]
        progress = Progress()
        for span, after, value in self._log.read():
            if span in chosen:
                progress, *both = decode_run(value)
                for found, rows in zip(frames, both, strict=True):
                    found.append(rows.filter(pl.col("position") > after))
        cells, came = map(pl.concat, frames)
        merged = encode_run(progress, cells, minutes.pending(came, progress.passed))
        span = await self._log.merge(spans, merged)
        for old in spans:
            self._size.pop(old, None)
        self._size[span] = len(merged)
