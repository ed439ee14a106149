"""Times, spans and our own errors, in the words of a page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Final

from pipeline.errors import PartywallError

_VERBS: Final[Mapping[str, str]] = {
    "list": "the start page",
    "show": "the case's page",
    "request": "the form on the case's page",
    "approve": "an approval on the case's page",
    "ratify": "a ratification on the case's page",
}
_COMMAND: Final = re.compile(r"(with )?`partywall case (\w+)`")
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def on_pages(error: PartywallError) -> str:
    """Return an error's line, with the page to go to where it names a command."""

    def instead(found: re.Match[str]) -> str:
        return (found[1] or "") + _VERBS.get(found[2], "the case's page")

    said = _COMMAND.sub(instead, str(error))
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"


def moment(seconds: int | None) -> str:
    """Return a time to the second, in UTC; a dash for none."""
    if seconds is None:
        return "-"
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def minute(seconds: int) -> str:
    """Return a time to the minute, in UTC, without saying so: for a line that is always in view."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M")


def left(seconds: int) -> str:
    """Return a span in its two largest units; ``over`` for none."""
    if seconds <= 0:
        return "over"
    if seconds >= _DAY:
        return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _MINUTE} min" if seconds >= _MINUTE else "under a minute"
