"""One entry of the audit log, and its bytes: the leaf that is hashed and signed for."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface
from types import MappingProxyType
from typing import Final

import orjson

from pipeline.errors import IntegrityError, UsageError

Fact = str | int | bool | None | list[str]
"""What an open fact may be. Counts, key ids, digests, sites: never an address, agent or path."""

MOST_BYTES: Final = 65_535
"""What an entry may measure: its length stands before it in 16 bits (C2SP tlog-tiles)."""

OUTCOMES: Final = ("allowed", "refused", "done")
"""``allowed`` and ``refused`` are written before an act; ``done`` tells what is known after it."""

_LAYOUT: Final = 1
_ACT: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NONE: Final[Mapping[str, Fact]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did, may do or may not do.

    ``time`` is aware, UTC; ``actor`` a person's sign-in name, or ``keys`` or ``clock`` for a
    process; ``act`` dotted words such as ``case.approve``; ``outcome`` one of OUTCOMES; ``sealed``
    what only the auditors may read (``pipeline.audit.seal``).
    """

    time: dt.datetime
    actor: str
    act: str
    outcome: str
    case: str | None = None
    facts: Mapping[str, Fact] = field(default_factory=lambda: _NONE)
    sealed: bytes | None = field(default=None, repr=False)


def encode(entry: Entry) -> bytes:
    """Return the leaf: canonical JSON (sorted keys, no blanks, UTF-8).

    Raises ValueError for an entry that says what it must not or lacks what it must have, and
    UsageError for one of more than MOST_BYTES; neither quotes it.
    """
    _check(entry)
    document: dict[str, object] = {
        "v": _LAYOUT,
        "time": entry.time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": entry.actor,
        "act": entry.act,
        "outcome": entry.outcome,
    }
    if entry.case is not None:
        document["case"] = entry.case
    if entry.facts:
        document["facts"] = dict(entry.facts)
    if entry.sealed is not None:
        document["sealed"] = base64.b64encode(entry.sealed).decode()
    leaf = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    if len(leaf) > MOST_BYTES:
        raise UsageError(
            f"an audit entry of {len(leaf):,} bytes cannot be written, {MOST_BYTES:,} is the most: "
            "say less in its reason or ask for fewer things at once"
        )
    return leaf


def decode(leaf: bytes) -> Entry:
    """Return the entry of a leaf; raises IntegrityError where ``encode`` would not have made it."""
    try:
        found = orjson.loads(leaf)
        sealed = found.get("sealed")
        entry = Entry(
            time=dt.datetime.fromisoformat(found["time"]),
            actor=found["actor"],
            act=found["act"],
            outcome=found["outcome"],
            case=found.get("case"),
            facts=found.get("facts", {}),
            sealed=None if sealed is None else base64.b64decode(sealed, validate=True),
        )
        same = encode(entry) == leaf
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError("an audit entry is of no form this version knows") from error
    if not same:
        raise IntegrityError("an audit entry is not in canonical form")
    return entry


def _check(entry: Entry) -> None:
    if entry.time.tzinfo is None or entry.time.utcoffset():
        raise ValueError("an audit entry's time must be aware and in UTC")
    if not _is_text(entry.actor) or not _ACT.fullmatch(entry.act):
        raise ValueError("an audit entry needs an actor, and an act of dotted lower-case words")
    if entry.outcome not in OUTCOMES:
        raise ValueError(f"an audit entry's outcome is one of {', '.join(OUTCOMES)}")
    if entry.case is not None and not _is_text(entry.case):
        raise ValueError("an audit entry's case must be its name, of printable characters")
    for name, fact in entry.facts.items():
        if not _KEY.fullmatch(name):
            raise ValueError("an audit entry's facts need names of lower-case letters and digits")
        for value in fact if isinstance(fact, list) else (fact,):
            _check_fact(name, value)


def _check_fact(name: str, value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"the fact {name} is too large a number")
        return
    if not isinstance(value, str) or _CONTROL.search(value):
        raise ValueError(f"the fact {name} must be a number, a text of one line, or a list of them")
    try:
        ip_interface(value)
    except ValueError:
        return
    raise ValueError(f"the fact {name} is an address: open facts hold none, seal it") from None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not _CONTROL.search(value)
