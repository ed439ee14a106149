"""Erasure of single records: what stays of their frames is sealed again, the rest is gone.

A frame is compressed and sealed as one, so a record is erased by opening its frame, leaving its
line out, and sealing the others anew to the same day's key. The new segment takes the old one's
place by an entry in the erasure list beside the chain; then the old files are removed. A copy in a
backup can be opened until the day's key is destroyed, as everything in it can.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import orjson
import polars as pl

from pipeline import envelope, sealed
from pipeline.audit.entry import Fact
from pipeline.cases.life import Case, Kind
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.subject import SUBJECT
from pipeline.errors import IntegrityError, UsageError
from pipeline.investigations.alone import alone
from pipeline.investigations.borrowing import Borrowed, borrow
from pipeline.investigations.desk import Desk, Tell
from pipeline.investigations.narrowing import Question
from pipeline.investigations.open import open_with
from pipeline.investigations.records import PLACED
from pipeline.investigations.sharing import see_one_person
from pipeline.restricted import seal_again
from pipeline.scope import Scope
from pipeline.vault.building import built, counts_of
from pipeline.vault.erasures import Erasure, Erasures, erased
from pipeline.vault.manifest import Entry
from pipeline.vault.segments import Segment
from pipeline.vault.standing import standing
from pipeline.vault.storage import Storage
from pipeline.vault.upkeep import unbind

KIND: Final = "erasure"
"""What the case store calls an erasure that was carried out."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: records that are gone, and those whose key was gone already."""

    records: int
    gone: int


def erase(
    desk: Desk, person: Person, case_id: str, tell: Tell = lambda _hour, _effort: None
) -> Erased:
    """Carry out the erasure that was approved for a person's request; raises RefusedError.

    Raises UsageError where none was approved, where a legal hold keeps one of the records, or
    where others may share what names the person.
    """
    with desk.cases.gate.store.reading() as store:
        case = store.case(case_id)
    by = _approved(case)
    facts: dict[str, Fact] = {"request": by}

    def approved(_: Case, __: Scope) -> None:
        if not by:
            raise UsageError(
                "no erasure was approved: ask with `partywall dsr erase --reason`, and have it "
                "approved with `partywall case approve`"
            )

    asked = desk.asking(person, Act.ERASE, case_id, Question(), facts, approved)
    with alone(desk.turns):
        parts, gone = [pl.DataFrame(schema=PLACED)], 0
        for records, lost in desk.placed(person, asked.case, asked.scope, tell):
            parts.append(records)
            gone += lost
        found = pl.concat(parts)
        see_one_person(found, asked.scope.selectors)
        if found["held"].any():
            raise UsageError(
                "a legal hold keeps some of these records: they stay until it is released"
            )
        vault = desk.search_in.vault
        lender = borrow(desk.keys, asked.case, person)
        for (folder, data), mine in found.group_by(["folder", "data"], maintain_order=True):
            _without(vault, str(folder), str(data), mine, by, lender)
        touched = sorted({*found["folder"].to_list(), *_touched(vault, by)})
        for name in touched:
            unbind(vault, name)
            Erasures(vault, name).finish()
        total = sum(sum(erased(vault, name, by).values()) for name in touched)
    said: dict[str, Any] = {"request": by, "records": total, "gone": gone}
    gate = desk.cases.gate
    gate.write(person, "case.erase", "done", case_id, said)
    with gate.store.writing() as writing:
        writing.add(case_id, KIND, person.name, gate.now(), orjson.dumps(said))
    return Erased(total, gone)


def _approved(case: Case | None) -> str:
    """Name the newest approved erasure of a person's request, "" where there is none."""
    if case is None or case.category != SUBJECT:
        return ""
    numbers = [
        one.number for one in case.requests if one.kind is Kind.ERASE and one.state == "approved"
    ]
    return f"{case.id}-{numbers[-1]}" if numbers else ""


def _touched(vault: Storage, by: str) -> list[str]:
    """Return the folders where a decision was carried out before, by a try that was cut off."""
    return [
        name for name in vault.folders() if name.startswith("sealed-") and erased(vault, name, by)
    ]


def _without(
    vault: Storage, folder: str, data: str, gone: pl.DataFrame, by: str, lender: Borrowed
) -> None:
    """Put a segment without these records in the place of the one that holds them."""
    entry = _entry(vault, folder, data)
    assert entry.segment is not None  # noqa: S101 -- it was found by its segment
    index = pl.read_parquet(vault.read(entry.segment.index))
    frames = pl.read_parquet(vault.read(entry.segment.data)).with_row_index("place")
    leaving = index.join(gone.select("place", "row"), on=["place", "row"], how="semi")
    staying = index.join(gone.select("place", "row"), on=["place", "row"], how="anti")
    places = leaving["place"].unique()
    segment = Segment()
    whole = frames.filter(~pl.col("place").is_in(places.implode()))
    segment.keep(whole, staying.filter(pl.col("place").is_in(whole["place"].implode())))
    for place in places.sort().to_list():
        rest = staying.filter(place=place)
        if not rest.is_empty():
            _again(segment, frames.filter(place=place), rest, lender)
    stem = f"{Erasures(vault, folder).segments}/{entry.first:020}-{secrets.token_hex(8)}"
    made = built(segment, stem) if segment.frames else None
    for name, content in ({} if made is None else made.files).items():
        vault.put(name, content)
    added = Erasures(vault, folder).append(
        Erasure(
            number=0,
            previous=None,
            by=by,
            place=entry.first,
            replaces=entry.segment.names,
            segment=None if made is None else made.segment,
            counts=() if made is None else made.counts,
            held=() if made is None else made.held,
            erased=counts_of(leaving),
        )
    )
    if not added:
        raise UsageError("another erasure is under way: try again when it has ended")


def _again(segment: Segment, frame: pl.DataFrame, rows: pl.DataFrame, lender: Borrowed) -> None:
    """Seal the lines of a frame that stay, under a fresh content key of the same day."""
    [held] = frame.to_dicts()
    header = envelope.decode_header(held["header"])
    [key] = lender.content_keys([(held["header"], held["encapsulated"])])
    [public] = lender.publics([header.key_id])
    if key is None or public is None:
        raise IntegrityError("the key of a day was destroyed meanwhile: nothing is left to erase")
    lines = open_with(key, held["header"], held["frame"], held["ciphertext"])
    raw = pl.Series("raw", lines, dtype=pl.Binary).gather(rows["row"])
    mine = rows.with_columns(raw).sort("offset", "line").select("raw", *sealed.INDEX)
    for message in seal_again(mine, header.key_id, public, source=header.source, hour=header.hour):
        batch = sealed.decode(message)
        segment.add(batch, sealed.index_rows(batch))


def _entry(vault: Storage, folder: str, data: str) -> Entry:
    for entry in standing(vault, folder):
        if entry.segment is not None and entry.segment.data == data:
            return entry
    raise IntegrityError(f"vault: {data} is in no chain any more; try again")
