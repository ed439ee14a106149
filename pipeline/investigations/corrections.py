"""Statements of persons that records about them are wrong, shown with these records from then on.

A log line says what a server wrote; it is evidence, and is not rewritten. What a person says of it
is kept with the request that it came by, until that is purged, and goes for the records in that
request's scope. Every case that shows one of these records shows the statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
import polars as pl

from pipeline import scope as scopes
from pipeline.cases.acts import CORRECTION
from pipeline.cases.store import CaseStore
from pipeline.investigations.predicate import matching


@dataclass(frozen=True, slots=True)
class Correction:
    """A statement, when it was made (seconds since 1970 UTC), and of how many of the records.

    By which request it came is not said: that is another case.
    """

    at: int
    statement: str = field(repr=False)
    records: int


def corrections(store: CaseStore, records: pl.DataFrame) -> tuple[Correction, ...]:
    """Return what persons have said of some of these records (columns RECORDS), oldest first.

    A request that names its person by a pseudonym alone is not found again once that day's key is
    gone.
    """
    if records.is_empty():
        return ()
    found = []
    with store.reading() as reading:
        added = [
            one for case in reading.holding(CORRECTION) for one in reading.added(case, CORRECTION)
        ]
    for one in added:
        said = orjson.loads(one.text)
        about = matching(records, scopes.read(said["scope"].encode()), 0)
        if about.height:
            found.append(Correction(one.at, said["statement"], about.height))
    return tuple(found)
