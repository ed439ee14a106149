"""The card of the last half hour: bars as wide as the minutes that they stand for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pipeline.analytics import live, step_times, words
from pipeline.views.answers import Desk
from pipeline.views.view import View
from pipeline.views.wording import between

_MINUTE: Final = dt.timedelta(minutes=1)
_HIGH: Final = 10
_TITLES: Final = {
    "view": "Page views",
    "request": "Other requests",
    "failed": "Failed",
    "bot": "Bots",
}
_SHARES: Final = ("half", "95 %")
_USUAL: Final = {"view": "2xx"}
"""The class that goes without saying."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step, or minutes of which none is told; ``left`` and ``wide`` in minutes of the picture."""

    left: float
    wide: float
    high: float
    told: str
    state: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A segment and class of status; ``newest`` is the last step that is told of it."""

    title: str
    kind: str
    bars: tuple[Bar, ...]
    newest: live.Stretch | None
    stretches: tuple[live.Stretch, ...]

    @property
    def took(self) -> str:
        """Within which range of times half and 95 % of the newest step's answers came, if told."""
        said = zip(_SHARES, within({} if self.newest is None else self.newest.times), strict=False)
        return ", ".join(f"{name} {told}" for name, told in said if told)

    @property
    def rate(self) -> float:
        """Requests a minute of the newest step."""
        return 0 if self.newest is None else _rate(self.newest)


@dataclass(frozen=True, slots=True)
class Lately:
    """The lanes, each ``high``. ``again``: where the card is asked for anew, None for nowhere.

    ``begin`` and ``end`` are what the clock of ``zone`` shows.
    """

    lanes: tuple[Lane, ...]
    begin: dt.datetime
    end: dt.datetime
    zone: str
    minutes: int
    high: int
    k: int
    told: bool
    again: str | None


def lately(desk: Desk, view: View, again: str) -> Lately:
    """Ask for the last half hour; raises UnavailableError. A shared page stays."""
    found = live.live(desk.run, view.site, now=desk.clock(), k=desk.k, zones=desk.zones)
    lanes = (
        _lane(segment, kind, list(stretches), found)
        for (segment, kind), stretches in groupby(
            found.stretches, lambda one: (one.segment, one.status_class)
        )
    )
    return Lately(
        tuple(lanes),
        found.begin,
        found.end,
        found.zone,
        live.SPAN // _MINUTE,
        _HIGH,
        found.k,
        found.told,
        None if view.base else again,
    )


def within(times: step_times.Ranges) -> list[str]:
    """Return in which range of time half, 95 % and 99 % of the answers came; blank if not told."""
    found = step_times.quantiles(times).values()
    return ["" if ends is None else between(*ends) for ends in found]


def _lane(segment: str, kind: str, stretches: Sequence[live.Stretch], found: live.Live) -> Lane:
    told = [one for one in stretches if one.state == words.VALUE]
    most = max((_rate(one) for one in told), default=0.0) or 1.0
    title = _TITLES[segment] + ("" if _USUAL.get(segment) == kind else f", {kind}")
    bars = tuple(_bar(one, found.begin, most) for one in stretches)
    return Lane(title, segment, bars, told[-1] if told else None, tuple(stretches))


def _bar(one: live.Stretch, begin: dt.datetime, most: float) -> Bar:
    left = max(0.0, (one.begin - begin) / _MINUTE)
    wide = (one.end - begin) / _MINUTE - left
    when = f"{one.begin:%H:%M} to {one.end:%H:%M}"
    if one.hits is None:
        why = "not told yet" if one.state == words.NOT_YET_CLOSED else "told by the hour alone"
        return Bar(left, wide, _HIGH, f"{when}: {why}", "gap")
    said = f"{when}: {one.hits:,} requests of {one.visitors:,} visitors"
    return Bar(left, wide, _HIGH * _rate(one) / most, said, "step")


def _rate(one: live.Stretch) -> float:
    return (one.hits or 0) / one.minutes
