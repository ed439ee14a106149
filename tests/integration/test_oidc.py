"""Signing in at a certified OpenID provider: the right person comes in, and nobody by a trick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx2
import orjson
import pytest

from pipeline.clock import system_clock
from pipeline.settings import Investigations, Oidc, RoleName
from pipeline.web.choice import choose
from tests.support import oidc_provider
from tests.support.kafka_server import free_ports
from tests.support.pages import ORIGIN, Browser, House, Moment, path_of

RETURN: Final = f"{ORIGIN}/sign-in/return"
SECRET: Final = "only for tests"
ACCOUNTS: Final[dict[str, dict[str, object]]] = {
    "u-1": {"groups": ["trust-and-safety"], "team": "abuse"},
    "u-2": {"groups": ["trust-and-safety-leads", "audit", "root"]},
    "u-3": {"groups": ["root", "admin"]},
    "u-4": {"team": "abuse"},
    "keys": {"groups": ["trust-and-safety"]},
}
ROLES: Final[dict[str, RoleName]] = {
    "trust-and-safety": "investigator",
    "trust-and-safety-leads": "approver",
    "audit": "auditor",
}


def _client(name: str, **more: object) -> dict[str, object]:
    return {
        "client_id": name,
        "client_secret": SECRET,
        "redirect_uris": [RETURN],
        "post_logout_redirect_uris": [f"{ORIGIN}/signed-out"],
        **more,
    }


CLIENTS: Final = [
    _client("cases"),
    _client("another"),
    _client("es", id_token_signed_response_alg="ES256"),
    _client("ed", id_token_signed_response_alg="EdDSA"),
    _client("hs", id_token_signed_response_alg="HS256"),
    _client("basic-less", token_endpoint_auth_method="none", client_secret=None),
]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    oidc_provider.need()
    log = tmp_path_factory.mktemp("provider") / "provider.log"
    clients = [{k: v for k, v in one.items() if v is not None} for one in CLIENTS]
    with oidc_provider.provider(clients, ACCOUNTS, log) as found:
        yield found


class Swap(httpx2.AsyncBaseTransport):
    """The network, which puts another ID token in the place of the one that was given."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.given: dict[str, Any] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with httpx2.AsyncHTTPTransport() as network:
            answer = await network.handle_async_request(request)
            said = orjson.loads(await answer.aread())
        if request.url.path == "/token":
            self.given = said
            said = said if self.token is None else {**said, "id_token": self.token}
        return httpx2.Response(answer.status_code, json=said)


@dataclass
class Scene:
    """Our pages, the provider, and one browser."""

    house: House
    browser: Browser
    network: Swap

    async def to_provider(self) -> str:
        """Send the sign-in form and return where it leads."""
        await self.browser.get("/sign-in")
        assert (await self.browser.post("/sign-in")).status_code == 200
        return self.browser.onward()

    async def sign_in(self, sub: str, **changed: str) -> int:
        """Sign in, with parameters of the way to the provider changed; return the status."""
        back = await oidc_provider.sign_in(_with(await self.to_provider(), **changed), sub, RETURN)
        return (await self.browser.get(path_of(back))).status_code

    @property
    def last(self) -> tuple[str, str, str, Mapping[str, object]]:
        return self.house.book.entries[-1]


def _with(url: str, **changed: str) -> str:
    parts = urlsplit(url)
    query = {k: v[0] for k, v in parse_qs(parts.query).items()} | changed
    return urlunsplit(parts._replace(query=urlencode(query)))


def _scene(issuer: str, folder: Path, client: str = "cases", **other: object) -> Scene:
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    known: dict[str, Any] = {
        "issuer": issuer,
        "client_id": client,
        "client_secret_file": secret,
        "roles_claim": "groups",
        "team_claim": "team",
        "role_map": ROLES,
        **other,
    }
    settings = Investigations(oidc=Oidc(**known), sign_ins_per_minute=100)
    moment = Moment(now=system_clock())
    network = Swap()
    sign_in = choose(settings, embedded=False, origin=ORIGIN, clock=moment, transport=network)
    house = House(settings=settings, sign_in=sign_in, moment=moment)
    return Scene(house, house.browser(), network)


@pytest.fixture
def scene(issuer: str, tmp_path: Path) -> Scene:
    return _scene(issuer, tmp_path)


async def test_the_right_person_comes_in_with_role_and_team(scene: Scene) -> None:
    assert await scene.sign_in("u-1") == 200
    assert scene.browser.onward() == "/"
    facts = {"way": "oidc", "roles": ["investigator"], "team": "abuse"}
    assert scene.last == ("login", "u-1", "allowed", facts)
    await scene.browser.get("/")
    assert "<strong>u-1</strong>" in scene.browser.text


async def test_the_way_to_the_provider_asks_for_a_code_with_pkce_state_and_nonce(
    scene: Scene,
) -> None:
    query = {k: v[0] for k, v in parse_qs(urlsplit(await scene.to_provider()).query).items()}
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == RETURN
    assert query["scope"] == "openid"
    assert min(len(query[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    again = {k: v[0] for k, v in parse_qs(urlsplit(await scene.to_provider()).query).items()}
    for name in ("state", "nonce", "code_challenge"):
        assert again[name] != query[name]


async def test_words_for_roles_that_we_do_not_know_grant_nothing(scene: Scene) -> None:
    assert await scene.sign_in("u-2") == 200
    assert scene.last[3]["roles"] == ["approver", "auditor"]


@pytest.mark.parametrize("sub", ["u-3", "u-4"])
async def test_without_a_role_of_ours_or_without_the_claim_nobody_comes_in(
    scene: Scene, sub: str
) -> None:
    assert await scene.sign_in(sub) == 403
    assert scene.last == ("login", sub, "refused", {"reason": "roles"})
    assert scene.browser.cookie("session") is None


async def test_nobody_comes_in_under_a_processs_name(scene: Scene) -> None:
    assert await scene.sign_in("keys") == 403
    assert scene.last == ("login", "unknown", "refused", {"reason": "name"})


@pytest.mark.parametrize("client", ["es", "ed"])
async def test_the_other_allowed_signatures_are_taken(
    issuer: str, tmp_path: Path, client: str
) -> None:
    assert await _scene(issuer, tmp_path, client).sign_in("u-1") == 200


async def test_a_token_under_a_shared_secret_is_refused(issuer: str, tmp_path: Path) -> None:
    scene = _scene(issuer, tmp_path, "hs")
    assert await scene.sign_in("u-1") == 403
    assert scene.last[3] == {"reason": "token"}


async def test_a_client_without_a_secret_signs_in_by_pkce_alone(
    issuer: str, tmp_path: Path
) -> None:
    scene = _scene(issuer, tmp_path, "basic-less", client_secret_file=None)
    assert await scene.sign_in("u-1") == 200


async def test_a_wrong_nonce_is_refused(scene: Scene) -> None:
    assert await scene.sign_in("u-1", nonce="planted") == 403
    assert scene.last == ("login", "unknown", "refused", {"reason": "token"})


async def test_a_token_for_another_audience_is_refused(issuer: str, tmp_path: Path) -> None:
    """The provider's own, well signed and in answer to the same nonce, but another client's."""
    mine, other = _scene(issuer, tmp_path), _scene(issuer, tmp_path, "another")
    way = await mine.to_provider()
    await other.sign_in("u-1", nonce=parse_qs(urlsplit(way).query)["nonce"][0])
    mine.network.token = other.network.given["id_token"]
    back = await oidc_provider.sign_in(way, "u-1", RETURN)
    assert (await mine.browser.get(path_of(back))).status_code == 403
    assert mine.last[3] == {"reason": "token"}


@pytest.mark.parametrize("hours", [2, -2])
async def test_an_expired_token_is_refused_and_one_of_the_future(scene: Scene, hours: int) -> None:
    """The provider's token is good for an hour, and our clock is two ahead of it, or behind."""
    scene.house.moment.move(hours=hours)
    assert await scene.sign_in("u-1") == 403
    assert scene.last[3] == {"reason": "token"}


async def test_an_answer_counts_once_for_one_browser_for_ten_minutes(scene: Scene) -> None:
    back = path_of(await oidc_provider.sign_in(await scene.to_provider(), "u-1", RETURN))
    stranger = scene.house.browser()
    await stranger.get("/sign-in")
    assert (await stranger.get(back)).status_code == 403
    assert (await scene.browser.get(back)).status_code == 200
    thief = scene.house.browser()
    assert (await thief.get(back)).status_code == 403
    assert (await scene.browser.get(back)).status_code == 403
    assert [entry[2] for entry in scene.house.book.entries] == [
        "refused",
        "allowed",
        "refused",
        "refused",
    ]
    assert scene.last[3] == {"reason": "state"}
    back = path_of(await oidc_provider.sign_in(await _anew(scene), "u-1", RETURN))
    scene.house.moment.move(minutes=10)
    assert (await scene.browser.get(back)).status_code == 403


async def _anew(scene: Scene) -> str:
    scene.browser = scene.house.browser()
    return await scene.to_provider()


async def test_a_state_seen_with_another_answer_is_refused_for_good(scene: Scene) -> None:
    """A visitor that was sent a wrong answer begins anew: the first one is used up."""
    back = path_of(await oidc_provider.sign_in(await scene.to_provider(), "u-1", RETURN))
    assert (await scene.browser.get(path_of(_with(back, state="planted")))).status_code == 403
    assert (await scene.browser.get(back)).status_code == 403
    assert {entry[3]["reason"] for entry in scene.house.book.entries} == {"state"}


async def test_another_provider_answering_is_refused(scene: Scene) -> None:
    back = await oidc_provider.sign_in(await scene.to_provider(), "u-1", RETURN)
    answer = await scene.browser.get(path_of(_with(back, iss="https://id.example.org")))
    assert answer.status_code == 403
    assert scene.last[3] == {"reason": "issuer"}


async def test_a_code_that_the_provider_never_gave_is_refused(scene: Scene) -> None:
    back = await oidc_provider.sign_in(await scene.to_provider(), "u-1", RETURN)
    assert (await scene.browser.get(path_of(_with(back, code="made-up")))).status_code == 403
    assert scene.last[3] == {"reason": "provider"}


async def test_a_wrong_client_secret_signs_nobody_in(issuer: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not it", encoding="utf-8")
    scene = _scene(issuer, tmp_path, client_secret_file=wrong)
    assert await scene.sign_in("u-1") == 403
    assert scene.last[3] == {"reason": "provider"}


async def test_nobody_comes_in_where_the_audit_log_fails_and_the_answer_is_used_up(
    scene: Scene,
) -> None:
    back = path_of(await oidc_provider.sign_in(await scene.to_provider(), "u-1", RETURN))
    scene.house.book.broken = OSError(28, "no space")
    assert (await scene.browser.get(back)).status_code == 503
    assert scene.browser.cookie("session") is None
    scene.house.book.broken = None
    assert (await scene.browser.get(back)).status_code == 403


async def test_signing_out_leads_to_the_providers_own_sign_out(scene: Scene) -> None:
    await scene.sign_in("u-1")
    await scene.browser.get("/")
    await scene.browser.post("/sign-out")
    url = scene.browser.onward()
    query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
    assert query["post_logout_redirect_uri"] == f"{ORIGIN}/signed-out"
    assert query["id_token_hint"] == scene.network.given["id_token"]
    async with httpx2.AsyncClient() as browser:
        answer = await browser.get(url)
    assert answer.status_code == 200, answer.text
    assert scene.last == ("logout", "u-1", "allowed", {})


async def test_a_provider_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    scene = _scene(f"http://127.0.0.1:{free_ports(1)[0]}", tmp_path)
    await scene.browser.get("/sign-in")
    assert (await scene.browser.post("/sign-in")).status_code == 503
    assert scene.browser.title == "Not at the moment"


async def test_a_provider_that_calls_itself_otherwise_is_not_believed(
    issuer: str, tmp_path: Path
) -> None:
    scene = _scene(issuer.replace("127.0.0.1", "localhost"), tmp_path)
    await scene.browser.get("/sign-in")
    assert (await scene.browser.post("/sign-in")).status_code == 503
