"""The end of what a case holds: by a privacy officer's word, or by the clock once it is due.

In steps that may stop anywhere: entry in the audit log, deletion in the store, then the files, the
bundles and the traces in the database's own, and another entry that this is done. What has not come
to that is gone through again by the next round, whoever began it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.audit.entry import Fact
from pipeline.audit.log import Written
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import CLOCK, Person
from pipeline.cases.permission import Gate, Weighed
from pipeline.cases.reading import PURGED, Done, Reading
from pipeline.cases.writing import Writing
from pipeline.errors import IntegrityError, UsageError
from pipeline.policy import Version

GRACE: Final = 2 * 3600
"""Seconds that a case may be due and still be there before somebody has to look: two rounds."""

_DAY: Final = 24 * 3600
_ACT: Final = "case.purge"

_log = structlog.get_logger(__name__)

Remove = Callable[[], None]
"""Removes what cases that are purged have left outside of the store: their bundles."""


@dataclass(frozen=True, slots=True)
class Round:
    """How many cases were purged, and which were due and are kept by a legal hold."""

    purged: int
    held: tuple[str, ...]


def purge(gate: Gate, person: Person, case_id: str, remove: Remove) -> None:
    """Delete what an ended case holds, so that nobody reads it again; raises RefusedError.

    Raises UsageError while a legal hold of it lives: its name would be lost with the case. One that
    is purged already has its files gone through once more. Raises UnavailableError to try again.
    """
    with gate.act(person, Act.PURGE, case_id, weigh=_unheld) as going:
        going.store.purge(case_id, going.now)
    _finish(gate, [case_id], remove, person.name, lambda one: gate.write(person, _ACT, "done", one))


def purge_due(gate: Gate, policy: Version, remove: Remove) -> Round:
    """Purge what was over ``purge_days`` ago, as the clock, and finish what was begun.

    Raises UnavailableError to try again; a case that is damaged stays, and is told of in the log.
    """
    days = policy.investigations.purge_days
    with gate.store.reading() as store:
        found = store.over_by(gate.now() - days * _DAY)
    purged, held = 0, []
    for case_id in found:
        try:
            case = _due(gate, case_id, policy)
        except IntegrityError as error:
            _log.error("a case that is due cannot be purged", case=case_id, why=str(error))
            continue
        if case is not None and case.held:
            held.append(case_id)
        elif case is not None:
            purged += 1
    with gate.store.reading() as store:
        half = store.half_purged()
    if half:
        _finish(gate, half, remove, CLOCK, lambda one: gate.by_clock(_ACT, "done", one))
    return Round(purged, tuple(held))


def overdue(plain: Reading, days: int, now: int) -> int:
    """Count the cases that should be gone, held ones left aside; no case's key is needed.

    Whether a hold lives is sealed: to a reader without keys a case that ever had one is held.
    """
    late = now - GRACE
    cases = [plain.case(one) for one in plain.over_by(late - days * _DAY)]
    missed = [
        one for one in cases if one is not None and not one.held and _is_over(one, late, days)
    ]
    begun = [
        max((one.at for one in plain.history(half)), default=0) for half in plain.half_purged()
    ]
    return len(missed) + sum(at <= late for at in begun)


def _unheld(_: Writing, case: Case, __: int) -> Weighed:
    if case.held:
        raise UsageError("a legal hold of the case lives: release it first")
    return Weighed()


def _is_over(case: Case, now: int, days: int) -> bool:
    due = case.purged_from(now, days)
    return due is not None and due <= now


def _due(gate: Gate, case_id: str, policy: Version) -> Case | None:
    """Purge a case that is due and not held; return it if it was due."""
    days = policy.investigations.purge_days
    with gate.store.writing() as store:
        case, now = store.case(case_id), gate.now()
        if case is None or not _is_over(case, now, days):
            return None
        if not case.held:
            facts: dict[str, Fact] = {
                "policy": policy.version,
                "state": case.state(now).value,
                "over": case.over(now),
                "days": days,
            }
            entry = gate.by_clock(_ACT, "allowed", case_id, facts)
            store.remember(case_id, Done(entry.index, entry.leaf, "purge", CLOCK, now))
            store.purge(case_id, now)
    return case


def _finish(
    gate: Gate, cases: Sequence[str], remove: Remove, actor: str, tell: Callable[[str], Written]
) -> None:
    """Take what is left of purged cases from all files, and say so."""
    remove()
    gate.store.wipe()
    for case_id in cases:
        with gate.store.writing() as store:
            entry = tell(case_id)
            store.remember(case_id, Done(entry.index, entry.leaf, PURGED, actor, gate.now()))
