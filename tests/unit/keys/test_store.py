"""Keys are made once, wrapped at rest, and leave nothing behind when they are destroyed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from pipeline import policy
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys.kek import is_repeated
from pipeline.keys.rules import DAY, HOUR, Rules, seconds
from pipeline.keys.store import Store
from pipeline.keys.tables import sealing_keys
from pipeline.labels import LIVE
from pipeline.policy import Policy, Retention, Version
from pipeline.zones import Zones
from tests.support.databases import Place, sqlite_in
from tests.unit.keys.making import NOON, RULES, TODAY, Hands, store_at, store_in, wrapped


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def store(place: Place, clock: Hands) -> Iterator[Store]:
    made = store_at(place, clock)
    yield made
    made.close()


def key_of(store: Store, ingest: str, day: int) -> bytes | None:
    found = store.pseudonym_keys(ingest, [day])[day]
    return None if found is None else found.key


def test_a_day_has_one_sealing_key_and_the_next_day_another(store: Store, clock: Hands) -> None:
    first = store.sealing()
    assert (first.day, first.expires) == (TODAY, (TODAY + 1) * DAY)
    assert store.sealing() == first
    clock.turn(hours=12)
    second = store.sealing()
    assert second.day == TODAY + 1
    assert {second.key_id, second.public, second.token_key}.isdisjoint(
        {first.key_id, first.public, first.token_key}
    )


def test_the_private_half_belongs_to_the_public_one(store: Store) -> None:
    key = store.sealing()
    private = store.private_key(key.key_id)
    assert private is not None
    assert (
        X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw() == key.public
    )
    assert store.private_key("unknown") is None
    assert store.token_keys() == {key.key_id: key.token_key}


def test_pseudonym_keys_differ_by_ingest_and_day_and_stay(store: Store) -> None:
    keys = {(i, d): key_of(store, i, d) for i in (LIVE, "b1", "b2") for d in (TODAY, TODAY - 1)}
    assert len(set(keys.values())) == 6
    assert keys == {(i, d): key_of(store, i, d) for i, d in keys}
    assert all(key is not None and len(key) == 32 for key in keys.values())


@pytest.mark.parametrize(
    ("day", "made"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_live_keys_are_made_for_days_still_in_their_hours(
    store: Store, day: int, made: bool
) -> None:
    assert (key_of(store, LIVE, TODAY + day) is not None) == made


def test_a_backfill_gets_keys_for_any_past_day_but_none_for_one_ahead(store: Store) -> None:
    assert key_of(store, "b1", 0) is not None
    assert key_of(store, "b1", -1) is None
    assert key_of(store, "b1", TODAY + 2) is None


def test_no_live_key_is_lent_48_hours_after_its_day_began(store: Store, clock: Hands) -> None:
    assert key_of(store, LIVE, TODAY) is not None
    clock.turn(hours=35, minutes=59, seconds=59)
    assert key_of(store, LIVE, TODAY) is not None
    clock.turn(seconds=1)
    assert key_of(store, LIVE, TODAY) is None, "even before it is destroyed"
    assert store.expire() == 1
    assert key_of(store, LIVE, TODAY) is None, "and none is made anew"


def test_a_backfill_s_key_dies_48_hours_after_it_was_made_and_is_not_made_again(
    store: Store, clock: Hands
) -> None:
    assert key_of(store, "b1", TODAY - 900) is not None
    clock.turn(hours=48)
    assert key_of(store, "b1", TODAY - 900) is None
    assert store.expire() == 1
    assert key_of(store, "b1", TODAY - 900) is None, "a second key would count its visitors twice"
    assert key_of(store, "b1", TODAY - 899) is not None


def test_the_end_of_an_ingest_destroys_its_keys_at_once(store: Store, place: Place) -> None:
    for ingest in ("b1", "b2"):
        store.pseudonym_keys(ingest, range(100))
    kept = wrapped(place, "pseudonym_keys", "wrapped")
    assert store.end_ingest("b1") == 100
    at_rest = place.bytes_at_rest()
    left = set(wrapped(place, "pseudonym_keys", "wrapped"))
    assert len(left) == 100
    assert all((key in at_rest) == (key in left) for key in kept)
    assert key_of(store, "b1", 5) is None
    assert key_of(store, "b2", 5) is not None
    assert store.end_ingest("b1") == 0


def test_destroyed_keys_leave_no_byte_in_the_store(
    store: Store, clock: Hands, place: Place
) -> None:
    """However pages were split and filled: keys of many ingests, destroyed in turns."""
    doomed: list[bytes] = []
    for round_number in range(6):
        for ingest in range(12):
            store.pseudonym_keys(f"b{round_number}-{ingest}", range(ingest, ingest + 25))
        store.pseudonym_keys(LIVE, [TODAY + round_number])
        store.sealing()
        doomed += wrapped(place, "pseudonym_keys", "wrapped")
        clock.turn(hours=13)
        store.expire()
        at_rest = place.bytes_at_rest()
        left = set(wrapped(place, "pseudonym_keys", "wrapped"))
        assert not [key for key in set(doomed) - left if key in at_rest]
        assert all(key in at_rest for key in left), "the search itself works"
    sealing = wrapped(place, "sealing_keys", "wrapped_private")
    tokens = wrapped(place, "sealing_keys", "wrapped_token")
    clock.turn(days=100)
    store.expire()
    at_rest = place.bytes_at_rest()
    assert len(sealing) > 2
    assert not [key for key in {*doomed, *sealing, *tokens} if key in at_rest]
    assert store.alive() == []


def test_a_sealing_key_and_its_token_key_die_together_after_the_vault_s_days(
    store: Store, clock: Hands
) -> None:
    key = store.sealing()
    [alive] = store.alive()
    assert (alive.kind, alive.day, alive.until) == ("sealing", TODAY, (TODAY + 90) * DAY)
    clock.turn(days=89, hours=11, minutes=59)
    assert store.expire() == 0
    assert store.private_key(key.key_id) is not None
    clock.turn(minutes=1)
    assert store.private_key(key.key_id) is None, "even before it is destroyed"
    assert store.token_keys() == {}
    assert store.expire() == 1


def test_nothing_unwrapped_lies_in_the_store(store: Store, place: Place) -> None:
    key = store.sealing()
    secret = store.private_key(key.key_id)
    lent = key_of(store, LIVE, TODAY)
    at_rest = place.bytes_at_rest()
    assert secret is not None
    assert lent is not None
    for hidden in (secret, lent, key.token_key, (place.folder / "kek").read_bytes()):
        assert hidden not in at_rest
    assert key.public in at_rest


def test_keys_outlive_the_service(place: Place, clock: Hands) -> None:
    first = store_at(place, clock)
    sealing, lent = first.sealing(), first.pseudonym_keys(LIVE, [TODAY])
    first.close()
    second = store_at(place, clock)
    assert (second.sealing(), second.pseudonym_keys(LIVE, [TODAY])) == (sealing, lent)
    second.close()


def test_two_services_on_one_store_lend_the_same_keys(place: Place, clock: Hands) -> None:
    one, two = store_at(place, clock), store_at(place, clock)
    assert one.sealing() == two.sealing()
    assert one.pseudonym_keys("b", range(9)) == two.pseudonym_keys("b", range(9))
    one.close()
    two.close()


def test_what_a_reader_holds_back_is_wiped_at_the_next_try(
    tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=10"))
    place = sqlite_in(tmp_path)
    store = store_at(place, clock)
    store.pseudonym_keys("b1", range(50))
    doomed = wrapped(place, "pseudonym_keys", "wrapped")
    reader = sqlite3.connect(tmp_path / "keys.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM pseudonym_keys").fetchone()
    clock.turn(hours=49)
    with pytest.raises(UnavailableError, match="wiped at the next try"):
        store.expire()
    reader.close()
    assert store.expire() == 0
    at_rest = place.bytes_at_rest()
    assert not [key for key in doomed if key in at_rest]
    store.close()


def test_files_are_for_the_service_alone(tmp_path: Path, clock: Hands) -> None:
    store = store_in(tmp_path, clock)
    store.sealing()
    assert {path.name for path in tmp_path.iterdir()} >= {"kek", "keys.sqlite", "keys.sqlite-wal"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    store.close()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "exactly 32 bytes"),
        (b"short", "exactly 32 bytes"),
        (bytes(range(33)), "exactly 32 bytes"),
        (bytes(32), "repeated pattern"),
        (b"abcd" * 8, "repeated pattern"),
        (bytes(range(1, 33)), "not the one this store was made with"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_key_encryption_key_is_refused_by_name(
    place: Place, clock: Hands, content: bytes | None, told: str
) -> None:
    store_at(place, clock).close()
    kek = place.folder / "kek"
    kek.unlink()
    if content is not None:
        kek.write_bytes(content)
        kek.chmod(0o600)
    with pytest.raises(SettingsError, match=told):
        store_at(place, clock)
    assert not content or kek.read_bytes() == content


def test_a_key_encryption_key_others_may_read_is_refused(tmp_path: Path, clock: Hands) -> None:
    store_in(tmp_path, clock).close()
    (tmp_path / "kek").chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        store_in(tmp_path, clock)


@given(st.binary(min_size=1, max_size=16), st.integers(2, 4))
def test_any_repetition_is_no_key(pattern: bytes, times: int) -> None:
    assert is_repeated(pattern * times)
    assert not is_repeated(bytes(range(32)))


def test_a_damaged_key_is_told_and_not_guessed_at(store: Store) -> None:
    key = store.sealing()
    with store.database.writing() as connection:
        connection.execute(update(sealing_keys).values(wrapped_private=bytes(40)))
    with pytest.raises(IntegrityError, match="damaged"):
        store.private_key(key.key_id)


def test_a_file_that_is_no_store_is_told(tmp_path: Path, clock: Hands) -> None:
    (tmp_path / "keys.sqlite").write_bytes(b"no database" * 100)
    (tmp_path / "kek").write_bytes(bytes(range(32)))
    (tmp_path / "kek").chmod(0o600)
    with pytest.raises(IntegrityError, match="no SQLite file"):
        store_in(tmp_path, clock)


@pytest.mark.parametrize(("hours", "days"), [(24, 90), (49, 90), (0, 90), (48, 0)])
def test_a_policy_that_cannot_be_kept_is_refused(hours: int, days: int) -> None:
    version = Version(1, NOON, frozenset(), 10, Retention(24, hours, days, 9))
    with pytest.raises(SettingsError, match="policy"):
        Rules.of(Policy((version,)))


def test_a_shorter_retention_acts_on_keys_that_exist(place: Place, clock: Hands) -> None:
    before = store_at(place, clock)
    before.sealing()
    before.close()
    rules = Rules(RULES.pseudonymous, 1 * DAY)
    after = store_at(place, clock, rules=rules)
    clock.turn(hours=12)
    assert after.expire() == 1
    after.close()


@given(st.integers(0, 30_000), st.integers(-3 * 24, 3 * 24))
def test_no_pseudonym_key_is_lent_beyond_48_hours(day: int, hours: int) -> None:
    now = day * DAY + hours * HOUR
    if RULES.may_make(LIVE, day, now):
        assert now < day * DAY + 48 * HOUR
        assert day * DAY <= now + DAY
    assert RULES.pseudonym_due("backfill", day, now) == now + 48 * HOUR


def test_a_key_counts_from_where_its_day_begins_first(place: Place, clock: Hands) -> None:
    """In Auckland a day begins 13 hours before UTC's at that time of the year."""
    zones = Zones.named("UTC", {"sheep": "Pacific/Auckland", "shop": "Europe/Berlin"})
    rules = Rules.of(policy.load(), zones, seconds(NOON))
    store = store_at(place, clock, rules=rules)
    clock.turn(hours=-12)
    assert store.pseudonym_keys(LIVE, [TODAY])[TODAY] is not None
    clock.turn(hours=34)
    assert store.pseudonym_keys(LIVE, [TODAY])[TODAY] is not None
    clock.turn(hours=1)
    assert store.pseudonym_keys(LIVE, [TODAY])[TODAY] is None
    store.close()


def test_another_zone_lets_no_key_live_longer(place: Place, clock: Hands) -> None:
    """A day that began in Auckland ends in time, also when nobody lives by that clock any more."""
    auckland = Rules.of(policy.load(), Zones("Pacific/Auckland"), seconds(NOON))
    clock.turn(hours=-12)
    first = store_at(place, clock, rules=auckland)
    assert first.pseudonym_keys(LIVE, [TODAY])[TODAY] is not None
    first.close()
    clock.turn(hours=1)
    moved = store_at(place, clock)
    assert moved.pseudonym_keys(LIVE, [TODAY + 1])[TODAY + 1] is not None
    clock.turn(hours=33)
    assert moved.pseudonym_keys(LIVE, [TODAY])[TODAY] is not None
    clock.turn(hours=1)
    assert moved.pseudonym_keys(LIVE, [TODAY])[TODAY] is None
    assert moved.overdue() == 0
    clock.turn(hours=36)
    assert moved.pseudonym_keys(LIVE, [TODAY + 1])[TODAY + 1] is not None
    moved.close()


def test_clocks_too_far_apart_for_a_key_are_refused() -> None:
    """The last clock would be in the middle of a day whose key is due by the first one."""
    zones = Zones.named("Pacific/Kiritimati", {"shop": "Pacific/Pago_Pago"})
    with pytest.raises(SettingsError, match=r"windows.zones: .* far apart"):
        Rules.of(policy.load(), zones, seconds(NOON))


def test_nothing_secret_shows_in_a_repr(store: Store) -> None:
    sealing = store.sealing()
    [lent] = store.pseudonym_keys(LIVE, [TODAY]).values()
    assert lent is not None
    shown = f"{sealing!r} {lent!r} {store!r} {store.alive()!r}"
    for secret in (sealing.token_key, lent.key):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
