"""Cases at the end of their days: what they hold goes, and their bundles with it.

There is no other way to purge a case: the store's own (``cases.purging``) asks for what removes the
bundles.
"""

from __future__ import annotations

import structlog

from pipeline.cases import purging
from pipeline.cases.people import Person
from pipeline.cases.purging import Round
from pipeline.errors import IntegrityError, UnavailableError
from pipeline.investigations.bundles import swept
from pipeline.investigations.case_desk import CaseDesk
from pipeline.metrics import CASES_OVERDUE

_log = structlog.get_logger(__name__)


def purge(desk: CaseDesk, person: Person, case_id: str) -> None:
    """Delete what an ended case holds, and its bundles; raises RefusedError, UnavailableError."""
    purging.purge(desk.cases.gate, person, case_id, lambda: _remove(desk, wait=True))


def purge_due(desk: CaseDesk) -> Round:
    """Purge what the policy has fall due, as the clock; cheap where nothing is.

    Raises UnavailableError to try again.
    """
    policy = desk.cases.policy.current
    return purging.purge_due(desk.cases.gate, policy, lambda: _remove(desk, wait=False))


def turn(desk: CaseDesk) -> None:
    """Purge what is due, raise the alarm where that was missed, and tell in the log what keeps it.

    For whoever comes round again, so that nothing is lost by one that fails.
    """
    rounds = (
        (_purge_due, "cases that are due could not be purged"),
        (_watch, "which cases are overdue cannot be told"),
    )
    for act, failing in rounds:
        try:
            act(desk)
        except (UnavailableError, IntegrityError) as error:
            _log.error(failing, why=str(error))


def _purge_due(desk: CaseDesk) -> None:
    done = purge_due(desk)
    if done.purged:
        _log.info("cases purged", count=done.purged)
    if done.held:
        _log.warning("cases that are due are kept by a legal hold", cases=list(done.held))


def _watch(desk: CaseDesk) -> None:
    """Raise the alarm where a case outlived its time: in the metrics and in the log."""
    gate, days = desk.cases.gate, desk.cases.policy.current.investigations.purge_days
    with gate.store.reading_plain() as plain:
        count = purging.overdue(plain, days, gate.now())
    CASES_OVERDUE.set(count)
    if count:
        _log.error("cases are overdue: their purge was missed", count=count)


def _remove(desk: CaseDesk, *, wait: bool) -> None:
    with swept(desk.turns, desk.cases.gate.store, wait=wait):
        pass  # what no case lists any more is gone
