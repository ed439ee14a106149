"""How long the answers of a step of minutes took: ranges, and in which of them quantiles are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.analytics import words
from pipeline.response_times import RANGES

Ranges = Mapping[str, int]
"""Range of response times, or ``(none)``, → requests of a step; empty where none is told."""
Ends = tuple[int, int | None]
"""Milliseconds between which a quantile is; the second is None where the range has no end."""
COLUMNS: Final = tuple(f"{metric}{end}" for metric in words.LATENCY for end in ("", "_from", "_to"))
"""Columns of ``columns``: a quantile's number is where its range ends, as those of days have it."""


def ranges(names: Sequence[str], hits: Sequence[object]) -> Ranges:
    """Return the ranges of a row, the shortest times first."""
    told = {str(name): int(str(count)) for name, count in zip(names, hits, strict=True)}
    order = {name: place for place, name in enumerate(sorted(RANGES, key=_begin))}
    return {name: told[name] for name in sorted(told, key=lambda name: order.get(name, len(order)))}


def quantiles(told: Ranges) -> dict[str, Ends | None]:
    """Return by metric which range the quantile is in; None where that is not told."""
    timed = [(RANGES[name], hits) for name, hits in told.items() if name in RANGES]
    total = sum(hits for _, hits in timed)
    found: dict[str, Ends | None] = dict.fromkeys(words.LATENCY)
    for metric, share in words.LATENCY.items():
        reached = 0
        for ends, hits in timed:
            reached += hits
            if reached >= share * total:
                found[metric] = ends
                break
    return found


def columns(told: Ranges) -> dict[str, int | None]:
    """Return COLUMNS of a step."""
    made: dict[str, int | None] = {}
    for metric, ends in quantiles(told).items():
        begin, end = ends or (None, None)
        made |= {metric: end, f"{metric}_from": begin, f"{metric}_to": end}
    return made


def _begin(name: str) -> int:
    return RANGES[name][0]
