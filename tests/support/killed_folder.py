"""What must be true of a data folder whatever act was cut off in it, and wherever."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import Final

import orjson

from pipeline.apps import keys as key_service
from pipeline.audit.findings import Kind
from pipeline.audit.places import Places
from pipeline.audit.signing import read_vkey
from pipeline.audit.verify import verify
from pipeline.cases.life import State
from pipeline.cases.reading import remembered
from pipeline.database import Database
from pipeline.evidence.verify import verify as verify_evidence
from pipeline.investigations.bundles import KIND as EXPORT
from pipeline.keys.receipts import Receipt, key_digest
from tests.support.killed_acts import YESTERDAY
from tests.support.killing import House
from tests.unit.investigations.making import Bureau, bureau, settings_in
from tests.unit.keys.making import Hands

_OPENED: Final = (State.OPEN, State.CLOSED, State.PURGED)
"""States that only an approval leads to, of the cases there are."""


class Folder:
    """Looks at one folder, as anybody finds it who opens it anew."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.names = house.names
        self.vault = house.folder / "vault"
        self.places = Places.under(house.folder)

    def opened(self) -> AbstractContextManager[Bureau]:
        return bureau(self.house.folder, self.house.store, self.house.password)

    def audit(self, *, mended: bool) -> None:
        """The log is as signed, and holds each act that the cases say was carried out."""
        where = self.house.store or str(self.house.folder / "cases" / "cases.sqlite")
        database = Database(where, "case store", self.house.password)
        try:
            expected = remembered(database)
        finally:
            database.close()
        verdict = verify(
            self.places.folder, read_vkey(self.places.vkey),
            witnesses=self.places.witnesses(), expected=expected,
        )  # fmt: skip
        wrong = [f for f in verdict.findings if mended or f.kind is not Kind.UNFINISHED]
        assert wrong == []

    def keys_unopened(self) -> set[str]:
        """Before any service runs: return the days' keys that are gone, each with its receipt.

        Every receipt that was carried out stands in the log; every key without one still opens.
        """
        clock = Hands()
        settings = settings_in(self.house.folder, self.house.store, self.house.password)
        log = key_service.audit_log(settings.audit, clock)
        store = key_service.open_store(settings, log, clock)
        try:
            receipts, entries = store.receipts(), dict(log.entries())
            for receipt in receipts:
                if receipt.done is not None or receipt.entry is not None:
                    assert receipt.entry is not None, "destroyed before the log had it"
                    entry = entries[receipt.entry]
                    assert (entry.act, entry.outcome) == ("keys.destroy", "allowed")
                    assert entry.facts["receipt"] == receipt.digest
            gone = {n for n in ("old", "new") if store.private_key(self.names[n]) is None}
            for name in gone:
                [receipt] = [r for r in receipts if names_key(r, self.names[name])]
                assert receipt.done is not None
            return gone
        finally:
            store.close()

    def whole(self, made: Bureau, *, settled: bool) -> None:
        """Whatever was agreed to or exported stands in the log, and is there whole.

        ``settled``: there is no bundle that no case lists.
        """
        approved, granted, told = set(), set(), set()
        for entry in made.entries():
            if (entry.act, entry.outcome) == ("case.approve", "allowed"):
                approved.add(entry.case)
            elif (entry.act, entry.outcome) == ("keys.grant", "allowed"):
                granted.add(entry.case)
            elif (entry.act, entry.outcome) == ("case.export", "done"):
                told.add(entry.facts["sha256"])
        listed: dict[str, str] = {}
        with made.desk.cases.gate.store.reading() as store:
            for case in store.cases():
                agreed = [d.by for r in case.requests for d in r.decisions if d.approved]
                assert (case.stored in _OPENED) == bool(agreed), "open means agreed to"
                assert case.id in approved or not agreed, "an approval without its entry"
                assert case.id not in granted or agreed, "keys without an approval"
                for row in store.added(case.id, EXPORT):
                    said = orjson.loads(row.text)
                    listed[said["bundle"]] = said["sha256"]
        assert told.issuperset(listed.values()), "a bundle without its entry"
        there = {path.name: path for path in made.office.folder.iterdir()}
        vkey = str(made.office.signer.verifier)
        for path in there.values():
            if path.suffix == ".zip":
                assert verify_evidence(path, vkey).findings == (), "half a bundle"
        for name, sha256 in listed.items():
            assert hashlib.sha256(there[name].read_bytes()).hexdigest() == sha256
        assert set(there) == set(listed) or not settled

    def everything(self, made: Bureau) -> list[str]:
        """All lines that a look-up of everything finds."""
        return made.lines_of(self.names["all"])

    def has_one_receipt(self, made: Bureau, key_id: str) -> None:
        [receipt] = [r for r in made.store.receipts() if names_key(r, key_id)]
        assert receipt.done is not None
        assert receipt.wiped is not None
        told = [e for e in made.entries("keys.destroy") if e.facts["receipt"] == receipt.digest]
        assert len(told) in {1, 2}, "an entry twice is all that a kill can leave"
        if key_id.startswith("live/"):
            assert made.store.living_pseudonym_keys([YESTERDAY]) == []
        else:
            assert made.store.private_key(key_id) is None


def names_key(receipt: Receipt, key_id: str) -> bool:
    """Tell whether a receipt is of that key."""
    return key_digest(key_id) in {key["key"] for key in receipt.told["keys"]}
