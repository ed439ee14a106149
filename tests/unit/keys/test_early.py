"""A day is destroyed before its time by two people's word, written down first, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.errors import RefusedError, UnavailableError
from tests.support.databases import Place
from tests.unit.keys.casework import House, asked, grant, house
from tests.unit.keys.making import TODAY


@pytest.fixture
def at(place: Place) -> Iterator[House]:
    with house(place) as built:
        yield built


def test_two_people_destroy_a_day_and_what_it_sealed_opens_no_more(at: House) -> None:
    batch = asked(at.message())
    kept = at.client.place_hold("h-1", "case-1", "investigator", "approver")
    held = asked(at.message(key=kept))
    at.clock.turn(days=1)
    at.store.sealing()
    at.client.grant(grant())
    session = at.client.session("case-1", "investigator")
    assert None not in at.client.content_keys(session, [batch, held])
    assert at.client.destroy_day(TODAY, "privacy-officer", "approver") == 1
    first, second = at.client.content_keys(session, [batch, held])
    assert first is None
    assert second is not None, "copies that a hold has placed have a key of their own"
    assert [key.day for key in at.store.alive() if key.kind == "sealing"] == [TODAY + 1]
    [receipt] = at.client.receipts()
    assert (receipt["why"], receipt["keys"][0]["due"]) == ("ordered", None)
    acts = [entry.act for entry in at.entries()]
    assert acts.index("keys.order") < acts.index("keys.destroy")
    [order] = at.entries("keys.order")
    assert (order.actor, order.facts) == ("privacy-officer", {"day": TODAY, "approver": "approver"})
    assert at.client.destroy_day(TODAY, "privacy-officer", "approver") == 0


@pytest.mark.parametrize("approver", ["privacy-officer", "Privacy-Officer"])
def test_one_person_alone_destroys_nothing(at: House, approver: str) -> None:
    at.store.sealing()
    at.clock.turn(days=1)
    with pytest.raises(RefusedError, match="another person has to"):
        at.client.destroy_day(TODAY, "privacy-officer", approver)
    assert at.outcomes("keys.order") == ["refused"]
    assert at.client.receipts() == []
    assert len(at.store.alive()) == 1


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_day_that_is_sealed_to_is_not_destroyed(at: House, ahead: int) -> None:
    """Split would go on with the public half it holds, and nobody could ever open that."""
    at.clock.turn(hours=9)
    today, tomorrow = at.store.sealing(), at.store.sealing_ahead()
    assert tomorrow is not None
    with pytest.raises(RefusedError, match="still sealed to"):
        at.client.destroy_day(TODAY + ahead, "privacy-officer", "approver")
    assert at.store.private_key(today.key_id) is not None
    assert at.store.private_key(tomorrow.key_id) is not None


def test_without_its_audit_entry_no_day_is_destroyed(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = at.store.sealing()
    at.clock.turn(days=1)

    def full(_: object) -> None:
        raise UnavailableError("audit log: No space left on device")

    monkeypatch.setattr(at.log, "append", full)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        at.client.destroy_day(TODAY, "privacy-officer", "approver")
    assert at.store.private_key(key.key_id) is not None
    assert at.store.receipts() == []
