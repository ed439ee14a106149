"""Each destruction has a signed receipt and an audit entry first, and may stop anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import REGISTRY

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog, Written
from pipeline.audit.signing import Signer
from pipeline.database import Database
from pipeline.errors import IntegrityError, UnavailableError, UsageError
from pipeline.keys import receipts
from pipeline.keys.rules import DAY, GRACE, HOUR, seconds
from pipeline.keys.store import Store
from pipeline.labels import LIVE
from tests.support.databases import Place
from tests.unit.keys.making import (
    NOON,
    SIGNER,
    TODAY,
    Hands,
    log_in,
    serving,
    store_at,
    wrapped,
)


class Books:
    """An audit log that can be full, and says what was asked of it."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log
        self.full = False

    def append(self, entry: Entry) -> Written:
        if self.full:
            raise UnavailableError("audit log: No space left on device")
        return self.log.append(entry)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def books(place: Place, clock: Hands) -> Books:
    return Books(log_in(place.folder, clock))


@pytest.fixture
def store(place: Place, clock: Hands, books: Books) -> Iterator[Store]:
    made = store_at(place, clock, log=books)
    yield made
    made.close()


def test_a_receipt_says_what_died_when_why_and_under_which_policy(
    store: Store, clock: Hands, books: Books
) -> None:
    sealing = store.sealing()
    store.pseudonym_keys(LIVE, [TODAY])
    clock.turn(hours=36)
    assert store.expire() == 1
    clock.turn(days=88, hours=12)
    assert store.expire() == 1
    [first, second] = store.receipts()
    said = receipts.read(SIGNER.verifier, first.note)
    assert said == {
        "at": seconds(NOON) + 36 * HOUR,
        "policy": 1,
        "why": "retention",
        "keys": [
            {
                "kind": "pseudonym",
                "ingest": LIVE,
                "day": TODAY,
                "due": (TODAY + 2) * DAY,
                "key": receipts.key_digest(f"{LIVE}/{TODAY}"),
            }
        ],
    }
    [key] = second.told["keys"]
    assert (key["kind"], key["key"]) == ("sealing", receipts.key_digest(sealing.key_id))
    assert sealing.key_id.encode() not in second.note, "the id itself is in no receipt"
    entries = dict(books.log.entries())
    for receipt in (first, second):
        assert receipt.entry is not None
        entry = entries[receipt.entry]
        assert (entry.act, entry.actor, entry.outcome) == ("keys.destroy", "keys", "allowed")
        assert entry.facts["receipt"] == receipt.digest == receipts.digest_of(receipt.note)
        assert receipt.leaf == books.log.proof(receipt.entry).leaf
        assert receipt.done is not None
        assert receipt.wiped is not None


def test_a_receipt_that_another_signed_or_that_was_changed_is_told(store: Store) -> None:
    store.pseudonym_keys("b1", [5])
    store.end_ingest("b1")
    [receipt] = store.receipts()
    other = Signer(SIGNER.name, Ed25519PrivateKey.generate()).verifier
    with pytest.raises(IntegrityError):
        receipts.read(other, receipt.note)
    for place in range(len(receipt.note)):
        changed = bytearray(receipt.note)
        changed[place] ^= 1
        with pytest.raises(IntegrityError):
            receipts.read(SIGNER.verifier, bytes(changed))


def test_another_kind_of_note_is_no_receipt() -> None:
    with pytest.raises(IntegrityError, match="no receipt"):
        receipts.read(SIGNER.verifier, SIGNER.sign("partywall sealing key 1\n{}\n"))


def test_without_its_audit_entry_nothing_is_destroyed_and_nothing_lent(
    store: Store, clock: Hands, books: Books, place: Place
) -> None:
    store.pseudonym_keys(LIVE, [TODAY])
    doomed = wrapped(place, "pseudonym_keys", "wrapped")
    clock.turn(hours=36)
    books.full = True
    for _ in range(3):
        with pytest.raises(UnavailableError, match="No space"):
            store.expire()
    assert wrapped(place, "pseudonym_keys", "wrapped") == doomed
    assert store.pseudonym_keys(LIVE, [TODAY]) == {TODAY: None}
    books.full = False
    assert store.expire() == 1
    assert len(store.receipts()) == 1, "the receipt of the first try was carried out"
    assert [entry.act for _, entry in books.log.entries()] == ["keys.destroy"]


@contextmanager
def power_cut(monkeypatch: pytest.MonkeyPatch, after: int) -> Iterator[list[str]]:
    """Let the ``after``-th step and all behind it fail; yields the steps that were begun."""
    begun: list[str] = []

    def cut(what: str) -> None:
        begun.append(what)
        if len(begun) > after:
            raise UnavailableError("cut")

    writing, wipe, append = Database.writing, Database.wipe, Books.append

    @contextmanager
    def cut_writing(self: Database) -> Iterator[object]:
        cut("write")
        with writing(self) as connection:
            yield connection

    def cut_wipe(self: Database, *tables: str) -> None:
        cut("wipe")
        wipe(self, *tables)

    def cut_append(self: Books, entry: Entry) -> Written:
        cut("tell")
        return append(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", cut_writing)
        patch.setattr(Database, "wipe", cut_wipe)
        patch.setattr(Books, "append", cut_append)
        yield begun


@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize("act", ["expire", "end", "hold"])
def test_what_stops_half_way_is_finished_by_the_next_start(
    place: Place, clock: Hands, books: Books, monkeypatch: pytest.MonkeyPatch, act: str, after: int
) -> None:
    """Cut after each step in turn: no key survives, none is lent, none has two receipts."""
    before = store_at(place, clock, log=books)
    before.sealing()
    before.pseudonym_keys("b1", range(3))
    before.hold_key("h-1", "case-1")
    doomed = wrapped(place, "hold_keys" if act == "hold" else "pseudonym_keys", TABLE_OF[act])
    clock.turn(hours=48)
    acts: dict[str, Callable[[Store], int]] = {
        "expire": Store.expire,
        "end": lambda store: store.end_ingest("b1"),
        "hold": lambda store: store.release_hold("h-1"),
    }
    with power_cut(monkeypatch, after) as begun:
        try:
            acts[act](before)
            finished = True
        except UnavailableError:
            finished = False
    assert finished == (len(begun) <= after)
    before.close()

    again = store_at(place, clock, log=books)
    if not finished:
        lent = act == "hold" and again.private_key("hold-h-1") is not None
        assert not (lent and again.receipts()), "what is ordered is lent no more"
        acts[act](again)
    assert acts[act](again) == 0
    assert again.overdue() == 0
    named = [key["key"] for receipt in again.receipts() for key in receipt.told["keys"]]
    assert len(named) == len(set(named)) == (1 if act == "hold" else 3)
    assert all(r.entry is not None and r.done and r.wiped for r in again.receipts())
    at_rest = place.bytes_at_rest()
    assert not [key for key in doomed if key in at_rest]
    if act == "hold":
        with pytest.raises(UsageError, match="released"):
            again.hold_key("h-1", "case-1")
    else:
        assert set(again.pseudonym_keys("b1", range(3)).values()) == {None}
    told = [entry for _, entry in books.log.entries() if entry.act == "keys.destroy"]
    assert len(told) in {1, 2}
    assert len({entry.facts["receipt"] for entry in told}) == 1
    again.close()


TABLE_OF = {"expire": "wrapped", "end": "wrapped", "hold": "wrapped_private"}


def test_two_services_that_expire_at_once_write_one_receipt_for_a_key(
    place: Place, clock: Hands, store: Store, books: Books
) -> None:
    """The second begins when the first has ordered and not yet destroyed."""
    store.pseudonym_keys(LIVE, [TODAY])
    clock.turn(hours=36)
    other = store_at(place, clock, log=books)
    books.full = True
    with pytest.raises(UnavailableError):
        store.expire()
    with pytest.raises(UnavailableError):
        other.expire()
    books.full = False
    assert other.expire() + store.expire() == 1
    assert len(store.receipts()) == 1
    other.close()


def test_many_keys_have_several_receipts(
    store: Store, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "MOST_KEYS", 40)
    store.pseudonym_keys("b1", range(100))
    assert store.end_ingest("b1") == 100
    assert sorted(len(r.told["keys"]) for r in store.receipts()) == [20, 40, 40]
    assert len(list(books.log.entries())) == 3


def test_a_key_of_the_same_day_that_came_later_is_not_the_one_in_the_receipt(
    store: Store, clock: Hands, books: Books, place: Place
) -> None:
    """A receipt names a key, not a day."""
    first = store.sealing()
    books.full = True
    with pytest.raises(UnavailableError):
        store.destroy_day(TODAY)
    [receipt] = store.receipts()
    database = place.open()
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE sealing_keys SET key_id = 'another'")
    database.close()
    books.full = False
    assert store.expire() == 0
    assert [r.digest for r in store.receipts()] == [receipt.digest]
    assert store.private_key("another") is not None
    assert store.private_key(first.key_id) is None
    del clock


# --- the alarm


def test_a_missed_destruction_is_counted_once_its_grace_is_over(
    store: Store, clock: Hands, books: Books
) -> None:
    store.pseudonym_keys("b1", [5, 6])
    store.hold_key("h-1", "case-1")
    clock.turn(hours=48)
    assert store.overdue() == 0
    clock.turn(seconds=GRACE)
    assert store.overdue() == 2
    books.full = True
    with pytest.raises(UnavailableError):
        store.expire()
    clock.turn(seconds=GRACE)
    assert store.overdue() == 3, "two keys, and a receipt that is not carried out"
    books.full = False
    store.expire()
    assert store.overdue() == 0


def test_a_missed_destruction_is_in_status_metric_and_log(
    place: Place, clock: Hands, store: Store, books: Books
) -> None:
    store.pseudonym_keys("b1", [5])
    clock.turn(hours=49)
    books.full = True
    service = serving(store, clock, place.folder, {"split": "x" * 40}, books)
    with structlog.testing.capture_logs() as lines:
        service.turn()
    assert REGISTRY.get_sample_value("partywall_keys_overdue") == 1
    assert store.status()["overdue"] == 1
    said = [line["event"] for line in lines if line["log_level"] == "error"]
    assert "keys are overdue: their destruction was missed" in said
    assert "keys that are due could not be destroyed" in said
    books.full = False
    service.turn()
    assert REGISTRY.get_sample_value("partywall_keys_overdue") == 0
    assert store.status()["overdue"] == 0


def test_a_hold_s_key_is_never_overdue_and_has_no_end(store: Store, clock: Hands) -> None:
    store.hold_key("h-1", "case-1")
    clock.turn(days=4000)
    store.expire()
    [key] = store.alive()
    assert (key.kind, key.hold, key.case, key.until) == ("hold", "h-1", "case-1", None)
    assert store.overdue() == 0
    assert replace(key, kind="hold") == key
