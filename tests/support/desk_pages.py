"""The desk's pages over real cases and a real audit log; only the vault is a handful of records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
from starlette.types import ASGIApp

from pipeline import policy
from pipeline.audit.signing import read_signer
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Directory, Person, Role
from pipeline.investigations.desk import Desk, Keep, Tell
from pipeline.investigations.export import Office as Exports
from pipeline.investigations.narrowing import Question
from pipeline.investigations.paging import Page, Place
from pipeline.investigations.records import RECORDS
from pipeline.investigations.segments import Effort
from pipeline.investigations.showing import shown
from pipeline.investigations.trail import Trail
from pipeline.settings import Investigations
from pipeline.web.app import make_app
from pipeline.web.pages import PAGES, Work
from pipeline.web.people import PeopleSignIn
from tests.support.pages import ORIGIN, Book, Browser, Moment
from tests.unit.cases.making import NOON, PEOPLE, Office

ADDRESS: Final = "192.0.2.7"
OTHER: Final = Person("other", frozenset({Role.INVESTIGATOR}), "spam")
"""An investigator alone, who sees nobody else's cases."""
AGENT: Final = "secret-agent/1.0"
TARGET: Final = "/login?user=somebody"


def records(count: int) -> pl.DataFrame:
    """Return records of one address, a second apart (columns RECORDS)."""
    start = int(NOON.timestamp()) - 7_200
    values: dict[str, object] = {
        "partition": "logs.web-0", "site": "shop", "source": "access", "ingest": "live",
        "outcome": "event", "policy": 1, "address": ADDRESS, "method": "POST", "target": TARGET,
        "status": 401, "bytes": 98, "agent": AGENT, "raw": b"the whole of the line",
    }  # fmt: skip
    rows = [{**values, "offset": n, "line": 0, "time": start + n} for n in range(count)]
    whole = [{name: row.get(name) for name in RECORDS} for row in rows]
    return pl.DataFrame(whole, schema=RECORDS)


class SmallDesk(Desk):
    """A desk over a few records; permission, counting and writing down are the real ones."""

    found: pl.DataFrame = records(3)
    failure: Exception | None = None

    def approve(
        self, person: Person, case_id: str, reason: str = "", *, seen: int | None = None
    ) -> Case:
        return self.cases.approve(person, case_id, reason, seen=seen)

    def emergency(self, person: Person, case_id: str, reason: str) -> Case:
        return self.cases.emergency(person, case_id, reason)

    def close(self, person: Person, case_id: str, reason: str = "") -> Case:
        return self.cases.close(person, case_id, reason)

    def deny(self, person: Person, case_id: str, reason: str, *, seen: int | None = None) -> Case:
        return self.cases.deny(person, case_id, reason, seen=seen)

    def search(
        self,
        person: Person,
        case_id: str,
        question: Question,
        *,
        size: int = 200,
        since: Place | None = None,
        tell: Tell = lambda _hour, _effort: None,
        keep: Keep = lambda records: records,
    ) -> Page:
        asked = self.asking(person, Act.SEARCH, case_id, question)
        tell(asked.scope.first, Effort())
        if self.failure is not None:
            raise self.failure
        past = 0 if since is None else since.past
        rows = keep(self.found)[past : past + size]
        read = self.count(person, case_id, rows, asked.scope)
        more = Place(None, past + size) if past + size < self.found.height else None
        most = asked.scope.most_records
        return Page(shown(read.records, asked.scope), more, read.total, most, 0, Effort())

    def everything(
        self, person: Person, case: Case, scope: object, tell: Tell
    ) -> tuple[pl.DataFrame, int]:
        del person, case, scope, tell
        return self.found, 0


@dataclass
class DeskHouse:
    """The pages of the desk in this process; ``office`` has its cases and its clock."""

    folder: Path
    origin: str = ORIGIN
    book: Book = field(default_factory=Book)
    moment: Moment = field(default_factory=Moment)
    app: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self.office = Office(self.folder)
        made = policy.load()
        evidence = self.folder / "evidence"
        self.desk = SmallDesk(self.office.cases, None, None, made, evidence)  # type: ignore[arg-type]
        places = self.office.places
        signer = read_signer(places.key)
        trail = Trail(self.office.gate, places.folder, signer.verifier, (places.witness,))
        exports = Exports(self.folder / "evidence", signer, self.office.log, made, b"policy: 1\n")
        self.work = Work(self.desk, exports, trail, made.current.investigations)
        self.app = make_app(
            Investigations(),
            PeopleSignIn(lambda: Directory({p.name: p for p in (*PEOPLE, OTHER)})),
            self.work,
            PAGES,
            origin=self.origin,
            audit=self.book,
            clock=self.office.clock,
            stopwatch=self.moment.stopwatch,
            alarms=self.work.alarms,
        )

    async def person(self, name: str) -> Browser:
        """Return the browser of somebody who has signed in, on the start page."""
        browser = Browser(self)
        await browser.sign_in(name)
        await browser.get("/")
        return browser

    def said(self, *acts: str) -> list[tuple[str, str, str]]:
        """Return (actor, act, outcome) of the entries of these acts, of all where there are none.

        Looks at a case are passed over unless they are asked for.
        """
        return [
            (entry.actor, entry.act, entry.outcome)
            for entry in self.office.entries()
            if entry.act in acts or (not acts and entry.act != "case.show")
        ]
