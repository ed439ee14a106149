"""Widget events as the collector wraps them, and what split makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.restricted import Crossing, RawMessages, Splitter
from tests.support import door

RECEIVED: Final = 1_799_920_890_000
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
HEADERS: Final = [("site", b"shop"), ("format", b"widget")]


def said(name: str, **properties: object) -> dict[str, object]:
    """An event as the client sends it."""
    return {"event": name, "v": 1, **properties}


def wrapped(event: object, **around: object) -> str:
    """A line of logs.widget."""
    envelope = {"received": RECEIVED, "address": "192.0.2.7", "agent": AGENT, "privacy": None}
    return json.dumps({**envelope, "event": event, **around})


def batch(lines: Sequence[str]) -> RawMessages:
    """Lines of the site shop, a message each."""
    return door.messages([line.encode() for line in lines], [HEADERS] * len(lines))


def crossed(lines: Sequence[str], through: Splitter | None = None) -> Crossing:
    """What leaves the room for these lines."""
    return door.carry(through or door.splitter(), batch(lines))


def event_of(line: str, through: Splitter | None = None) -> Mapping[str, Any]:
    """The one event that a line becomes."""
    [row] = door.rows(crossed([line], through)).to_dicts()
    return row
