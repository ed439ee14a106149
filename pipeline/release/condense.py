"""Shortens the log of runs where messages between needed ones are needed no more.

Cells are needed until their day expires, the minutes that come in between until their hour is over:
of a quiet day thousands of small runs would be kept for nothing.
"""

from __future__ import annotations

from typing import Final

from pipeline.kafka.runs import RunLog, Span
from pipeline.release.partition import Partition
from pipeline.release.runs import SPENT

_SLACK: Final = 256
"""So many runs that nothing needs may stand in the log."""


async def condense(log: RunLog, partition: Partition) -> None:
    """Put one run in the place of each row of runs that are not needed; the newest one stays."""
    if len(log.spans) <= _SLACK:
        return
    needed = partition.needed
    if len(log.spans) - len(needed) <= _SLACK + len(needed):
        return
    for spans in _idle(log.spans[:-1], needed):
        await log.merge(spans, SPENT)


def _idle(spans: list[Span], needed: set[int]) -> list[list[Span]]:
    """Return the longest rows of neighbours of which none is needed, of two or more."""
    rows: list[list[Span]] = [[]]
    for span in spans:
        if span.end in needed:
            rows.append([])
        else:
            rows[-1].append(span)
    return [row for row in rows if len(row) > 1]
