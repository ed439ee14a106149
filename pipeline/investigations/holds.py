"""Legal holds: a case's records sealed once more, to a key that no schedule destroys.

A hold is asked for by the case's requester, approved by a second person, and then placed. Only the
records in the case's scope are copied, seen by nobody; the day's own key dies on its day. What is
copied lies in the vault in a folder called as the hold's key, a chain of one entry: a hold is in
place once that entry is, and placing it again finds it there. It is released by two people; its key
goes first, and then its files.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import orjson
import polars as pl

from pipeline import sealed
from pipeline.audit.entry import Fact
from pipeline.cases.life import Case, Kind, Request
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.cases.permission import Weighed
from pipeline.cases.reading import Reading
from pipeline.cases.writing import Writing
from pipeline.errors import UsageError
from pipeline.investigations.alone import alone
from pipeline.investigations.desk import Desk, Tell
from pipeline.investigations.held import Hold, kept_by
from pipeline.investigations.narrowing import Question
from pipeline.investigations.records import PLACED
from pipeline.keys.material import SealingKey
from pipeline.restricted import seal_records
from pipeline.scope import MOST_RECORDS, Scope
from pipeline.vault.building import built
from pipeline.vault.manifest import HOLD, Chain, Entry
from pipeline.vault.segments import Segment
from pipeline.vault.storage import Storage

KIND: Final = "hold"
"""What the case store calls what is said of a hold.

Its ``state`` is ``begun`` before it has a key, then ``placed``, ``ordered`` (its release),
``releasing`` and ``released``. So there is no key of a hold that its case does not know of.
"""
_NEW: Final[dict[str, Any]] = {"state": "begun"}

_TO_SEAL: Final = (
    "raw", "address", "offset", "line", "site", "label", "ingest", "format", "outcome", "reason",
    "policy", "hour",
)  # fmt: skip


def place(
    desk: Desk, person: Person, case_id: str, tell: Tell = lambda _hour, _effort: None
) -> Hold:
    """Carry out the hold that was approved last for a case; raises RefusedError, UsageError."""
    with desk.cases.gate.store.reading() as store:
        case = store.case(case_id)
        request = _approved(case, store)
    name = "" if request is None else f"{case_id}-{request.number}"
    facts: dict[str, Fact] = {"hold": name}

    def waits(_: Case, __: Scope) -> None:
        if request is None:
            raise UsageError(
                "no hold waits to be placed: ask for one with `partywall hold ask`, and have it "
                "approved with `partywall case approve`"
            )

    asked = desk.asking(person, Act.HOLD, case_id, Question(), facts, waits)
    assert request is not None  # noqa: S101 -- the act was weighed
    with alone(desk.turns):
        _begin(desk, person, case_id, name)
        approver = request.approvals[-1].by
        key = desk.keys.place_hold(name, case_id, request.by, approver)
        vault = desk.search_in.vault
        chain, gone = Chain(vault, key.key_id), 0
        _clear(vault, key.key_id)
        if chain.head().next == 0:
            parts, height = [pl.DataFrame(schema=PLACED)], 0
            for records, lost in desk.placed(person, asked.case, asked.scope, tell):
                parts.append(records)
                gone += lost
                height += records.height
                if height > MOST_RECORDS:
                    raise UsageError(
                        f"a hold keeps {MOST_RECORDS:,} records at most: narrow the case"
                    )
            _keep(vault, chain, pl.concat(parts), key)
    kept = kept_by(vault, key.key_id)
    _say(desk, person, case_id, {"hold": name, "state": "placed", "records": kept, "gone": gone})
    return Hold(name, case_id, desk.cases.gate.now(), kept)


def order_release(desk: Desk, person: Person, case_id: str, name: str, reason: str) -> None:
    """Order that a hold be released; a second person agrees to it. Raises RefusedError."""
    if not reason.strip():
        raise UsageError("--reason: say why the hold is to be released")
    facts: dict[str, Fact] = {"hold": name}

    def weigh(store: Writing, _: Case, __: int) -> Weighed:
        return Weighed(facts, reason.encode(), _no_such(store, case_id, name))

    with desk.cases.gate.act(person, Act.RELEASE, case_id, weigh=weigh) as going:
        said = {"hold": name, "state": "ordered", "team": person.team, "by": person.name}
        going.store.add(case_id, KIND, person.name, going.now, orjson.dumps(said))


def release(desk: Desk, person: Person, case_id: str, name: str) -> None:
    """Agree to a release and carry it out: the key goes, then the files. Raises RefusedError."""
    facts: dict[str, Fact] = {"hold": name}
    said: dict[str, Any] = {}

    def weigh(store: Writing, _: Case, __: int) -> Weighed:
        why = _no_such(store, case_id, name)
        if why is None:
            said.update(states(store, case_id)[name])
            why = _not_second(person, said)
        return Weighed(facts, None, why)

    with desk.cases.gate.act(person, Act.AGREE, case_id, weigh=weigh) as going:
        going.store.add(
            case_id, KIND, person.name, going.now, orjson.dumps({**said, "state": "releasing"})
        )
    with alone(desk.turns):
        desk.keys.release_hold(name, str(said["by"]), person.name)
        _remove(desk.search_in.vault, f"{HOLD}{name}")
    _say(desk, person, case_id, {"hold": name, "state": "released"})


def states(store: Reading, case_id: str) -> dict[str, dict[str, Any]]:
    """Return what was last said of each hold of a case."""
    found: dict[str, dict[str, Any]] = {}
    for one in store.added(case_id, KIND):
        said = orjson.loads(one.text)
        found[said["hold"]] = said
    return found


def _no_such(store: Reading, case_id: str, name: str) -> str | None:
    said = states(store, case_id).get(name)
    if said is None or said["state"] == "released":
        return "there is no such hold: `partywall hold list` names those there are"
    return None


def _not_second(person: Person, said: Mapping[str, Any]) -> str | None:
    if said["state"] not in {"ordered", "releasing"}:
        return "nobody has ordered that: a privacy officer does, with `partywall hold release`"
    same = person.name.casefold() == str(said["by"]).casefold()
    if same or (said["team"] is not None and person.team == said["team"]):
        return "a release is for a second person, of another team than whoever ordered it"
    return None


def _begin(desk: Desk, person: Person, case_id: str, name: str) -> None:
    """Have the case know of a hold before there is a key or a copy that it would not know of."""
    gate = desk.cases.gate
    with gate.store.writing() as store:
        if name not in states(store, case_id):
            said = orjson.dumps({"hold": name, "state": "begun"})
            store.add(case_id, KIND, person.name, gate.now(), said)


def _approved(case: Case | None, store: Reading) -> Request | None:
    """Return the newest approved hold that is not placed yet, or was not to its end."""
    if case is None:
        return None
    placed = states(store, case.id)
    waiting = [
        one
        for one in case.requests
        if one.kind is Kind.HOLD
        and one.state == "approved"
        and placed.get(f"{case.id}-{one.number}", _NEW)["state"] == "begun"
    ]
    return waiting[-1] if waiting else None


def _keep(vault: Storage, chain: Chain, records: pl.DataFrame, key: SealingKey) -> None:
    """Seal records to the hold's key, a segment for all of them, and enter it into the chain."""
    segment, messages = Segment(), 0
    sources: dict[str, tuple[int, int]] = {}
    named = records.rename({"source": "label"}).sort("folder", "partition", "sealed")
    for group, part in named.group_by(["folder", "partition", "sealed"], maintain_order=True):
        folder, partition, hour = group
        source = f"{folder}/{partition}"
        lines = part.select(*_TO_SEAL).sort("offset", "line")
        for message in seal_records(lines, key, source=source, hour=int(str(hour))):
            batch = sealed.decode(message)
            segment.add(batch, sealed.index_rows(batch))
            sources[source] = max(batch.header.last, sources.get(source, (0, 0)))
            messages += 1
    stem = f"{key.key_id}/segments/{0:020}-{secrets.token_hex(8)}"
    entry = Entry(0, max(messages - 1, 0), None, None, sources)
    if segment.frames:
        made = built(segment, stem)
        for name, data in made.files.items():
            vault.put(name, data)
        entry = Entry(0, messages - 1, None, made.segment, sources, made.counts, made.held)
    chain.append(entry)


def _clear(vault: Storage, folder: str) -> None:
    """Remove what a placing that was cut off has left: files that its chain does not name.

    Only for whoever is alone in placing.
    """
    for part in ("segments", "manifest"):
        vault.clean(f"{folder}/{part}")
    segments = [one.segment for one in Chain(vault, folder).entries() if one.segment is not None]
    named = {name for segment in segments for name in segment.names}
    for name in vault.names(f"{folder}/segments"):
        if f"{folder}/segments/{name}" not in named:
            vault.remove(f"{folder}/segments/{name}")


def _remove(vault: Storage, folder: str) -> None:
    """Remove a hold's files, the chain first: what no chain names, no look-up misses.

    Half done, it can be done again.
    """
    for name in reversed(vault.names(f"{folder}/manifest")):
        vault.remove(f"{folder}/manifest/{name}")
    vault.drop(folder)


def _say(desk: Desk, person: Person, case_id: str, said: dict[str, Any]) -> None:
    gate = desk.cases.gate
    gate.write(person, "case.hold", "done", case_id, said)
    with gate.store.writing() as store:
        store.add(case_id, KIND, person.name, gate.now(), orjson.dumps(said))
