"""A split seals to keys that its key service signed, and tomorrow's is there before midnight."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.apps import keys as service
from pipeline.audit.signing import Signer, read_vkey, write_vkey
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys import publish
from pipeline.keys.client import KeyClient, Patience
from pipeline.keys.material import SealingKey
from pipeline.keys.pinning import Pin
from pipeline.keys.rules import AHEAD, DAY
from pipeline.keys.store import Store
from tests.unit.keys.making import SIGNER, TODAY, Hands, pinned, serving, store_in

TOKEN = "a-token-of-the-role-split-000000001"
OTHER = Signer(SIGNER.name, Ed25519PrivateKey.generate())
KEY = SealingKey(f"{TODAY}-abc", TODAY, bytes(range(32)), bytes(range(32, 64)), (TODAY + 1) * DAY)


class Served:
    """A service on a socket, and clients of it that wait for nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Hands()
        self.store: Store = store_in(folder, self.clock)
        self.service = serving(self.store, self.clock, folder, {"split": TOKEN})
        self.url = f"unix://{folder}/sock"
        self.tries = 0

    async def _count(self, _: float) -> None:
        self.tries += 1

    def client(self, pin: Pin | None) -> KeyClient:
        return KeyClient(self.url, TOKEN, self.clock, Patience(2, self._count), pin)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    server = Served(tmp_path)
    await server.service.start(server.url)
    yield server
    await server.service.stop()
    server.store.close()


# --- signatures


def test_a_key_checks_against_its_own_note() -> None:
    publish.check(SIGNER.verifier, KEY, publish.sign(SIGNER, KEY))


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": f"{TODAY}-abd"},
        {"day": TODAY + 1},
        {"expires": KEY.expires + 1},
        {"public": bytes(32)},
        {"token_key": bytes(32)},
    ],
)
def test_another_key_does_not_check_against_it(changes: dict[str, object]) -> None:
    other = replace(KEY, **changes)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError, match="for another sealing key"):
        publish.check(SIGNER.verifier, other, publish.sign(SIGNER, KEY))


def test_a_note_of_another_signer_or_of_none_is_told() -> None:
    for note in (publish.sign(OTHER, KEY), "", "partywall sealing key 1\n"):
        with pytest.raises(IntegrityError):
            publish.check(SIGNER.verifier, KEY, note)


def test_the_note_is_for_all_to_read_and_holds_no_secret() -> None:
    note = publish.sign(SIGNER, KEY)
    assert KEY.public.hex() in note
    for form in (KEY.token_key.hex(), base64.b64encode(KEY.token_key).decode()):
        assert form not in note


async def test_a_service_in_the_middle_with_keys_of_its_own_is_found_out(tmp_path: Path) -> None:
    """It knows the token and answers as the service does, but for the signature."""

    async def forged(_: web.Request) -> web.Response:
        body = {
            "key_id": KEY.key_id,
            "day": KEY.day,
            "public": base64.b64encode(KEY.public).decode(),
            "token_key": base64.b64encode(KEY.token_key).decode(),
            "expires": KEY.expires,
            "note": publish.sign(OTHER, KEY),
            "next": None,
        }
        return web.json_response(body)

    app = web.Application()
    app.add_routes([web.get("/v1/split/sealing", forged)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "sock")).start()
    client = KeyClient(f"unix://{tmp_path}/sock", TOKEN, Hands(), pin=pinned(tmp_path))
    async with client:
        with pytest.raises(IntegrityError):
            await client.sealing()
    await runner.cleanup()


# --- pins


async def test_without_a_pin_there_is_no_sealing_key(served: Served) -> None:
    async with served.client(None) as client:
        with pytest.raises(SettingsError, match=r"set keys\.verifier"):
            await client.sealing()


async def test_a_given_vkey_that_is_missing_is_told_and_not_made(served: Served) -> None:
    path = served.folder / "none.vkey"
    async with served.client(Pin.of(path, served.folder / "split.token")) as client:
        with pytest.raises(SettingsError, match=r"none\.vkey"):
            await client.sealing()
    assert not path.exists()


async def test_the_first_vkey_that_is_met_is_kept_beside_the_token_and_told(
    served: Served,
) -> None:
    pin = Pin.of(None, served.folder / "split.token")
    with structlog.testing.capture_logs() as lines:
        async with served.client(pin) as client:
            assert (await client.sealing()).day == TODAY
    [line] = [line for line in lines if "at first sight" in line["event"]]
    assert line["vkey"] == str(SIGNER.verifier)
    assert read_vkey(served.folder / "split.vkey") == SIGNER.verifier
    with structlog.testing.capture_logs() as lines:
        async with served.client(Pin.of(None, served.folder / "split.token")) as client:
            await client.sealing()
    assert lines == []


async def test_a_service_with_another_key_than_at_first_sight_is_refused(served: Served) -> None:
    write_vkey(served.folder / "split.vkey", OTHER.verifier)
    async with served.client(Pin.of(None, served.folder / "split.token")) as client:
        with pytest.raises(IntegrityError):
            await client.sealing()
    assert read_vkey(served.folder / "split.vkey") == OTHER.verifier


def test_of_two_workers_that_meet_the_service_at_once_the_first_one_s_vkey_counts(
    tmp_path: Path,
) -> None:
    first, second = (Pin.of(None, tmp_path / "split.token") for _ in range(2))
    assert first.known() is second.known() is None
    assert first.meet(str(SIGNER.verifier)) == SIGNER.verifier
    assert second.meet(str(OTHER.verifier)) == SIGNER.verifier
    with pytest.raises(IntegrityError):
        Pin.of(None, tmp_path / "other.token").meet("no vkey")


# --- ahead of time


def test_tomorrow_s_key_is_made_in_the_last_hours_of_the_day_and_stays(tmp_path: Path) -> None:
    clock = Hands()
    store = store_in(tmp_path, clock)
    assert store.sealing_ahead() is None
    clock.turn(seconds=12 * 3600 - AHEAD - 1)
    assert store.sealing_ahead() is None
    clock.turn(seconds=1)
    ahead = store.sealing_ahead()
    assert ahead is not None
    assert (ahead.day, ahead.expires) == (TODAY + 1, (TODAY + 2) * DAY)
    assert store.sealing().day == TODAY
    clock.turn(seconds=AHEAD)
    assert store.sealing() == ahead
    store.close()


async def test_the_service_makes_it_without_being_asked(served: Served) -> None:
    served.clock.turn(hours=11)
    served.service.turn()
    assert [key.day for key in served.store.alive()] == [TODAY + 1]


async def test_midnight_needs_no_service(served: Served) -> None:
    async with served.client(pinned(served.folder)) as client:
        today = await client.sealing()
        served.clock.turn(hours=5)
        assert await client.sealing() == today, "and fetches tomorrow's beside it"
        await served.service.stop()
        served.clock.turn(hours=7)
        tomorrow = await client.sealing()
        assert (tomorrow.day, tomorrow.expires) == (TODAY + 1, (TODAY + 2) * DAY)
        served.clock.turn(hours=23, minutes=59)
        assert await client.sealing() == tomorrow
        served.clock.turn(minutes=1)
        with pytest.raises(UnavailableError):
            await client.sealing()


async def test_a_service_that_is_away_in_the_evening_is_asked_again_and_not_waited_for(
    served: Served,
) -> None:
    async with served.client(pinned(served.folder)) as client:
        today = await client.sealing()
        await served.service.stop()
        served.clock.turn(hours=5)
        for _ in range(3):
            assert await client.sealing() == today
        assert served.tries == 0, "today's key serves; nobody waits"
        await served.service.start(served.url)
        served.clock.turn(minutes=5)
        assert await client.sealing() == today
        await served.service.stop()
        served.clock.turn(hours=7)
        assert (await client.sealing()).day == TODAY + 1


async def test_forgetting_keeps_tomorrow_s_key(served: Served) -> None:
    async with served.client(pinned(served.folder)) as client:
        served.clock.turn(hours=5)
        await client.sealing()
        await served.service.stop()
        served.clock.turn(hours=8)
        client.forget_due()
        assert (await client.sealing()).day == TODAY + 1
        served.clock.turn(days=1)
        client.forget_due()
        assert client._sealing is None
        assert client._next is None


async def test_a_day_s_two_keys_are_never_one(served: Served) -> None:
    """Each day has one key, however early it was made, and no day has another's."""
    async with served.client(pinned(served.folder)) as client:
        seen: dict[int, set[str]] = {}
        for _ in range(40):
            key = await client.sealing()
            seen.setdefault(key.day, set()).add(key.key_id)
            assert key.day == int(served.clock().timestamp()) // DAY
            served.clock.turn(hours=2)
    assert all(len(ids) == 1 for ids in seen.values())
    assert len({ids.copy().pop() for ids in seen.values()}) == len(seen)


def test_the_service_gives_its_vkey_out_where_split_looks_for_it(tmp_path: Path) -> None:
    own = service.signer(tmp_path / "keys/service.key")
    door = tmp_path / "door/service.vkey"
    service.give_out(own, None)
    for _ in range(2):  # a start after the first finds it there
        service.give_out(own, door)
    assert door.stat().st_mode & 0o777 == 0o644
    assert Pin.of(door, tmp_path / "split.token").known() == own.verifier
    other = service.signer(tmp_path / "others/service.key")
    with pytest.raises(SettingsError, match="another key's"):
        service.give_out(other, door)
    assert read_vkey(door) == own.verifier


def test_where_no_vkey_can_be_kept_it_is_told_what_to_set(tmp_path: Path) -> None:
    """As in a container whose token is a mounted secret, and which forgets all when it ends."""
    (tmp_path / "secrets").write_text("no folder, so nobody can write into it")
    pin = Pin.of(None, tmp_path / "secrets/split.token")
    with pytest.raises(SettingsError, match=r"keys\.verifier"):
        pin.meet(str(SIGNER.verifier))
