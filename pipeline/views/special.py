"""Cards that are more than a list: the funnel, the ways between pages, and the newest hour."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from pipeline.errors import UsageError
from pipeline.views.answers import Cell, Desk
from pipeline.views.cards import STEPS, Tab
from pipeline.views.chart import moment
from pipeline.views.lists import OTHER, label, question, trouble
from pipeline.views.view import View

WIDGET: Final = ".widget"
_MOVES: Final = 200
_SIDE: Final = 6
_WIDE: Final = 1000
_BAND: Final = 300
_GAP: Final = 12
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how many came so far, of the step before and of the first."""

    label: str
    cell: Cell
    hits: Cell
    of_before: float | None
    of_first: float | None


@dataclass(frozen=True, slots=True)
class Funnel:
    """Steps from the first on. ``trouble`` says why there are none."""

    steps: tuple[Step, ...] = ()
    trouble: str | None = None


def funnel(desk: Desk, view: View, tab: Tab) -> Funnel:
    """Ask how far a site's chat widget was followed."""
    try:
        answer = desk.ask(question(replace(view, site=view.site + WIDGET), tab, limit=100))
    except UsageError as error:
        return Funnel(trouble=trouble(view, tab, error))
    found = {line.values[0]: line.cells for line in answer.lines}
    steps: list[Step] = []
    for name in STEPS:
        cells = found.get(name)
        if cells is None:
            cells = tuple(Cell(metric, None, "withheld") for metric in tab.metrics)
        people, hits = cells[0], cells[1]
        first = steps[0].cell.value if steps else people.value
        before = steps[-1].cell.value if steps else None
        of_before = _share(people.value, before)
        steps.append(
            Step(label("event", name), people, hits, of_before, _share(people.value, first))
        )
    return Funnel(tuple(steps))


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else min(part / whole, 1.0)


@dataclass(frozen=True, slots=True)
class End:
    """A page at one side of the picture, with its place in it."""

    label: str
    href: str | None
    moves: float
    top: float
    high: float
    folded: bool


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Moves from a page to a page, as the path of a picture."""

    source: str
    target: str
    moves: float
    path: str
    shade: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Two columns of pages with ribbons between them."""

    sources: tuple[End, ...] = ()
    targets: tuple[End, ...] = ()
    ribbons: tuple[Ribbon, ...] = ()
    high: float = _BAND
    trouble: str | None = None


def flow(desk: Desk, view: View, tab: Tab) -> Flow:
    """Ask which page was seen after which, and lay the commonest ways out as a picture."""
    try:
        answer = desk.ask(question(view, tab, limit=_MOVES))
    except UsageError as error:
        return Flow(trouble=trouble(view, tab, error))
    known = {
        (line.values[0], line.values[1]): line.cells[0].value
        for line in answer.lines
        if line.cells[0].value and OTHER not in line.values
    }
    starts = _largest(known, 0)
    ends = _largest({pair: v for pair, v in known.items() if pair[0] in starts}, 1)
    kept = {p: v for p, v in known.items() if p[0] in starts and p[1] in ends}
    if not kept:
        return Flow()
    left = {one: sum(v for p, v in kept.items() if p[0] == one) for one in starts}
    right = {one: sum(v for p, v in kept.items() if p[1] == one) for one in ends}
    scale = _BAND / sum(kept.values())
    sources, targets = _column(left, view, scale), _column(right, view, scale)
    high = _BAND + _GAP * (max(len(sources), len(targets)) - 1)
    return Flow(
        tuple(sources.values()),
        tuple(targets.values()),
        _ribbons(kept, sources, targets, scale),
        high,
    )


def _largest(moves: dict[tuple[str, str], float], side: int) -> list[str]:
    sums: dict[str, float] = {}
    for pair, value in moves.items():
        sums[pair[side]] = sums.get(pair[side], 0) + value
    return sorted(sums, key=lambda one: (-sums[one], one))[:_SIDE]


def _column(sums: dict[str, float], view: View, scale: float) -> dict[str, End]:
    top, found = 0.0, {}
    for value in sorted(sums, key=lambda one: (-sums[one], one)):
        high = sums[value] * scale
        href = None if view.base else view.narrowed("page", value).url()
        found[value] = End(label("page", value), href, sums[value], top, high, value == OTHER)
        top += high + _GAP
    return found


def _ribbons(
    kept: dict[tuple[str, str], float],
    sources: dict[str, End],
    targets: dict[str, End],
    scale: float,
) -> tuple[Ribbon, ...]:
    """Return ribbons whose ends lie side by side, in the order of the other column."""
    begins = {value: end.top for value, end in sources.items()}
    arrives = {value: end.top for value, end in targets.items()}
    found = []
    middle = _WIDE / 2
    for number, source in enumerate(sources):
        for target in targets:
            moves = kept.get((source, target))
            if moves is None:
                continue
            high = moves * scale
            y, z = begins[source], arrives[target]
            path = (
                f"M0 {y:.1f}C{middle} {y:.1f} {middle} {z:.1f} {_WIDE} {z:.1f}V{z + high:.1f}"
                f"C{middle} {z + high:.1f} {middle} {y + high:.1f} 0 {y + high:.1f}Z"
            )
            found.append(Ribbon(source, target, moves, path, number % 6 + 1))
            begins[source], arrives[target] = y + high, z + high
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the newest ones, with the height of its bar."""

    at: dt.datetime
    cell: Cell
    bar: float


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest hour that has been released, those before it, and when the next one comes.

    All by the clock of ``zone``, ``today`` too.
    """

    hours: tuple[Hour, ...]
    visitors: Cell | None
    views: Cell | None
    at: dt.datetime | None
    following: dt.datetime | None
    lateness: int
    zone: str
    today: dt.date


def newest(desk: Desk, view: View, lateness: int) -> Newest:
    """Ask for the hours of today and yesterday. ``lateness``: minutes that an hour stays open."""
    now, zone = desk.now(view.site), desk.zones.of(view.site)
    nothing = Newest((), None, None, None, None, lateness, zone, now.date())
    asked = {
        "site": view.site,
        "metrics": ["visitors", "pageviews"],
        "date_range": [(now - dt.timedelta(days=1)).date().isoformat(), now.date().isoformat()],
        "dimensions": ["time:hour"],
        "order": [["time:hour", "asc"]],
        "limit": 100,
    }
    try:
        answer = desk.ask(asked)
    except UsageError:
        return nothing
    lines = [(moment(line.values), line) for line in answer.lines]
    shown = [(at, line) for at, line in lines if line.cells[0].state != "not_yet_closed"][-24:]
    closed = [(at, line) for at, line in shown if line.cells[0].value]
    if not closed:
        return nothing
    most = max(line.cells[0].value or 0 for _, line in closed)
    at, last = closed[-1]
    shown = [pair for pair in shown if pair[0] <= at]
    hours = tuple(Hour(a, one.cells[0], 40 * (one.cells[0].value or 0) / most) for a, one in shown)
    open_for = dt.timedelta(minutes=lateness)
    # Of a site that was silent, hours have closed in which there was nothing to tell.
    closing = (now.replace(tzinfo=at.tzinfo) - open_for).replace(minute=0, second=0, microsecond=0)
    following = max(at + _HOUR, closing) + _HOUR + open_for
    return replace(
        nothing,
        hours=hours,
        visitors=last.cells[0],
        views=last.cells[1],
        at=at,
        following=following,
    )
