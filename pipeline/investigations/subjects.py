"""Requests of persons about their own data: access, correction, erasure, within thirty days.

They go the same way as any case: a privacy officer opens it, another person approves it, each look
is written down. An answer must not reveal another's data (``sharing``).
"""

from __future__ import annotations

import polars as pl

from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.subject import for_subject
from pipeline.investigations.desk import Desk, Tell
from pipeline.investigations.export import Exported, Office, export
from pipeline.investigations.narrowing import Question
from pipeline.investigations.records import PLACED
from pipeline.investigations.sharing import see_one_person, without_others
from pipeline.scope import Scope


def answer(
    desk: Desk,
    office: Office,
    person: Person,
    case_id: str,
    tell: Tell = lambda _hour, _effort: None,
) -> Exported:
    """Write what is kept of a person into a bundle; raises RefusedError, UsageError.

    Refused where somebody else may be among it: nothing is written or shown then.
    """

    def of_a_person(_: Case, scope: Scope) -> None:
        for_subject(scope)

    asked = desk.asking(person, Act.ANSWER, case_id, Question(), also=of_a_person)
    selectors = for_subject(asked.scope).selectors
    parts = [pl.DataFrame(schema=PLACED)]
    for records, _ in desk.placed(person, asked.case, asked.scope, tell):
        parts.append(records.select("address", "agent", "chat").unique())
    see_one_person(pl.concat(parts, how="diagonal"), selectors)
    return export(
        desk, office, person, case_id, Question(), tell,
        give=lambda records: without_others(records, selectors), answering=True,
    )  # fmt: skip
