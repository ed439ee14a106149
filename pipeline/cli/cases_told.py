"""Cases and records on a terminal, or as JSON."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from pipeline.cases.life import Case
from pipeline.scope import Scope

if TYPE_CHECKING:
    import polars as pl

    from pipeline.cases.reading import Added

_TEXTS: Final = frozenset({"note", "finding"})
_NO_TERMINAL: Final = 10_000  # columns


def as_json(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.buffer.flush()


def summary(case: Case, now: int, purge_days: int) -> dict[str, Any]:
    """Return what is said of a case in a list: nothing of whom it is about.

    ``purge_days`` is the policy's; what is ``held`` stays past its ``purged_from``.
    """
    pending = case.pending
    return {
        "case": case.id,
        "state": case.state(now).value,
        "category": case.category,
        "requester": case.requester,
        "made": moment(case.made),
        "opened": moment(case.opened),
        "expires": moment(case.expires) if case.ended is None else None,
        "due": moment(case.due),
        "emergency": case.emergency,
        "unratified": case.unratified(now),
        "read": case.read,
        "purged_from": moment(case.purged_from(now, purge_days)),
        "held": case.held,
        "waits_for": None if pending is None else pending.kind.value,
        "approvals": None if pending is None else len(pending.approvals),
        "needed": None if pending is None else pending.needed,
    }


def details(case: Case, added: Sequence[Added], now: int, purge_days: int) -> dict[str, Any]:
    """Return all that a case says."""
    return {
        **summary(case, now, purge_days),
        "reason": case.reason,
        "reference": case.reference,
        "scope": scope_of(case.scope),
        "asked": scope_of(case.asked),
        "requests": [
            {
                "number": one.number,
                "kind": one.kind.value,
                "by": one.by,
                "at": moment(one.at),
                "state": one.state,
                "hours": one.hours,
                "reason": one.told,
                "scope": scope_of(one.scope),
                "decisions": [
                    {"by": d.by, "at": moment(d.at), "approved": d.approved, "reason": d.reason}
                    for d in one.decisions
                ],
            }
            for one in case.requests
        ],
        "added": [
            {"kind": one.kind, "by": one.by, "at": moment(one.at), "text": text_of(one)}
            for one in added
        ],
    }


def text_of(added: Added) -> object:
    """Return what was added: a person's text, or what the desk wrote."""
    return added.text.decode() if added.kind in _TEXTS else orjson.loads(added.text)


def scope_of(scope: Scope | None) -> dict[str, Any] | None:
    """Return a scope with its times as text."""
    if scope is None:
        return None
    found: dict[str, Any] = orjson.loads(scope.canonical())
    del found["salt"]  # with it the digests in the audit log could be tried out
    return {**found, "first": moment(scope.first), "last": moment(scope.last)}


def briefly(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`details` says, for a person: a scope that was told is named after that."""
    found = dict(said)
    known: list[tuple[object, str]] = []

    def once(scope: object, name: str) -> object:
        same = next((words for told, words in known if told == scope), None)
        if scope is None or same is not None:
            return same
        known.append((scope, name))
        return scope

    found["scope"] = once(said["scope"], "as the scope in force")
    found["asked"] = once(said["asked"], "as asked")
    found["requests"] = [
        {**one, "scope": once(one["scope"], f"as of request {one['number']}")}
        for one in said["requests"]
    ]
    return found


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what is counted: ``1 record``, ``2,000 records``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(seconds: int | None) -> str | None:
    """Return a time as ISO 8601 in UTC, None for none."""
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print rows as a table, without columns that say nothing; in a pipe lines are not cut."""
    saying = [name for name in names if not all(_silent(row[name]) for row in rows)]
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in saying:
        shown.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        shown.add_row(*(plain(row[name]) for name in saying))
    if saying:
        width = None if sys.stdout.isatty() else _NO_TERMINAL
        Console(highlight=False, markup=False, emoji=False, width=width).print(shown)


def _silent(value: object) -> bool:
    return value is None or value is False or value in ("", [])


def tree(value: Mapping[str, Any], indent: int = 0) -> None:
    """Print nested values a line each."""
    for name, one in value.items():
        head = f"{' ' * indent}{name.replace('_', ' ')}"
        if isinstance(one, Mapping):
            print(head)
            tree(one, indent + 2)
        elif isinstance(one, list) and one and isinstance(one[0], Mapping):
            for each in one:
                print(head)
                tree(each, indent + 2)
        elif one not in (None, [], ""):
            print(f"{head}: {plain(one)}")


def records(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Return records with their times as text."""
    rows = found.to_dicts()
    for row in rows:
        if "time" in row:
            row["time"] = moment(row["time"])
    return rows


def plain(value: object) -> str:
    """Return a value in one line that cannot steer a terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value))
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
