"""Values of a record that a case has shown, one look at a time: each is weighed and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.investigations.desk import Desk

_RECORD_BYTES: Final = 16
_NOT_SHOWN: Final = "the case has not shown that record: search for it first"
_OUTSIDE: Final = (
    "that field lies outside of the case's scope: ask for it with `partywall case request`"
)


def reveal(
    desk: Desk, person: Person, case_id: str, record: str, fields: Sequence[str]
) -> tuple[str, ...]:
    """Return which of ``fields`` of a record may be seen now; raises RefusedError.

    ``record`` is a name as ``showing.shown`` gives it. The case must be open, must have shown the
    record, and its scope must have one of the fields at least. The record's name is sealed in the
    log: it is the same in every case.
    """
    gate, mark = desk.cases.gate, _mark(record)
    with gate.store.reading() as store:
        case = store.case(case_id)
        known = mark is not None and not store.unseen(case_id, [mark])
    seen = _inside(case, fields)
    also = _NOT_SHOWN if not known else None if seen else _OUTSIDE
    with gate.act(
        person, Act.REVEAL, case_id, {"fields": [*seen]}, sealed=mark, also=also
    ) as going:
        return _inside(going.case, seen)


def _inside(case: Case | None, fields: Sequence[str]) -> tuple[str, ...]:
    if case is None or case.scope is None:
        return ()
    return tuple(name for name in case.scope.fields if name in fields)


def _mark(record: str) -> bytes | None:
    try:
        mark = bytes.fromhex(record)
    except ValueError:
        return None
    return mark if len(mark) == _RECORD_BYTES else None
