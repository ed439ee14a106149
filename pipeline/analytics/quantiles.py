"""Quantiles from histograms: the class that a quantile is in, or bounds of it.

What lies under ``(other)`` may be of any class, or of none. If the quantile is in the same class
wherever all of it lies, first or last, that is the answer; else its place is known in part only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.analytics import conditions, words
from pipeline.analytics.aim import Aim
from pipeline.analytics.answer import Cell
from pipeline.analytics.part import Part
from pipeline.analytics.requests import segments_asked
from pipeline.clickhouse.sql import literal
from pipeline.errors import UsageError
from pipeline.rows import OTHER

DIMENSION: Final = "response_time"


def of_times(aim: Aim, metrics: tuple[str, ...]) -> list[Part]:
    """Return the part for those of ``metrics`` that are quantiles; raises UsageError."""
    asked = [name for name in metrics if name in words.LATENCY]
    if not asked:
        return []
    if aim.widget:
        raise UsageError(f"metrics: {asked[0]} is of requests, and a widget sends events")
    if DIMENSION in aim.of:
        raise UsageError(f"metrics: {asked[0]} is of all classes; ask for hits by response_time")
    if "audience" in aim.apart:
        raise UsageError(f"metrics: {asked[0]} by audience is not counted; filter an audience")
    segments = segments_asked(aim) or words.PEOPLE
    columns = tuple((name, "hits") for name in asked)
    where = (conditions.among("segment", segments),)
    if not aim.of:
        return [
            Part(
                name="q",
                table="segment_breakdown",
                columns=columns,
                where=(*where, f"dimension = {literal(DIMENSION)}"),
                keys=aim.keys({"segment": "segment"}),
                folded="value = '(other)'",
                hourly=True,
                classes="value",
            )
        ]
    [one, *more] = aim.of
    known = not more and set(segments) <= set(aim.segments_of(one, DIMENSION))
    if not known:
        within = " or ".join(aim.segments_of(one, DIMENSION)) if not more else ""
        raise UsageError(
            f"metrics: {asked[0]} by {' and '.join(aim.of)} is not counted"
            + (f"; filter segment is {within}" if within else "; leave it out")
        )
    sql = {one: "value"}
    return [
        Part(
            name="q",
            table="pair",
            columns=columns,
            where=(*where, f"dimension = {literal(one)}", f"across = {literal(DIMENSION)}"),
            chosen=aim.conditions(sql),
            keys=aim.keys({"segment": "segment"} | sql),
            folded="value = '(other)' OR across_value = '(other)'",
            classes="across_value",
        )
    ]


def sums(part: Part, cond: str) -> dict[str, str]:
    """Return the SQL of each class's hits, and of those that are in no known class."""
    of_class = {
        f"{part.name}_{column}": f"sumIf(hits, ({cond}) AND {part.classes} = {literal(name)})"
        for column, name in zip(
            (*part.scale.counted, "rest"), (*part.scale.classes, OTHER), strict=True
        )
    }
    return {f"{part.name}_cells": f"countIf({cond})", **of_class}


def sorted_by(metric: str, part: Part) -> str:
    """Return SQL of which class the quantile is in among the hits whose class is known."""
    counts = f"[{', '.join(f'{part.name}_{column}' for column in part.scale.counted)}]"
    least = f"{words.QUANTILES[metric]} * arraySum({counts})"
    place = f"arrayFirstIndex(x -> x >= {least}, arrayCumSum({counts}))"
    return f"if(arraySum({counts}) > 0, {place}, NULL)"


def quantile(metric: str, part: Part, row: Mapping[str, Any]) -> Cell | None:
    """Return the cell of a quantile; None where there is nothing to tell it from.

    Its number is the end of the class, in the unit of its scale, where that is certain; its range
    is from the beginning of the lowest class that it may be in to the end of the highest.
    """
    if not int(row.get(f"{part.name}_cells") or 0):
        return None
    counts = [int(row[f"{part.name}_{column}"] or 0) for column in part.scale.counted]
    rest = int(row[f"{part.name}_rest"] or 0)
    if not sum(counts):
        return Cell(None, words.WITHHELD if rest else words.ZERO)
    share = words.QUANTILES[metric]
    low = _place([counts[0] + rest, *counts[1:]], share)
    high = _place([*counts[:-1], counts[-1] + rest], share)
    classes, ends = part.scale.classes, part.scale.ends
    found = (ends[classes[low]][0], ends[classes[high]][1])
    if low == high:
        return Cell(found[1], words.VALUE, found)
    return Cell(None, words.WITHHELD, found)


def _place(counts: Sequence[int], share: float) -> int:
    """Return the first class by which at least ``share`` of all is reached."""
    least, reached = share * sum(counts), 0
    for place, count in enumerate(counts):
        reached += count
        if reached >= least:
            return place
    return len(counts) - 1
