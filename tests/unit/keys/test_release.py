"""Keys go to an approved case, within its scope, while it is open; the audit log knows first."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx
import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline import envelope, policy, sealed
from pipeline.errors import (
    IntegrityError,
    RefusedError,
    SettingsError,
    UnavailableError,
    UsageError,
)
from pipeline.keys import access, answers, granting
from pipeline.keys.asking import Approval, Asked, CaseSession, Grant, Wanted
from pipeline.keys.material import Tokeniser
from pipeline.keys.release_client import Patience, ReleaseClient
from pipeline.keys.rules import DAY, HOUR
from pipeline.scope import Selectors
from pipeline.zones import Zones
from tests.support.databases import Place, sqlite_in
from tests.unit.keys.casework import (
    NOW,
    SPLIT_TOKEN,
    TOKEN,
    House,
    asked,
    emergency,
    grant,
    house,
    scope,
)
from tests.unit.keys.making import TODAY, serving
from tests.unit.sealed.records import START

INVESTIGATIONS = policy.load().current.investigations
THAT_DAY = START // DAY


@pytest.fixture
def at(place: Place) -> Iterator[House]:
    with house(place) as built:
        yield built


@pytest.fixture
def opened(at: House) -> CaseSession:
    at.client.grant(grant())
    return at.client.session("case-1", "investigator")


def opens(key: bytes | None, message: bytes) -> bool:
    """Tell whether a content key opens the first frame of a batch."""
    taken = sealed.decode(message)
    assert key is not None
    aad = sealed.frame_aad(taken.digest, 0, len(taken.frames))
    return bool(AESGCM(key).decrypt(sealed.nonce(0), taken.frames[0], aad))


# --- content keys


def test_an_approved_case_opens_a_batch_in_its_scope_and_the_log_says_so_first(
    at: House, opened: CaseSession
) -> None:
    message = at.message()
    [key] = at.client.content_keys(opened, [asked(message)])
    assert opens(key, message)
    [entry] = at.entries("keys.release")
    assert (entry.actor, entry.case, entry.outcome) == ("investigator", "case-1", "allowed")
    assert entry.facts == {
        "key_ids": [at.store.sealing().key_id],
        "batches": 1,
        "scope": scope().digest(),
    }


def test_without_its_audit_entry_no_key_is_released(
    at: House, opened: CaseSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = asked(at.message())

    def full(_: object) -> None:
        raise UnavailableError("audit log: No space left on device")

    monkeypatch.setattr(at.log, "append", full)
    with pytest.raises(UnavailableError, match="HTTP 503"):
        at.client.content_keys(opened, [batch])
    with pytest.raises(UnavailableError, match="HTTP 503"):
        at.client.grant(grant(case="case-2"))
    monkeypatch.undo()
    with pytest.raises(RefusedError):
        at.client.session("case-2", "investigator")


@pytest.mark.parametrize(
    "changes",
    [
        {"sites": ("site2",)},
        {"sites": ("site1",), "last": START},
        {"first": START + 4 * HOUR, "last": START + 9 * HOUR},
        {"first": START - 9 * HOUR, "last": START - 1},
    ],
)
def test_a_batch_outside_of_sites_or_hours_is_refused_and_so_is_all_that_was_asked_with_it(
    at: House, changes: dict[str, object]
) -> None:
    at.client.grant(grant(scope=scope(**changes)))
    session = at.client.session("case-1", "investigator")
    batch = asked(at.message())
    for wanted in ([batch], [asked(at.message([20, 22])), batch]):
        with pytest.raises(RefusedError, match="outside of the case's scope; request a wider one"):
            at.client.content_keys(session, wanted)
    assert at.outcomes("keys.release") == ["refused", "refused"]


def test_lines_without_a_time_need_a_scope_that_takes_them_in(at: House) -> None:
    message = at.message([4, 14])  # rejected lines of site0
    for number, untimed in enumerate((False, True)):
        case = f"case-{number}"
        at.client.grant(grant(case=case, scope=scope(untimed=untimed)))
        session = at.client.session(case, "investigator")
        if untimed:
            [key] = at.client.content_keys(session, [asked(message)])
            assert opens(key, message)
        else:
            with pytest.raises(RefusedError, match="outside"):
                at.client.content_keys(session, [asked(message)])


def test_a_header_that_says_other_sites_or_hours_than_were_sealed_opens_nothing(
    at: House, opened: CaseSession
) -> None:
    """The content key is bound to the header, so no other one gets it."""
    honest = asked(at.message([1, 3]))  # site1 alone
    header = envelope.decode_header(honest.head)
    forged = replace(header, spans={"site0": (START, START + HOUR)})
    with pytest.raises(IntegrityError, match="does not open"):
        at.client.content_keys(opened, [Asked(envelope.encode_header(forged), honest.encapsulated)])


@pytest.mark.parametrize("place_", range(0, 400, 37))
def test_a_damaged_header_or_key_is_told(at: House, opened: CaseSession, place_: int) -> None:
    honest = asked(at.message())
    head, key = bytearray(honest.head), bytearray(honest.encapsulated)
    head[place_ % len(head)] ^= 1
    key[place_ % len(key)] ^= 1
    for bad in (
        Asked(bytes(head), honest.encapsulated),
        Asked(honest.head, bytes(key)),
        Asked(honest.head, bytes(key)[:40]),
    ):
        try:
            found = at.client.content_keys(opened, [bad])
        except (IntegrityError, RefusedError):
            continue
        assert found == [None], "a key id that nobody has is one that was destroyed"


def test_a_destroyed_day_key_gives_nothing(at: House, opened: CaseSession) -> None:
    del opened
    batch = asked(at.message())
    at.clock.turn(days=90)
    later = NOW + 90 * DAY
    late = grant(approvals=(Approval("approver", later),), opened=later, expires=later + HOUR)
    at.client.grant(late)
    session = at.client.session("case-1", "investigator")
    assert at.client.content_keys(session, [batch]) == [None]
    assert at.client.expire() == 1
    assert at.client.content_keys(session, [batch]) == [None]


def test_more_batches_than_one_answer_takes_are_asked_for_in_parts(
    at: House, opened: CaseSession
) -> None:
    batch = asked(at.message())
    assert len(set(at.client.content_keys(opened, [batch] * 600))) == 1
    assert [entry.facts["batches"] for entry in at.entries("keys.release")] == [256, 256, 88]


# --- sessions


def test_a_case_without_a_grant_gets_no_session(at: House) -> None:
    with pytest.raises(RefusedError, match="not open; have it approved first"):
        at.client.session("case-1", "investigator")
    assert at.outcomes("keys.session") == ["refused"]


@pytest.mark.parametrize("token", ["", "forged", TOKEN, SPLIT_TOKEN])
def test_a_forged_session_is_refused_and_on_record(at: House, token: str) -> None:
    at.client.grant(grant())
    forged = CaseSession("case-1", token, NOW + HOUR)
    with pytest.raises(RefusedError, match="opens none"):
        at.client.content_keys(forged, [asked(at.message())])
    with pytest.raises(RefusedError, match="opens none"):
        at.client.tokens(forged, [Wanted("x", "site0", THAT_DAY, THAT_DAY)])
    with pytest.raises(RefusedError, match="opens none"):
        at.client.pseudonym_keys(forged)
    assert [e.outcome for e in at.entries() if e.actor == "investigations"] == ["refused"] * 3


def test_a_session_of_another_case_reaches_that_case_s_scope_alone(at: House) -> None:
    at.client.grant(grant())
    at.client.grant(grant(case="case-2", scope=scope(sites=("site9",))))
    other = at.client.session("case-2", "investigator")
    with pytest.raises(RefusedError, match="outside"):
        at.client.content_keys(replace(other, case="case-1"), [asked(at.message())])
    [refused] = [entry for entry in at.entries("keys.release") if entry.outcome == "refused"]
    assert refused.case == "case-2"


def test_a_revoked_grant_ends_what_is_under_way(at: House, opened: CaseSession) -> None:
    batch = asked(at.message())
    at.client.content_keys(opened, [batch])
    assert at.client.revoke("case-1", "approver")
    with pytest.raises(RefusedError, match="closed or changed"):
        at.client.content_keys(opened, [batch])
    with pytest.raises(RefusedError, match="not open"):
        at.client.session("case-1", "investigator")
    assert not at.client.revoke("case-1", "approver")
    assert at.outcomes("keys.release") == ["allowed", "refused"]


def test_a_session_ends_with_its_minutes_and_the_case_with_its_hours(
    at: House, opened: CaseSession
) -> None:
    batch = asked(at.message())
    at.clock.turn(minutes=15)
    with pytest.raises(RefusedError, match="has ended; open another"):
        at.client.content_keys(opened, [batch])
    at.clock.turn(hours=71, minutes=44)
    last = at.client.session("case-1", "investigator")
    assert last.expires == NOW + 72 * HOUR
    at.client.content_keys(last, [batch])
    at.clock.turn(minutes=1)
    with pytest.raises(RefusedError, match="time is over; have an extension approved"):
        at.client.content_keys(last, [batch])
    with pytest.raises(RefusedError, match="not open"):
        at.client.session("case-1", "investigator")


def test_a_wider_grant_ends_the_sessions_of_the_narrower_one(
    at: House, opened: CaseSession
) -> None:
    assert at.client.grant(grant(scope=scope(sites=("site0", "site1")))) == 2
    with pytest.raises(RefusedError, match="changed"):
        at.client.content_keys(opened, [asked(at.message())])


def test_grants_outlive_the_service_and_sessions_do_not(at: House, opened: CaseSession) -> None:
    batch = asked(at.message())
    with house(at.place) as again:
        with pytest.raises(RefusedError, match="opens none"):
            again.client.content_keys(opened, [batch])
        session = again.client.session("case-1", "investigator")
        assert again.client.content_keys(session, [batch]) != [None]


# --- grants


def test_a_repeated_grant_is_the_same_grant(at: House) -> None:
    assert [at.client.grant(grant()) for _ in range(2)] == [1, 1]
    assert at.outcomes("keys.grant") == ["allowed", "allowed"]


REFUSED: list[tuple[Grant, str]] = [
    (grant(category="curiosity"), "no such category"),
    (grant(approvals=()), "wants 1 approvers"),
    (grant(approvals=(Approval("investigator", NOW),)), "the requester approved it"),
    (grant(approvals=(Approval("approver", NOW), Approval("Investigator", NOW))), "the requester"),
    (grant(category="legal_process"), "wants 2 approvers"),
    (
        grant(
            category="legal_process",
            approvals=(Approval("approver", NOW), Approval("Approver", NOW)),
        ),
        "wants 2 approvers",
    ),
    (grant(expires=NOW + 72 * HOUR + 1), "more than 72 hours after its last approval"),
    (grant(approvals=(Approval("approver", NOW - HOUR),)), "more than 72 hours"),
    (grant(opened=NOW - 280 * HOUR), "more than 336 hours in all"),
    (grant(expires=NOW), "its time is over"),
    (grant(opened=NOW + 120), "has not begun"),
    (grant(approvals=(Approval("approver", NOW + 120),)), "dated ahead"),
    (emergency(expires=NOW + HOUR + 1), "lasts 60 minutes"),
    (emergency(opened=NOW - 20 * 60, expires=NOW + 30 * 60), "lasts 60 minutes"),
    (emergency(scope=scope(sites=("site0", "site1"))), "reaches one site"),
]


@pytest.mark.parametrize(("wanted", "told"), REFUSED)
def test_a_grant_against_the_policy_is_refused_whoever_asks(wanted: Grant, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        granting.check(wanted, None, INVESTIGATIONS, NOW)


@pytest.mark.parametrize(
    "wanted",
    [
        grant(),
        emergency(),
        grant(category="legal_process", approvals=(Approval("a", NOW), Approval("b", NOW))),
        grant(opened=NOW - 100 * HOUR),
    ],
)
def test_a_grant_by_the_policy_is_allowed(wanted: Grant) -> None:
    granting.check(wanted, None, INVESTIGATIONS, NOW)


def test_a_refused_grant_is_on_record_and_gives_nothing(at: House) -> None:
    with pytest.raises(RefusedError, match="another person has to"):
        at.client.grant(grant(approvals=(Approval("investigator", NOW),)))
    assert at.outcomes("keys.grant") == ["refused"]
    with pytest.raises(RefusedError):
        at.client.session("case-1", "investigator")


def test_an_emergency_is_a_case_s_first_grant_and_its_only_one(at: House) -> None:
    at.client.grant(emergency())
    at.client.grant(emergency())  # a repeat, as after a failure
    at.client.session("case-1", "investigator")
    at.clock.turn(hours=1)
    with pytest.raises(RefusedError, match="not open"):
        at.client.session("case-1", "investigator")
    with pytest.raises(RefusedError, match="its first, once"):
        at.client.grant(emergency(opened=NOW + HOUR, expires=NOW + 2 * HOUR))
    ratified = grant(approvals=(Approval("approver", NOW + HOUR),))
    assert at.client.grant(ratified) == 2


def test_a_closed_case_needs_an_approval_from_after_its_closing(at: House) -> None:
    at.client.grant(grant())
    at.clock.turn(hours=1)
    at.client.revoke("case-1", "investigator")
    with pytest.raises(RefusedError, match="closed after this approval"):
        at.client.grant(grant(expires=NOW + 70 * HOUR))
    at.clock.turn(hours=1)
    assert at.client.grant(grant(approvals=(Approval("approver", NOW + 2 * HOUR),))) == 2


# --- tokens


def test_tokens_are_those_of_the_scope_s_addresses_and_small_networks(
    at: House, opened: CaseSession
) -> None:
    key = at.store.sealing()
    [found] = at.client.tokens(opened, [Wanted(key.key_id, "site0", THAT_DAY, THAT_DAY)])
    token = Tokeniser(key.token_key)
    addresses = ["10.0.0.0", *(f"10.0.2.{n}" for n in range(4))]  # not those of the /16
    assert found.addresses == {token("site0", THAT_DAY, a): a for a in addresses}
    assert (found.key_id, found.site, found.day) == (key.key_id, "site0", THAT_DAY)


def test_tokens_of_addresses_that_are_named_are_theirs_alone_and_networks_may_be_large(
    at: House, opened: CaseSession
) -> None:
    """A network too large to be gone through gives the tokens of those in it that are named."""
    key = at.store.sealing()
    named = ["10.0.77.1", "10.0.0.0", "10.0.2.3"]
    wanted = [Wanted(key.key_id, "site0", THAT_DAY, THAT_DAY)]
    [found] = at.client.tokens(opened, wanted, named)
    token = Tokeniser(key.token_key)
    assert found.addresses == {token("site0", THAT_DAY, a): a for a in named}
    [entry] = at.entries("keys.tokens")
    assert entry.facts["addresses"] == 3
    assert not any(address in repr(entry) for address in named)
    [none] = at.client.tokens(opened, wanted, [])
    assert none.addresses == {}


@pytest.mark.parametrize(
    "address", ["10.1.0.0", "192.0.2.1", "2001:db8::1", "10.0.0.0/31", "", "x"]
)
def test_one_named_address_outside_of_the_scope_refuses_all_of_them(
    at: House, opened: CaseSession, address: str
) -> None:
    wanted = [Wanted(at.store.sealing().key_id, "site0", THAT_DAY, THAT_DAY)]
    with pytest.raises(RefusedError, match="outside of the case's scope"):
        at.client.tokens(opened, wanted, ["10.0.0.0", address])
    assert at.outcomes("keys.tokens") == ["refused"]


@pytest.mark.parametrize(
    ("site", "first", "last", "untimed"),
    [
        ("site1", 0, 0, False),
        ("site0", -1, 0, False),
        ("site0", 0, 1, False),
        ("site0", 1, 0, False),
        ("site0", 0, 0, True),
    ],
)
def test_tokens_outside_of_the_scope_are_refused(
    at: House, opened: CaseSession, site: str, first: int, last: int, untimed: bool
) -> None:
    key_id = at.store.sealing().key_id
    wanted = Wanted(key_id, site, THAT_DAY + first, THAT_DAY + last, untimed)
    with pytest.raises(RefusedError, match="outside of the case's scope"):
        at.client.tokens(opened, [wanted])
    assert at.outcomes("keys.tokens") == ["refused"]


def test_many_tokens_come_in_parts(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.keys.release.MOST_TOKENS", 25)
    at.client.grant(grant(scope=scope(last=START + 9 * DAY, untimed=True)))
    session = at.client.session("case-1", "investigator")
    key_id = at.store.sealing().key_id
    wanted = [Wanted(key_id, "site0", THAT_DAY, THAT_DAY + 9, untimed=True)] * 2
    found = at.client.tokens(session, wanted)
    days: list[int | None] = [*range(THAT_DAY, THAT_DAY + 10), None]
    assert [one.day for one in found] == days * 2


def test_keys_that_are_gone_have_no_tokens(at: House, opened: CaseSession) -> None:
    assert at.client.tokens(opened, [Wanted("1-none", "site0", THAT_DAY, THAT_DAY)]) == []
    assert at.client.tokens(opened, []) == []


# --- pseudonyms


def test_pseudonym_keys_go_to_a_scope_that_names_pseudonyms_for_its_days(at: House) -> None:
    midnight = TODAY * DAY
    for ingest in ("live", "b1", "b2"):
        at.store.pseudonym_keys(ingest, [TODAY - 1, TODAY])
    at.store.end_ingest("b2")
    today = scope(
        first=midnight, last=midnight + DAY - 1, selectors=Selectors(pseudonyms=("0" * 16,))
    )
    at.client.grant(grant(scope=today))
    session = at.client.session("case-1", "investigator")
    found = at.client.pseudonym_keys(session)
    assert set(found) == {("live", TODAY), ("b1", TODAY)}
    lent = at.store.pseudonym_keys("live", [TODAY])[TODAY]
    assert lent is not None
    assert found["live", TODAY] == lent.key


def test_pseudonym_keys_are_those_of_the_days_on_the_sites_clock(place: Place) -> None:
    """From 15:00 UTC on it is tomorrow in Tokyo."""
    noon = TODAY * DAY + 12 * HOUR
    named = Selectors(pseudonyms=("0" * 16,))
    with house(place, Zones.named("UTC", {"site0": "Asia/Tokyo"})) as at:
        at.store.pseudonym_keys("b1", range(TODAY - 2, TODAY + 1))
        at.store.pseudonym_keys("live", [TODAY, TODAY + 1])
        for number, (sites, last, days) in enumerate([
            (("site0",), noon + 2 * HOUR, {("live", TODAY), ("b1", TODAY)}),
            (("site0",), noon + 6 * HOUR, {("live", TODAY), ("b1", TODAY), ("live", TODAY + 1)}),
            (("site1",), noon + 6 * HOUR, {("live", TODAY), ("b1", TODAY)}),
        ]):  # fmt: skip
            case = f"case-{number}"
            of = scope(sites=sites, first=noon, last=last, selectors=named)
            at.client.grant(grant(case=case, scope=of))
            found = at.client.pseudonym_keys(at.client.session(case, "investigator"))
            assert set(found) == days


def test_pseudonym_keys_are_refused_where_none_are_named(at: House, opened: CaseSession) -> None:
    with pytest.raises(RefusedError, match="names none"):
        at.client.pseudonym_keys(opened)
    assert at.outcomes("keys.pseudonyms") == ["refused"]


def test_no_pseudonym_key_is_made_by_asking(at: House) -> None:
    far = scope(last=START + 3000 * DAY, selectors=Selectors(pseudonyms=("0" * 16,)))
    at.client.grant(grant(scope=far))
    session = at.client.session("case-1", "investigator")
    assert at.client.pseudonym_keys(session) == {}
    assert at.store.alive() == []


# --- holds


def test_a_hold_s_key_outlives_the_days_and_opens_within_a_scope(at: House) -> None:
    key = at.client.place_hold("h-1", "case-1", "investigator", "approver")
    assert key == at.client.place_hold("h-1", "case-1", "investigator", "approver")
    assert key.key_id == "hold-h-1"
    message = at.message(key=key)
    at.clock.turn(days=400)
    at.client.expire()
    later = NOW + 400 * DAY
    fresh = grant(approvals=(Approval("approver", later),), opened=later, expires=later + HOUR)
    at.client.grant(fresh)
    session = at.client.session("case-1", "investigator")
    [content] = at.client.content_keys(session, [asked(message)])
    assert opens(content, message)
    [found] = at.client.tokens(session, [Wanted(key.key_id, "site0", THAT_DAY, THAT_DAY)])
    assert found.addresses[Tokeniser(key.token_key)("site0", THAT_DAY, "10.0.0.0")] == "10.0.0.0"
    at.client.grant(replace(fresh, case="case-2", scope=scope(sites=("site9",))))
    with pytest.raises(RefusedError, match="outside"):
        at.client.content_keys(at.client.session("case-2", "investigator"), [asked(message)])


def test_a_released_hold_opens_nothing_any_more_and_leaves_a_receipt(at: House) -> None:
    key = at.client.place_hold("h-1", "case-1", "investigator", "approver")
    message = at.message(key=key)
    at.client.grant(grant())
    session = at.client.session("case-1", "investigator")
    assert [hold.hold for hold in at.client.holds()] == ["h-1"]
    assert at.client.release_hold("h-1", "investigator", "approver")
    assert at.client.holds() == []
    assert at.client.content_keys(session, [asked(message)]) == [None]
    [receipt] = at.client.receipts()
    digest = hashlib.sha256(b"hold-h-1").hexdigest()
    assert (receipt["why"], receipt["keys"][0]["key"]) == ("hold released", digest)
    assert not at.client.release_hold("h-1", "investigator", "approver")
    with pytest.raises(UsageError, match="was released"):
        at.client.place_hold("h-1", "case-1", "investigator", "approver")


def test_a_hold_takes_two_people_both_ways(at: House) -> None:
    with pytest.raises(RefusedError, match="another person"):
        at.client.place_hold("h-1", "case-1", "investigator", "Investigator")
    at.client.place_hold("h-1", "case-1", "investigator", "approver")
    with pytest.raises(RefusedError, match="another person"):
        at.client.release_hold("h-1", "approver", "approver")
    with pytest.raises(UsageError, match="belongs to another case"):
        at.client.place_hold("h-1", "case-2", "investigator", "approver")
    assert at.outcomes("keys.hold") == ["refused", "allowed", "allowed"]
    assert at.outcomes("keys.hold_release") == ["refused"]


# --- who reaches which route

ROUTES = {
    ("GET", "/v1/split/sealing"): {"split"},
    ("GET", f"/v1/split/pseudonym?ingest=live&days={TODAY}"): {"split"},
    ("POST", "/v1/ingest/b1/end"): {"split"},
    ("GET", "/v1/vkey"): {"split", "investigations"},
    ("GET", "/v1/status"): {"split", "investigations"},
    ("GET", "/v1/receipts"): {"split", "investigations"},
    ("POST", "/v1/expire"): {"split", "investigations"},
    ("POST", "/v1/cases/case-1/grant"): {"investigations"},
    ("POST", "/v1/cases/case-1/revoke"): {"investigations"},
    ("POST", "/v1/cases/case-1/session"): {"investigations"},
    ("POST", "/v1/release/tokens"): {"investigations"},
    ("POST", "/v1/release/content"): {"investigations"},
    ("POST", "/v1/release/pseudonyms"): {"investigations"},
    ("POST", "/v1/release/publics"): {"investigations"},
    ("POST", "/v1/days/20000/destroy"): {"investigations"},
    ("GET", "/v1/holds"): {"investigations"},
    ("POST", "/v1/holds/h-1"): {"investigations"},
    ("POST", "/v1/holds/h-1/release"): {"investigations"},
}


def status(at: House, method: str, path: str, token: str | None, body: object = None) -> int:
    return answer(at, method, path, token, body)[0]


def answer(
    at: House, method: str, path: str, token: str | None, body: object = None
) -> tuple[int, str]:
    transport = httpx.HTTPTransport(uds=at.url.removeprefix("unix://"))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(transport=transport, base_url="http://keys", headers=headers) as client:
        found = client.request(method, path, content=orjson.dumps(body))
        assert not any(secret in found.text for secret in at.tokens.values())
        return found.status_code, found.text


def test_each_route_is_for_its_roles_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every role and none, at every route there is: the table above and nothing else."""
    with house(sqlite_in(tmp_path_factory.mktemp("keys"))) as at:
        tokens = {**at.tokens, "nobody": "forged", "none": None}
        for (method, path), roles in ROUTES.items():
            for role, token in tokens.items():
                found, said = answer(at, method, path, token)
                if role in roles:
                    at_door = found == 403 and "session: this token opens none" not in said
                    assert not at_door, (method, path, role)
                    assert found not in {401, 404, 405}, (method, path, role)
                else:
                    assert found == (403 if role in at.tokens else 401), (method, path, role)
        served = {(r.method, r.path) for r in routes_of(at)}
        assert len(served) == len(ROUTES), "a new route is added to the table"
        refused = at.entries("keys.ask")
        assert {(e.actor, e.facts["why"]) for e in refused} == {
            ("split", "another role's"),
            ("investigations", "another role's"),
            ("keys", "no token"),
        }


def routes_of(at: House) -> list[access.Route]:
    service = serving(at.store, at.clock, at.place.folder, at.tokens, at.log)
    return service._doors._routes


def test_many_refused_requests_do_not_fill_the_log(at: House) -> None:
    for _ in range(20):
        assert status(at, "GET", "/v1/holds", "forged") == 401
    assert len(at.entries("keys.ask")) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/cases/case-1/grant", {}),
        ("/v1/cases/case-1/grant", []),
        ("/v1/cases/-/revoke", {"person": "investigator"}),
        ("/v1/cases/case-1/revoke", {"person": "a\nb"}),
        ("/v1/cases/case-1/session", {"person": ""}),
        ("/v1/cases/case-1/session", {"person": "investigator", "more": 1}),
        ("/v1/release/content", {"batches": [{"head": "?", "encapsulated": ""}]}),
        ("/v1/release/tokens", {"wanted": [{"key_id": "", "site": "x"}]}),
        ("/v1/holds/h-1", {"case": "case-1", "requester": "a"}),
    ],
)
def test_a_body_that_is_none_answers_400_without_quoting_it(
    tmp_path: Path, path: str, body: object
) -> None:
    with house(sqlite_in(tmp_path)) as at:
        assert status(at, "POST", path, TOKEN, body) == 400


def test_a_scope_that_is_not_canonical_is_no_scope(tmp_path: Path) -> None:
    body = {
        "scope": scope().canonical().decode() + " ",
        "approvals": [{"by": "approver", "at": NOW}],
        "requester": "investigator",
        "category": "abuse",
        "opened": NOW,
        "expires": NOW + HOUR,
    }
    with house(sqlite_in(tmp_path)) as at:
        assert status(at, "POST", "/v1/cases/case-1/grant", TOKEN, body) == 400


# --- the client


def test_the_role_s_token_is_a_person_s_mistake_and_an_absent_service_is_waited_for(
    at: House,
) -> None:
    waits: list[float] = []
    with (
        ReleaseClient(at.url, "wrong", Patience(3, waits.append)) as client,
        pytest.raises(SettingsError, match="investigations_token_file"),
    ):
        client.holds()
    assert waits == []
    with (
        ReleaseClient(at.url + "-none", TOKEN, Patience(4, waits.append)) as client,
        pytest.raises(UnavailableError, match="does not answer"),
    ):
        client.holds()
    assert waits == [0.1, 0.2, 0.4]


@pytest.mark.parametrize("text", ["", "AA==", "no base64", None, "A" * 45])
def test_an_answer_that_holds_no_key_is_told(text: object) -> None:
    with pytest.raises(IntegrityError, match="the answer holds no"):
        answers.key_of(text)


@pytest.mark.parametrize("body", [b"", b"[]", b"no JSON", b"1"])
def test_an_answer_that_is_no_object_is_told(body: bytes) -> None:
    with pytest.raises(IntegrityError, match="the answer is no JSON"):
        answers.taken(body)


def test_nothing_secret_shows_in_a_repr_or_in_the_open_part_of_the_log(
    at: House, opened: CaseSession
) -> None:
    message = at.message()
    [key] = at.client.content_keys(opened, [asked(message)])
    key_id = at.store.sealing().key_id
    found = at.client.tokens(opened, [Wanted(key_id, "site0", THAT_DAY, THAT_DAY)])
    assert key is not None
    shown = f"{opened!r} {at.client!r} {found!r} {asked(message)!r} {grant()!r}"
    shown += "".join(repr(entry) for entry in at.entries())
    token = next(iter(found[0].addresses))
    for secret in (key, token, at.store.sealing().token_key):
        assert base64.b64encode(secret).decode() not in shown
        assert secret.hex() not in shown
        assert repr(secret) not in shown
    for hidden in ("10.0.0.0", "10.0.2", opened.token, TOKEN):
        assert hidden not in shown


def test_no_scope_lies_in_the_clear_and_none_when_its_grant_has_ended(at: House) -> None:
    at.client.grant(grant())
    assert b"10.0.0" not in at.place.bytes_at_rest()
    at.client.grant(grant(case="case-2"))
    at.client.revoke("case-2", "investigator")
    at.clock.turn(hours=80)
    at.store.database.wipe("grants")
    released = serving(at.store, at.clock, at.place.folder, at.tokens, at.log)._release
    released.forget()
    for case in ("case-1", "case-2"):
        found = released._grants.of(case)
        assert found is not None
        assert found.scope.selectors.addresses == ()
