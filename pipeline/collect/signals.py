"""Global Privacy Control and Do Not Track: what a visitor's browser asks for, and a site does.

``Sec-GPC`` is 1 or absent (https://w3c.github.io/gpc/), ``DNT`` is 1, 0 or absent
(https://www.w3.org/TR/tracking-dnt/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.settings import Signal, Signals

_STRICTEST_FIRST: Final[tuple[Signal, ...]] = ("drop", "anonymous", "ignore")


def policy(headers: Mapping[str, str], signals: Signals) -> Signal:
    """Return what is to be done with the request: the stricter one where both signals are set."""
    asked: set[Signal] = set()
    if headers.get("Sec-GPC", "").strip() == "1":
        asked.add(signals.gpc)
    if headers.get("DNT", "").strip() == "1":
        asked.add(signals.dnt)
    return next((word for word in _STRICTEST_FIRST if word in asked), "ignore")
