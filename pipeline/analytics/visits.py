"""The part for metrics that are made of visits: of closed days and of page views alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pipeline.analytics import words
from pipeline.analytics.aim import Aim
from pipeline.analytics.part import Part
from pipeline.analytics.scales import VISIT_LENGTHS
from pipeline.clickhouse.sql import literal
from pipeline.errors import UsageError

_ALLOWED: Final = {
    "entry_page": words.VISITS - {"views_per_visit", "exits", "exit_rate"},
    "exit_page": frozenset({"visits", "exits", "exit_rate"}),
    "visit_length": frozenset({"visits"}),
    words.CLICK_PATH: frozenset({"visits"}),
    "visit_role": frozenset[str](),
    words.NEXT_PAGE: frozenset[str](),
    words.STATUS_CLASS: frozenset[str](),
}


_STORED: Final = {"entry_page": "page", "exit_page": "page"}


def of_visits(aim: Aim, metrics: tuple[str, ...]) -> list[Part]:
    """Return the part for those of ``metrics`` that are made of visits; raises UsageError."""
    asked = [name for name in metrics if name in words.VISITS]
    if not asked:
        return []
    one = _dimension(aim, asked)
    if one == "visit_length":
        return [_by_length(aim, asked)]
    if one == words.CLICK_PATH:
        # Of paths what is left is not told, so nothing that is not there is known to be none.
        return [_across(aim, asked, one, "page", folded="1")]
    stored = "segment" if one is None else _STORED.get(one, one)
    sql = {} if one is None else {one: "value"}
    return [
        Part(
            name="v",
            table="pair",
            columns=tuple((name, "hits") for name in asked),
            where=("segment = 'view'", f"dimension = {literal(stored)}", "across = 'role'"),
            chosen=aim.conditions(sql),
            keys=aim.keys(sql),
            folded="value = '(other)' OR across_value = '(other)'",
            roles=True,
        )
    ]


def of_lengths(aim: Aim, metrics: tuple[str, ...]) -> list[Part]:
    """Return the part for the median of how long visits lasted; raises UsageError."""
    if words.MEDIAN not in metrics:
        return []
    if aim.widget or aim.of or aim.apart or not _only_views(aim):
        by = aim.of[0] if aim.of else "segment"
        raise UsageError(
            f"metrics: {words.MEDIAN} by {by} is not counted; leave it out, or ask for "
            "visit_duration"
        )
    part = _by_length(aim, [words.MEDIAN])
    return [replace(part, name="l", classes="across_value", scale=VISIT_LENGTHS)]


def _by_length(aim: Aim, asked: list[str]) -> Part:
    return _across(aim, asked, "visit_length", "segment", folded="across_value = '(other)'")


def _across(aim: Aim, asked: list[str], one: str, stored: str, *, folded: str) -> Part:
    """Return the part for visits by what ``stored`` is told across."""
    sql = {one: "across_value"}
    return Part(
        name="v",
        table="pair",
        columns=tuple((name, "hits") for name in asked),
        where=("segment = 'view'", f"dimension = {literal(stored)}", f"across = {literal(one)}"),
        chosen=aim.conditions(sql),
        keys=aim.keys(sql),
        folded=folded,
    )


def _dimension(aim: Aim, asked: list[str]) -> str | None:
    """Return the dimension that visits are asked by; raises UsageError where they cannot be."""
    if aim.widget:
        raise UsageError(f"metrics: {asked[0]} is of page views, and a widget sends events")
    if aim.apart or not _only_views(aim):
        raise UsageError(f"metrics: {asked[0]} is of the segment view; leave the others out")
    if len(aim.of) > 1:
        raise UsageError(
            f"metrics: {asked[0]} by {aim.of[0]} and {aim.of[1]} is not counted; "
            "leave one of them out"
        )
    one = aim.of[0] if aim.of else None
    by = _STORED.get(str(one), one)
    if by in words.COUNTED and words.VIEW not in aim.segments_of(by, "visit_role"):
        known = [d for d in words.COUNTED if words.VIEW in aim.segments_of(d, "visit_role")]
        raise UsageError(
            f"metrics: {asked[0]} by {one} is not counted; visits are known by {', '.join(known)}"
        )
    if one == words.CLICK_PATH and words.VIEW not in aim.segments_of("page", one):
        raise UsageError(f"dimensions: {one} is not counted: the policy has no page x {one}")
    allowed = _ALLOWED.get(str(one), words.VISITS)
    if one is not None and one not in words.OF_A_VISITOR:
        allowed -= {"views_per_visit"}
    for name in asked:
        if name not in allowed:
            others = ", ".join(n for n in words.METRICS if n in allowed) or "pageviews"
            raise UsageError(f"metrics: {name} by {one} is not counted; there are {others}")
    return one


def _only_views(aim: Aim) -> bool:
    """Tell whether no segment or audience is asked for but the one that visits are made of."""
    return aim.segments in {None, (words.VIEW,)} and aim.audience in {None, ("human",)}
