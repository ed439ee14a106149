"""Every way in which a request with events or lines can end: a closed list, with its status."""

from __future__ import annotations

from typing import Final

ACKNOWLEDGED: Final = "acknowledged"
REPEATED: Final = "repeated"
DROPPED: Final = "dropped"
TEST: Final = "test"
FAULT: Final = "fault"

TAKEN: Final = (ACKNOWLEDGED, REPEATED, DROPPED, TEST)
"""Ends well: the broker has it, or had it before, or nobody is to have it."""

REFUSED: Final = {
    "unknown_site": (404, "name a site of this collector: ?site=NAME"),
    "origin": (403, "this site takes no events from this origin"),
    "token": (401, "a bearer token of a source is needed"),
    "format": (400, "name a format: ?format=NAME"),
    "rate": (429, "too many requests"),
    "too_large": (413, "the body is too large"),
    "too_many_events": (413, "too many events in one request"),
    "encoding": (415, "Content-Encoding: identity, gzip or zstd"),
    "damaged": (400, "the body cannot be unpacked"),
    "malformed": (400, 'JSON: an event, an array of events, or {"events": […]}'),
    "slow": (408, "the body took too long"),
    "incomplete": (400, "the body did not arrive"),
    "busy": (503, "the collector is full"),
    "unacknowledged": (503, "the broker has not acknowledged"),
    FAULT: (500, "a fault of the collector"),
}
"""Reason → HTTP status and what the answer says. Nothing of a request is repeated to anybody."""

OUTCOMES: Final = (*TAKEN, *REFUSED)

AGAIN: Final = {"rate", "slow", "incomplete", "busy", "unacknowledged", FAULT}
"""Reasons that pass: the same request may be taken a little later."""


class RefusedError(Exception):
    """A request is not taken; ``reason`` is a key of :data:`REFUSED`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
