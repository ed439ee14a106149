"""What must be true of each act after a kill in the middle of it, and after it was done again."""

from __future__ import annotations

from collections import Counter
from typing import Final

import orjson
import pytest

from pipeline.cases.life import State
from pipeline.errors import RefusedError
from pipeline.investigations.bundles import KIND as EXPORT
from pipeline.vault.check import check
from tests.support.killed_acts import (
    ACTS,
    HELD,
    LINES,
    NEW,
    NOTE,
    OLD,
    PERSON,
    YESTERDAY,
    held,
    listed,
    of,
    state,
)
from tests.support.killed_folder import Folder, names_key
from tests.support.killing import House
from tests.unit.cases.making import INVESTIGATOR
from tests.unit.investigations.making import ABUSER, Bureau

_ALL: Final = [*map(bytes.decode, LINES)]
_AFTER: Final = [*map(bytes.decode, NEW), *of(HELD, OLD)]
"""What can be read once yesterday's key is gone: today's, and what a hold keeps."""
_NOT_YET: Final = "is not in the manifest"
"""What may lie in the vault after a kill: a file that never came to count."""


class Checks(Folder):
    """Looks at one folder in which one act was cut off: ``left_ACT``, then ``ended_ACT``."""

    def __init__(self, house: House, act: str) -> None:
        super().__init__(house)
        self.act = act

    def run(self, *, done: bool) -> None:
        """Look, do the act again, look again. ``done``: it had come to its end."""
        self.audit(mended=False)
        assert [one for one in check(str(self.vault)) if _NOT_YET not in one] == []
        gone = self.keys_unopened()
        with self.opened() as made:
            self.whole(made, settled=False)
            getattr(self, f"left_{self.act}")(made, done=done, gone=gone)
            ACTS[self.act](made, self.names)
            self.whole(made, settled=self.act in {"export", "purge", "due"})
            getattr(self, f"ended_{self.act}")(made)
        self.audit(mended=True)
        assert check(str(self.vault)) == []
        assert [*self.house.folder.rglob("*.tmp")] == []

    # Approval

    def left_approve(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        case = self.names["approve"]
        assert gone == set()
        found = state(made, case)
        assert found in {State.REQUESTED, State.OPEN}
        assert found is State.OPEN or not done
        if found is State.REQUESTED:
            with pytest.raises(RefusedError):
                made.lines_of(case)
            with pytest.raises(RefusedError):
                made.desk.keys.session(case, INVESTIGATOR.name)

    def ended_approve(self, made: Bureau) -> None:
        case = self.names["approve"]
        assert made.lines_of(case) == of(ABUSER)
        with made.desk.cases.gate.store.reading() as store:
            found = store.case(case)
            assert found is not None
            [request] = found.requests
            assert [one.by for one in request.decisions] == ["approver"]
            assert [d.act for d in store.history(case)].count("approve") == 1

    # Export

    def left_export(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        case = self.names["export"]
        assert gone == set()
        with made.desk.cases.gate.store.reading() as store:
            assert store.shown(case) in {0, len(of(ABUSER))}
            listed = len(store.added(case, EXPORT))
        assert listed == 1 or (listed == 0 and not done)
        assert sum(e.case == case and e.outcome == "done" for e in made.entries("case.export")) <= 1

    def ended_export(self, made: Bureau) -> None:
        case = self.names["export"]
        with made.desk.cases.gate.store.reading() as store:
            assert store.shown(case) == len(of(ABUSER)), "each record is counted once"
            rows = [orjson.loads(row.text) for row in store.added(case, EXPORT)]
        assert len(rows) in {1, 2}
        assert {row["records"] for row in rows} == {len(of(ABUSER))}

    # End of a case

    def left_close(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        case = self.names["close"]
        assert gone == set()
        found = state(made, case)
        assert found in {State.OPEN, State.CLOSED}
        assert found is State.CLOSED or not done
        if found is State.CLOSED:
            with pytest.raises(RefusedError):
                made.desk.keys.session(case, INVESTIGATOR.name)

    def ended_close(self, made: Bureau) -> None:
        case = self.names["close"]
        assert state(made, case) is State.CLOSED
        with pytest.raises(RefusedError):
            made.lines_of(case)
        with pytest.raises(RefusedError):
            made.desk.keys.session(case, INVESTIGATOR.name)

    def left_purge(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        case = self.names[self.act]
        assert gone == set()
        found = state(made, case)
        assert found in {State.CLOSED, State.PURGED}
        assert found is State.PURGED or not done
        with made.desk.cases.gate.store.reading() as store:
            notes = [row.text.decode() for row in store.added(case, "note")]
        assert notes == ([NOTE] if found is State.CLOSED else [])

    def ended_purge(self, made: Bureau) -> None:
        case = self.names[self.act]
        assert state(made, case) is State.PURGED
        assert [*made.office.folder.glob(f"{case}-*")] == []
        with made.desk.cases.gate.store.reading() as store:
            assert store.half_purged() == []
        told = [e.outcome for e in made.entries("case.purge") if e.case == case]
        assert told[0] == "allowed"
        assert told[-1] == "done"

    left_due, ended_due = left_purge, ended_purge

    # Holds

    def left_place(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        case = self.names["place"]
        assert gone == set()
        known = held(made, case)
        keyed = {one.name: one.records for one in listed(made) if one.case == case}
        assert keyed.keys() <= known.keys(), "no key of a hold that its case does not know of"
        assert {e.facts["hold"] for e in made.entries("keys.hold")} >= keyed.keys()
        assert set(keyed.values()) <= {0, len(of(ABUSER))}
        placed = [name for name, said in known.items() if said == "placed"]
        assert placed or not done
        for name in placed:
            assert keyed[name] == len(of(ABUSER))
        assert sorted(self.everything(made)) == sorted(_ALL), "no record twice, none hidden"

    def ended_place(self, made: Bureau) -> None:
        case = self.names["place"]
        [hold] = [one for one in listed(made) if one.case == case]
        assert hold.records == len(of(ABUSER))
        assert held(made, case) == {hold.name: "placed"}
        said = [e for e in made.entries("case.hold") if e.outcome == "done" and e.case == case]
        assert said
        assert sorted(self.everything(made)) == sorted(_ALL)

    def left_release(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        assert gone == set()
        name = self.names["name"]
        said = held(made, self.names["release"])[name]
        assert said in {"ordered", "releasing", "released"}
        assert said == "released" or not done
        there = name in {one.name for one in listed(made)}
        assert there or said != "ordered", "its key went before anybody agreed"
        assert not (there and said == "released")
        assert sorted(self.everything(made)) == sorted(_ALL), "what is not held hides for no hold"

    def ended_release(self, made: Bureau) -> None:
        name = self.names["name"]
        assert name not in {one.name for one in listed(made)}
        assert held(made, self.names["release"])[name] == "released"
        assert not (self.vault / f"hold-{name}").exists()
        self.has_one_receipt(made, f"hold-{name}")
        assert sorted(self.everything(made)) == sorted(_ALL)

    # Erasure

    def left_erase(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        assert gone == set()
        found = Counter(self.everything(made))
        others = Counter(_ALL) - Counter(of(PERSON))
        assert others <= found <= Counter(_ALL), "nobody else's record is lost, none is twice"
        assert found == others or not done

    def ended_erase(self, made: Bureau) -> None:
        found = Counter(self.everything(made))
        assert found == Counter(_ALL) - Counter(of(PERSON))
        with made.desk.cases.gate.store.reading() as store:
            said = [orjson.loads(r.text) for r in store.added(self.names["erase"], "erasure")]
        assert {one["records"] for one in said} == {len(of(PERSON))}

    # Keys

    def left_destroy(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        assert gone <= {"old"}
        assert gone or not done
        lines = Counter(self.everything(made))
        # The service has finished meanwhile what was ordered.
        left = {n for n in ("old", "new") if made.store.private_key(self.names[n]) is None}
        assert gone <= left <= {"old"}
        assert lines == Counter(_AFTER if left else _ALL)

    def ended_destroy(self, made: Bureau) -> None:
        assert Counter(self.everything(made)) == Counter(_AFTER)
        self.has_one_receipt(made, self.names["old"])
        assert not [r for r in made.store.receipts() if names_key(r, self.names["new"])]
        with made.desk.cases.gate.store.reading() as store:
            assert store.ordered(YESTERDAY) is None

    def left_expire(self, made: Bureau, *, done: bool, gone: set[str]) -> None:
        assert gone == {"old", "new"} or not done
        if not gone and not made.store.receipts():
            assert Counter(self.everything(made)) == Counter(_ALL)

    def ended_expire(self, made: Bureau) -> None:
        for key_id in (self.names["old"], self.names["new"], f"live/{YESTERDAY}"):
            self.has_one_receipt(made, key_id)
        assert [key.kind for key in made.store.alive() if key.kind != "hold"] == []
        assert made.store.overdue() == 0
