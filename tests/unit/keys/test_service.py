"""The service lends what the split may have, to the split alone, and never a private key."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys.client import KeyClient, Patience
from pipeline.keys.store import Store
from pipeline.labels import LIVE
from tests.unit.keys.making import TODAY, Hands, pinned, serving, store_in

TOKEN = "a-token-of-the-role-split-000000001"


class Served:
    """A service on a Unix socket, with its store and clock."""

    def __init__(self, folder: Path) -> None:
        self.clock = Hands()
        self.store: Store = store_in(folder, self.clock)
        self.folder = folder
        self.service = serving(self.store, self.clock, folder, {"split": TOKEN})
        self.socket = folder / "sock"
        self.url = f"unix://{self.socket}"
        self.waits: list[float] = []

    async def _wait(self, wait: float) -> None:
        self.waits.append(wait)

    def client(self, token: str = TOKEN, url: str | None = None) -> KeyClient:
        patience = Patience(4, self._wait)
        return KeyClient(url or self.url, token, self.clock, patience, pinned(self.folder))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    server = Served(tmp_path)
    await server.service.start(server.url)
    yield server
    await server.service.stop()
    server.store.close()


async def get(
    served: Served, path: str, method: str = "GET", token: str | None = TOKEN
) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(served.socket))) as session,
        session.request(method, f"http://keys{path}", headers=headers) as response,
    ):
        return response.status, await response.text()


ROUTES = [
    ("GET", "/v1/split/sealing"),
    ("GET", f"/v1/split/pseudonym?ingest=live&days={TODAY}"),
    ("GET", "/v1/status"),
    ("POST", "/v1/expire"),
    ("POST", "/v1/ingest/b1/end"),
]


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/v1/private"), ("GET", "/")])
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x"])
async def test_no_route_answers_without_the_token(
    served: Served, method: str, path: str, token: str | None
) -> None:
    status, body = await get(served, path, method, token)
    assert status == 401
    assert TOKEN not in body


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_answer_holds_a_private_key(served: Served, method: str, path: str) -> None:
    private = served.store.private_key(served.store.sealing().key_id)
    assert private is not None
    status, body = await get(served, path, method)
    assert status == 200
    for shown in (base64.b64encode(private).decode(), private.hex()):
        assert shown not in body


async def test_the_client_lends_what_the_store_holds(served: Served) -> None:
    async with served.client() as client:
        assert await client.sealing() == served.store.sealing()
        wanted = [TODAY, TODAY - 1, TODAY - 2, TODAY + 1, TODAY + 2]
        keys = await client.pseudonym_keys(LIVE, wanted)
        held = served.store.pseudonym_keys(LIVE, wanted)
        assert keys == {day: key and key.key for day, key in held.items()}
        assert [day for day in wanted if keys[day] is None] == [TODAY - 2, TODAY + 2]


async def test_many_days_are_asked_for_in_several_requests(served: Served) -> None:
    async with served.client() as client:
        keys = await client.pseudonym_keys("b1/odd ?&", range(TODAY - 1_000, TODAY))
    assert len(set(keys.values())) == 1_000


async def test_days_that_are_gone_answer_410(served: Served) -> None:
    path = "/v1/split/pseudonym?ingest=live&days="
    assert (await get(served, f"{path}{TODAY - 2}"))[0] == 410
    assert (await get(served, f"{path}{TODAY - 2},{TODAY}"))[0] == 200


@pytest.mark.parametrize(
    "query", ["", "ingest=live", "ingest=&days=1", "ingest=b&days=x", "days=1"]
)
async def test_a_question_that_is_none_answers_400(served: Served, query: str) -> None:
    assert (await get(served, f"/v1/split/pseudonym?{query}"))[0] == 400


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ("99999999999999999999", "2932896 at most"),
        (str(2**63), "2932896 at most"),
        (f"{TODAY},2932897", "2932896 at most"),
        ("-1", "1 to 400 numbers"),
        ("1_0", "1 to 400 numbers"),
        ("9" * 5000, "1 to 400 numbers"),
        (f"{TODAY},", "1 to 400 numbers"),
        (",".join(["1"] * 401), "1 to 400 numbers"),
    ],
)
async def test_days_that_are_none_answer_400_and_say_why(
    served: Served, days: str, why: str
) -> None:
    status, body = await get(served, f"/v1/split/pseudonym?ingest=b1&days={days}")
    assert (status, why in body) == (400, True)


async def test_the_first_and_the_last_day_are_days(served: Served) -> None:
    """Neither has a key, and that is an answer."""
    assert (await get(served, "/v1/split/pseudonym?ingest=live&days=0,2932896"))[0] == 410


async def test_live_does_not_end(served: Served) -> None:
    assert (await get(served, "/v1/ingest/live/end", "POST"))[0] == 400


async def test_kept_keys_need_no_service_until_they_expire(served: Served) -> None:
    async with served.client() as client:
        sealing = await client.sealing()
        keys = await client.pseudonym_keys(LIVE, [TODAY, TODAY - 2])
        await served.service.stop()
        assert await client.sealing() is sealing
        assert await client.pseudonym_keys(LIVE, [TODAY, TODAY - 2]) == keys
        served.clock.turn(hours=12)
        with pytest.raises(UnavailableError):
            await client.sealing()
        served.clock.turn(hours=24)
        with pytest.raises(UnavailableError):
            await client.pseudonym_keys(LIVE, [TODAY])


async def test_a_day_ahead_is_asked_for_again_and_one_behind_is_not(served: Served) -> None:
    async with served.client() as client:
        assert await client.pseudonym_keys(LIVE, [TODAY + 2]) == {TODAY + 2: None}
        served.clock.turn(hours=13)
        assert (await client.pseudonym_keys(LIVE, [TODAY + 2]))[TODAY + 2] is not None


async def test_after_the_end_of_an_ingest_its_keys_are_gone_on_both_sides(served: Served) -> None:
    async with served.client() as client:
        assert (await client.pseudonym_keys("b1", [5]))[5] is not None
        await client.end_ingest("b1")
        assert await client.pseudonym_keys("b1", [5]) == {5: None}


async def test_an_absent_service_is_waited_for_with_growing_patience(served: Served) -> None:
    await served.service.stop()
    async with served.client() as client:
        with pytest.raises(UnavailableError, match="does not answer"):
            await client.sealing()
    assert served.waits == [0.1, 0.2, 0.4]


async def test_a_service_that_comes_back_is_found(tmp_path: Path) -> None:
    server = Served(tmp_path)

    async def start(_: float) -> None:
        await server.service.start(server.url)

    pin = pinned(tmp_path)
    async with KeyClient(server.url, TOKEN, server.clock, Patience(2, start), pin) as client:
        assert (await client.sealing()).day == TODAY
    await server.service.stop()
    server.store.close()


async def test_a_refused_token_is_a_person_s_mistake(served: Served) -> None:
    async with served.client(token="another") as client:
        with pytest.raises(SettingsError, match="refuses our token"):
            await client.sealing()
    assert served.waits == []


async def test_tcp_serves_as_well(tmp_path: Path) -> None:
    server = Served(tmp_path)
    url = await server.service.start("http://127.0.0.1:0")
    async with server.client(url=url) as client:
        assert (await client.sealing()).day == TODAY
    with pytest.raises(SettingsError, match="cannot listen"):
        await serving(server.store, server.clock, tmp_path, {"split": TOKEN}).start(url)
    await server.service.stop()
    server.store.close()


async def test_a_second_service_leaves_the_socket_to_the_first(served: Served) -> None:
    """As when `run keys` is typed beside a group: whoever holds the socket goes on serving."""
    second = serving(served.store, served.clock, served.folder, {"split": TOKEN})
    with pytest.raises(SettingsError, match=r"one runs at .* already: stop it first"):
        await second.start(served.url)
    async with served.client() as client:
        assert (await client.sealing()).day == TODAY


async def test_a_killed_service_s_socket_is_no_hindrance(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / "sock"))
    server = Served(tmp_path)
    await server.service.start(server.url)
    async with server.client() as client:
        assert (await client.sealing()).day == TODAY
    await server.service.stop()
    server.store.close()


async def test_the_socket_is_for_the_service_alone(served: Served) -> None:
    assert served.socket.stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_hands_its_group_down_shares_the_socket_with_it(tmp_path: Path) -> None:
    """As systemd makes it: the folder decides who gets as far as the socket."""
    door = tmp_path / "door"
    door.mkdir()
    door.chmod(0o2750)
    server = Served(tmp_path)
    await server.service.start(f"unix://{door}/sock")
    assert (door / "sock").stat().st_mode & 0o777 == 0o660
    await server.service.stop()
    server.store.close()


async def test_status_and_expiry_over_http_show_no_material(served: Served) -> None:
    async with served.client() as client:
        await client.sealing()
        [key] = (await client.pseudonym_keys(LIVE, [TODAY])).values()
        assert key is not None
        status = await client.status()
        assert base64.b64encode(key).decode() not in str(status)
        assert [entry["kind"] for entry in status["keys"]] == ["sealing", "pseudonym"]  # type: ignore[attr-defined]
        served.clock.turn(hours=36)
        assert await client.expire() == {"destroyed": 1}


async def test_what_is_due_is_destroyed_without_being_asked(tmp_path: Path) -> None:
    server = Served(tmp_path)
    server.store.pseudonym_keys(LIVE, [TODAY])
    server.clock.turn(hours=36)
    await server.service.start(server.url)
    await get(server, "/v1/status")  # gives the periodic task its turn
    assert server.store.alive() == []
    await server.service.stop()
    server.store.close()


@pytest.mark.parametrize(
    "tokens", [{}, {"split": "short"}, {"split": TOKEN, "other": TOKEN}, {"other": TOKEN}]
)
def test_missing_short_and_shared_tokens_are_refused(
    tmp_path: Path, tokens: dict[str, str]
) -> None:
    store = store_in(tmp_path, Hands())
    with pytest.raises(SettingsError, match="token"):
        serving(store, Hands(), tmp_path, tokens)
    store.close()


@pytest.mark.parametrize("url", ["ftp://x", "unix", "http://nowhere"])
async def test_a_place_that_cannot_be_listened_at_is_refused(tmp_path: Path, url: str) -> None:
    store = store_in(tmp_path, Hands())
    with pytest.raises(SettingsError):
        await serving(store, Hands(), tmp_path, {"split": TOKEN}).start(url)
    store.close()


async def test_nothing_secret_is_logged(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with served.client() as client:
        sealing = await client.sealing()
        [key] = (await client.pseudonym_keys(LIVE, [TODAY])).values()
        assert key is not None
        shown = repr(client)
    for secret in (sealing.token_key, key):
        for form in (repr(secret), base64.b64encode(secret).decode(), secret.hex()):
            assert form not in caplog.text
            assert form not in shown
    assert TOKEN not in caplog.text + shown


async def test_an_answer_that_is_none_is_told(tmp_path: Path) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        return web.json_response({"keys": {"1": {"key": "AA==", "expires": 5}}})

    app = web.Application()
    app.add_routes([web.get("/{tail:.*}", nonsense)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "sock")).start()
    async with KeyClient(f"unix://{tmp_path}/sock", TOKEN, Hands()) as client:
        with pytest.raises(IntegrityError, match="no sealing key"):
            await client.sealing()
        with pytest.raises(IntegrityError, match="no pseudonym keys"):
            await client.pseudonym_keys(LIVE, [1])
    await runner.cleanup()


async def test_a_client_that_is_asked_for_nothing_can_forget_dead_keys(served: Served) -> None:
    """A silent source must not keep keys in memory that have been destroyed elsewhere."""
    async with served.client() as client:
        await client.sealing()
        await client.pseudonym_keys(LIVE, [TODAY])
        client.forget_due()
        assert client._keys
        assert client._sealing is not None
        served.clock.turn(days=3)
        client.forget_due()
        assert not client._keys
        assert client._sealing is None
