"""What a page sends into lines for ``logs.widget``: events taken apart, each wrapped as one line.

Nothing is judged here but that it can be a line at all. Whether an event is one that the widget's
schemas know, and what of it may cross the wall, split decides; what it rejects is sealed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import orjson

from pipeline.collect.refusals import RefusedError

NO_PSEUDONYM: Final = "no-pseudonym"
"""Value of ``privacy`` for an event that counts, and of whose visitor nothing is known."""

NOBODY: Final = "0.0.0.0"  # noqa: S104 -- bound to by nobody
"""The address that is no one's (RFC 6890), where a line needs one and nobody is to be known."""

_HEADER_KEPT: Final = 1024
"""Bytes. A hundred events, each with three headers of quotation marks only and a body of numbers
that grow as they are written out, are still under a message's limit of 1 MiB."""
_BATCH_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Beacon:
    """The events of one request; ``batch`` is the sender's name for them, if it gave one."""

    events: list[Any]
    site: str | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """What the connection says of whoever sent it; nobody, where no pseudonym is to be made."""

    address: str = field(default=NOBODY, repr=False)
    agent: str | None = field(default=None, repr=False)
    forwarded_for: str | None = field(default=None, repr=False)
    forwarded: str | None = field(default=None, repr=False)


def parse(body: bytes, most: int) -> Beacon:
    """Read an event, an array of events, or ``{"events": […]}``; raises RefusedError."""
    found = _loads(body)
    if isinstance(found, list):
        beacon = Beacon(found)
    elif isinstance(found, dict):
        site, batch, listed = (found.get(name) for name in ("site", "batch", "events"))
        beacon = Beacon(
            listed if isinstance(listed, list) else [found],
            site if isinstance(site, str) else None,
            batch if isinstance(batch, str) and 0 < len(batch) <= _BATCH_LONGEST else None,
        )
    else:
        raise RefusedError("malformed")
    if not beacon.events:
        raise RefusedError("malformed")
    if len(beacon.events) > most:
        raise RefusedError("too_many_events")
    return beacon


def wrap(beacon: Beacon, sender: Sender, received: int, privacy: str | None) -> bytes:
    """Return a line for each event, with a newline between them; ``received`` in milliseconds.

    Raises RefusedError.
    """
    head = {
        "received": received,
        "address": sender.address,
        "agent": _short(sender.agent),
        "forwarded_for": _short(sender.forwarded_for),
        "forwarded": _short(sender.forwarded),
        "privacy": privacy,
    }
    try:
        return b"\n".join(orjson.dumps(head | {"event": event}) for event in beacon.events)
    except orjson.JSONEncodeError:
        raise RefusedError("malformed") from None  # nested too deep to be written again


def _short(header: str | None) -> str | None:
    """Cut what comes once and is written to every line: it would multiply a request's size."""
    if header is None:
        return None
    # A header is bytes; aiohttp keeps those that are no UTF-8 as surrogates.
    return header.encode("utf-8", "replace")[:_HEADER_KEPT].decode("utf-8", "ignore")


def _loads(body: bytes) -> Any:  # noqa: ANN401 -- JSON may be anything
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _loads_surrogates(body)


def _loads_surrogates(body: bytes) -> Any:  # noqa: ANN401
    r"""Read JSON with half a surrogate pair in it, which becomes a question mark.

    JavaScript cuts a text between the halves of an emoji and writes ``\ud83d``. One such text would
    cost the events beside it.
    """
    if b"\\u" not in body:
        raise RefusedError("malformed")
    try:
        found = json.loads(body, parse_constant=_refuse)
        return orjson.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise RefusedError("malformed") from None


def _refuse(_: str) -> NoReturn:
    raise RefusedError("malformed")
