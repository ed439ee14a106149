"""Exports: a case's records as a bundle of evidence, signed, and counted like any other look.

What a killed export leaves is no evidence: ``bundles`` removes it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import polars as pl

from pipeline.audit.entry import Fact
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act, why_not
from pipeline.cases.people import Person
from pipeline.cases.reading import Done
from pipeline.cases.subject import SUBJECT
from pipeline.errors import RefusedError, UsageError
from pipeline.evidence.bundle import Contents, Custody
from pipeline.evidence.write import Written, write
from pipeline.investigations.bundles import KIND, swept
from pipeline.investigations.corrections import corrections
from pipeline.investigations.desk import Asked, Desk, Keep, Tell
from pipeline.investigations.narrowing import Question
from pipeline.investigations.showing import RECORD, shown
from pipeline.policy import Policy
from pipeline.scope import Scope


@dataclass(frozen=True, slots=True)
class Office:
    """What exports are made with: their folder, the key they are signed by, the log, the policy.

    ``terms`` are the policy file's own bytes, which go into the bundle.
    """

    folder: Path
    signer: Signer
    log: AuditLog
    policy: Policy
    terms: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle: where it lies, what it is, and how many records could no longer be opened."""

    path: Path
    written: Written
    gone: int


def export(
    desk: Desk,
    office: Office,
    person: Person,
    case_id: str,
    question: Question,
    tell: Tell = lambda _hour, _effort: None,
    give: Keep = lambda records: records,
    *,
    answering: bool = False,
) -> Exported:
    """Write what a question finds into a bundle; raises RefusedError, UsageError.

    ``give`` may leave something out of the records as they are shown. What a person asked for is
    exported by ``subjects.answer`` alone, which sees to it that nobody else is among it:
    ``answering`` says that it does.
    """

    def answered(case: Case, _: Scope) -> None:
        if case.category == SUBJECT and not answering:
            raise UsageError("a person's request is answered with `partywall dsr answer`")

    asked = desk.asking(person, Act.EXPORT, case_id, question, also=answered)
    records, gone = desk.everything(person, asked.case, asked.scope, tell)
    records = desk.count(person, case_id, records, asked.scope, whole=True).records
    versions = tuple(sorted(set(records["policy"].to_list()) - {0}))
    with swept(office.folder, desk.cases.gate.store):
        path = office.folder / f"{case_id}-{asked.written.index:06}.zip"
        contents = Contents(
            case=case_id,
            requester=person.name,
            reason=asked.case.category,
            made=dt.datetime.fromtimestamp(desk.cases.gate.now(), dt.UTC),
            records=give(shown(records, asked.scope).drop(RECORD)),
            scope=asked.scope.canonical(),
            scope_sha256=asked.scope.digest(),
            policy=office.terms,
            policy_versions=versions,
            custody=_custody(desk, case_id, records),
            audit=_proof(office.log, asked),
        )
        written = write(path, contents, office.signer)
        try:
            _enter(desk, person, case_id, path, written)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return Exported(path, written, gone)


def _enter(desk: Desk, person: Person, case_id: str, path: Path, written: Written) -> None:
    """Write the bundle's digest into log and case; raises RefusedError where that has ended."""
    gate = desk.cases.gate
    with gate.store.writing() as store:
        case, now = store.case(case_id), gate.now()
        why = why_not(person, Act.EXPORT, case, now)
        if case is None or why is not None:
            raise RefusedError(why or "the case is gone")
        facts: dict[str, Fact] = {
            "bundle": path.name,
            "sha256": written.sha256,
            "records": written.records,
        }
        entry = gate.write(person, "case.export", "done", case_id, facts)
        store.add(case_id, KIND, person.name, now, orjson.dumps({**facts, "bytes": written.bytes}))
        store.remember(case_id, Done(entry.index, entry.leaf, "export", person.name, now))


def _custody(desk: Desk, case_id: str, records: pl.DataFrame) -> tuple[Custody, ...]:
    with desk.cases.gate.store.reading() as store:
        done = store.history(case_id)
    links = [
        Custody(dt.datetime.fromtimestamp(one.at, dt.UTC), one.actor, f"case.{one.act}",
                {"entry": one.entry, "leaf": one.leaf})
        for one in done
    ]  # fmt: skip
    said = [
        Custody(dt.datetime.fromtimestamp(one.at, dt.UTC), "partywall", "records.corrected",
                {"records": one.records, "statement": one.statement})
        for one in corrections(desk.cases.gate.store, records)
    ]  # fmt: skip
    now = dt.datetime.fromtimestamp(desk.cases.gate.now(), dt.UTC)
    collected = Custody(now, "partywall", "evidence.collected", {"records": records.height})
    return (*links, *said, collected)


def _proof(log: AuditLog, asked: Asked) -> dict[str, object]:
    return {**asdict(log.proof(asked.written.index))}
