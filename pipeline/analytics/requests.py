"""The parts for metrics that are counted request by request."""

from __future__ import annotations

from typing import Final

from pipeline.analytics import conditions, words
from pipeline.analytics.aim import Aim
from pipeline.analytics.part import Columns, Part
from pipeline.clickhouse.sql import literal
from pipeline.errors import UsageError

_TRAFFIC: Final = ("*",)
"""Instead of segments: an audience's requests, whatever segment they are in."""
_STATUS_CLASS: Final = (
    "if(match(value, '^[1-5][0-9][0-9]$'), concat(substring(value, 1, 1), 'xx'), value)"
)
_FOLDED_PAIR: Final = "value = '(other)' OR across_value = '(other)'"
_SUMMED: Final = {"visitors": "visitors", "bytes": "bytes"}
_INSTEAD: Final = {
    "entry_page": "entries, bounce_rate, visit_duration",
    "exit_page": "exits, exit_rate",
    "visit_length": "visits",
    words.CLICK_PATH: "visits",
}


def counted(aim: Aim, metrics: tuple[str, ...]) -> list[Part]:
    """Return a part for each set of segments that some of ``metrics`` are of.

    Raises UsageError where there are no such numbers.
    """
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for metric in metrics:
        if metric not in words.VISITS and metric not in words.QUANTILES:
            found.setdefault(_segments(aim, metric), []).append(
                (metric, _SUMMED.get(metric, "hits"))
            )
    return [
        _part(aim, f"p{number}", segments, tuple(columns))
        for number, (segments, columns) in enumerate(found.items())
    ]


def _segments(aim: Aim, metric: str) -> tuple[str, ...]:
    """Return the segments that a metric is of, or _TRAFFIC."""
    asked = segments_asked(aim)
    if aim.converting:
        return _of_goals(aim, metric, asked)
    if "audience" in aim.apart and metric in {"pageviews", "failures"}:
        raise UsageError(f"metrics: {metric} by audience are not counted; ask for hits")
    if metric == "pageviews":
        if aim.widget:
            raise UsageError("metrics: a widget sends events and has no pageviews; ask for events")
        return _only(metric, words.VIEW, asked)
    if metric == "failures":
        return _only(metric, words.FAILED, asked)
    if metric == "visitors":
        return _of_visitors(aim, asked)
    if aim.audience is not None or "audience" in aim.apart or asked is None:
        return (asked or _of_hits(aim)) if aim.of else _TRAFFIC
    return asked


def _of_goals(aim: Aim, metric: str, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return where a goal may be counted: it is in one segment, whichever that is."""
    if metric == "visitors":
        _of_visitors(aim, (words.VIEW,))
    if asked is not None or len(aim.of) == 1:
        return asked or words.PEOPLE
    other = next(name for name in aim.of if name != words.GOAL)
    there = aim.segments_of(words.GOAL, other) or aim.segments_of(other, words.GOAL)
    return tuple(segment for segment in words.PEOPLE if segment in there) or words.PEOPLE


def segments_asked(aim: Aim) -> tuple[str, ...] | None:
    """Return the segments that a question names, by themselves or by an audience."""
    if "segment" in aim.apart and aim.segments is None:
        return words.SEGMENTS
    if aim.audience is None:
        return aim.segments
    people = words.PEOPLE if "human" in aim.audience else ()
    return (*people, *([words.BOT] if "bot" in aim.audience else []))


def _of_hits(aim: Aim) -> tuple[str, ...]:
    return (words.REQUEST,) if aim.widget else words.PEOPLE


def _only(metric: str, segment: str, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    if asked is not None and segment not in asked:
        raise UsageError(f"metrics: {metric} are of the segment {segment}; ask for hits")
    return (segment,)


def _of_visitors(aim: Aim, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    for name in aim.of:
        if not aim.one_value(name):
            raise UsageError(
                f"metrics: visitors of several values of {name} cannot be added up; "
                "filter one value with is"
            )
    if "audience" in aim.apart or (aim.audience is not None and not aim.of):
        if len(aim.audience or ()) > 1 and "audience" not in aim.apart:
            raise UsageError("metrics: visitors of both audiences are not added up; choose one")
        return _TRAFFIC
    if asked is None:
        return (words.REQUEST,) if aim.widget else (words.VIEW,)
    if len(asked) > 1 and "segment" not in aim.apart:
        raise UsageError(
            "metrics: visitors of several segments cannot be added up; choose one segment"
        )
    return asked


def _part(aim: Aim, name: str, segments: tuple[str, ...], columns: Columns) -> Part:
    if segments == _TRAFFIC:
        audience = aim.audience or (words.AUDIENCES if aim.apart else ("human",))
        return Part(
            name=name,
            table="traffic",
            columns=columns,
            where=(conditions.among("audience", audience),),
            keys=aim.keys({"audience": "audience"}),
            hourly=True,
        )
    where = (conditions.among("segment", segments),)
    if not aim.of:
        keys = aim.keys({"segment": "segment"})
        return Part(
            name=name, table="segment", columns=columns, where=where, keys=keys, hourly=True
        )
    if any(metric == "bytes" for metric, _ in columns):
        raise UsageError(f"metrics: bytes by {aim.of[0]} are not counted; leave them out")
    if len(aim.of) > 1 or aim.of[0] == "visit_role":
        return _pair(aim, name, segments, where, columns)
    return _breakdown(aim, name, where, columns)


def _breakdown(aim: Aim, name: str, where: tuple[str, ...], columns: Columns) -> Part:
    [one] = aim.of
    if one == words.NEXT_PAGE:
        raise UsageError("dimensions: next_page goes with page; group or filter by page too")
    if one in _INSTEAD:
        raise UsageError(
            f"metrics: {columns[0][0]} by {one} is not counted; ask for {_INSTEAD[one]}"
        )
    column, stored = "value", one
    if one == words.STATUS_CLASS:
        if any(metric == "visitors" for metric, _ in columns):
            raise UsageError("metrics: visitors by status_class are not counted; ask for hits")
        column, stored = _STATUS_CLASS, "status"
    return Part(
        name=name,
        table="segment_breakdown",
        columns=columns,
        where=(*where, f"dimension = {literal(stored)}"),
        chosen=aim.conditions({one: column}),
        keys=aim.keys({"segment": "segment", one: column}),
        folded=f"{column} = '(other)'",
        hourly=True,
    )


def _pair(
    aim: Aim, name: str, segments: tuple[str, ...], where: tuple[str, ...], columns: Columns
) -> Part:
    first, across = _paired(aim, segments)
    stored = "role" if across == "visit_role" else across
    sql = {first: "value", across: "across_value"}
    return Part(
        name=name,
        table="pair",
        columns=columns,
        where=(*where, f"dimension = {literal(first)}", f"across = {literal(stored)}"),
        chosen=aim.conditions(sql),
        keys=aim.keys({"segment": "segment"} | sql),
        # Of moves what is left is not told, so nothing that is not there is known to be none.
        folded="1" if across == words.NEXT_PAGE else _FOLDED_PAIR,
    )


def _paired(aim: Aim, segments: tuple[str, ...]) -> tuple[str, str]:
    """Return the dimension and what it is counted across; raises UsageError."""
    if len(aim.of) == 1:
        if segments != (words.VIEW,):
            raise UsageError("metrics: visit_role is of page views; ask for pageviews or visitors")
        return "segment", aim.of[0]
    elsewhere: tuple[str, ...] = ()
    for first, across in (aim.of, aim.of[::-1]):
        there = aim.segments_of(first, across)
        if there and set(segments) <= set(there):
            return first, across
        elsewhere = elsewhere or there
    if elsewhere:
        raise UsageError(
            f"dimensions: {' with '.join(aim.of)} is counted within a segment; filter segment "
            f"is {' or '.join(elsewhere)}"
        )
    raise UsageError(
        f"dimensions: {' with '.join(aim.of)} is not counted; there are {_listed(aim)}"
    )


def _listed(aim: Aim) -> str:
    """Return the pairs of a site's kind, in words."""
    own = (words.REQUEST,) if aim.widget else (words.VIEW, words.FAILED)
    found: dict[str, list[str]] = {}
    for segment in own:
        pairs = aim.crossings.get(segment, {}).items()
        # Not every site has goals, and no widget has.
        for first, others in sorted(pairs, key=lambda pair: pair[0] == words.GOAL):
            if aim.widget and first == words.GOAL:
                continue
            for across in others:
                if across != "role" and across not in found.setdefault(first, []):
                    found[first].append(across)
    listed = "; ".join(f"{first} with {', '.join(also)}" for first, also in found.items() if also)
    roles = [first for first, o in aim.crossings.get(words.VIEW, {}).items() if "role" in o]
    return listed if aim.widget else f"{listed}; visit_role with {', '.join(roles)}"
