"""Every request ends in exactly one outcome, and in 202 only where the broker has the lines."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.collect.beacons import NOBODY
from pipeline.collect.refusals import OUTCOMES
from tests.support import collecting
from tests.support.collecting import ORIGIN, TOKEN, Broker, serving
from tests.support.heard import heard

EVENT = {"event": "opened", "v": 1, "page": "https://shop.example.com/cart"}
ONE = orjson.dumps(EVENT)
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}
BEARER = f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (ONE, [EVENT]),
        (orjson.dumps([EVENT, EVENT]), [EVENT, EVENT]),
        (orjson.dumps({"events": [EVENT, 3, None, "x", []]}), [EVENT, 3, None, "x", []]),
        (orjson.dumps({"event": "no such", "events": 7}), [{"event": "no such", "events": 7}]),
        (b"{}", [{}]),
        (rb'[{"text":"\ud83d"},{"text":"\ud83d\ude00"}]', [{"text": "?"}, {"text": "\U0001f600"}]),
    ],
    ids=["single", "array", "batch", "unknown", "empty object", "half an emoji"],
)
@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "application/json"])
async def test_each_event_becomes_a_line_as_it_was(
    body: bytes, events: list[Any], kind: str, tmp_path: Path
) -> None:
    """Nothing is judged here: what is no event of the widget is sealed by split with its reason."""
    async with serving(collecting.settings(tmp_path)) as served:
        answer = await served.post(
            "/v1/events?site=shop", body, Origin=ORIGIN, Content_Type=kind, User_Agent="Browser/1"
        )
        assert answer.status == 202
        lines = served.broker.lines
        assert [line["event"] for line in lines] == events
        assert {line["address"] for line in lines} == {"127.0.0.1"}
        assert {line["agent"] for line in lines} == {"Browser/1"}
        assert {line["privacy"] for line in lines} == {None}
        [(topic, _, headers)] = served.broker.sent
        assert topic == "logs.widget"
        assert headers.items() >= {
            "site": b"shop", "source": b"collector", "format": b"widget", "ingest": b"live"
        }.items()  # fmt: skip
        assert served.outcomes == {"acknowledged": 1}


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_packed_bodies(encoding: str, tmp_path: Path) -> None:
    pack = PACK[encoding]
    async with serving(collecting.settings(tmp_path)) as served:
        answer = await served.post("/v1/events?site=shop", pack(ONE), Content_Encoding=encoding)
        assert answer.status == 202
        assert [line["event"] for line in served.broker.lines] == [EVENT]


async def test_nobody_hears_yes_before_the_broker_has_said_it(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path), Broker("wait")) as served:
        asking = asyncio.create_task(served.post("/v1/events?site=shop", ONE))
        await served.broker.asked.wait()
        assert not asking.done()
        assert served.collector.accounts.report()["in_flight"] == 1
        served.broker.let()
        assert (await asking).status == 202


@pytest.mark.parametrize("answer", ["fail", "wait"])
async def test_a_broker_that_does_not_acknowledge(answer: str, tmp_path: Path) -> None:
    """503, and the page is told to come again; what the broker takes late is counted then."""
    made = collecting.settings(tmp_path, ack_seconds=0.05)
    async with serving(made, Broker(answer)) as served:
        response = await served.post("/v1/events?site=shop", ONE, Origin=ORIGIN)
        assert response.status == 503
        assert response.headers["Retry-After"]
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        served.broker.let()
        await served.collector._outbox.flush()
        [line] = served.collector.accounts.report()["lines"]
        assert line["outcome"] == ("failed" if answer == "fail" else "acknowledged")
        assert served.outcomes == {"unacknowledged": 1}


async def test_a_batch_that_comes_again_is_one_batch(tmp_path: Path) -> None:
    """The answer was lost on its way, or came too late: the same events are not counted twice."""
    body = orjson.dumps({"batch": "4-2-9-7", "events": [EVENT]})
    made = collecting.settings(tmp_path, ack_seconds=0.05)
    async with serving(made, Broker("wait")) as served:
        path = "/v1/events?site=shop"
        assert (await served.post(path, body)).status == 503
        assert (await served.post(path, body)).status == 503
        served.broker.let()
        assert (await served.post(path, body)).status == 202
        assert (await served.post("/v1/events?site=counted", body)).status == 202
        assert [sent[2]["site"] for sent in served.broker.sent] == [b"shop", b"counted"]
        assert served.outcomes == {"acknowledged": 1, "repeated": 1, "unacknowledged": 2}


async def test_a_batch_that_failed_is_sent_again(tmp_path: Path) -> None:
    body = orjson.dumps({"batch": "4-2-9-7", "events": [EVENT]})
    async with serving(collecting.settings(tmp_path), Broker("fail")) as served:
        assert (await served.post("/v1/events?site=shop", body)).status == 503
        served.broker.let()
        assert (await served.post("/v1/events?site=shop", body)).status == 202
        assert len(served.broker.sent) == 2


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "outcome"),
    [
        ("/v1/events", ONE, {}, 404, "unknown_site"),
        ("/v1/events?site=other", ONE, {}, 404, "unknown_site"),
        ("/v1/events?site=shop", ONE, {"Origin": "https://else.example"}, 403, "origin"),
        ("/v1/events?site=shop", ONE, {"Origin": "null"}, 403, "origin"),
        ("/v1/events?site=shop", b"{", {}, 400, "malformed"),
        ("/v1/events?site=shop", b"", {}, 400, "malformed"),
        ("/v1/events?site=shop", b"3", {}, 400, "malformed"),
        ("/v1/events?site=shop", b"[]", {}, 400, "malformed"),
        ("/v1/events?site=shop", b"[NaN]", {}, 400, "malformed"),
        ("/v1/events?site=shop", b'["\\ud83d",NaN]', {}, 400, "malformed"),
        ("/v1/events?site=shop", b"\xff\xfe", {}, 400, "malformed"),
        ("/v1/events?site=shop", b"[" * 60_000, {}, 400, "malformed"),
        ("/v1/events?site=shop", b'"\\u' + b"[" * 60_000, {}, 400, "malformed"),
        ("/v1/events?site=shop", b"[" + b"1," * 100 + b"1]", {}, 413, "too_many_events"),
        ("/v1/events?site=shop", b" " * 65_537, {}, 413, "too_large"),
        ("/v1/events?site=shop", b"\x1f\x8b", {"Content_Encoding": "gzip"}, 400, "damaged"),
        ("/v1/events?site=shop", b"plain", {"Content_Encoding": "zstd"}, 400, "damaged"),
        ("/v1/events?site=shop", ONE, {"Content_Encoding": "br"}, 415, "encoding"),
        ("/v1/logs?site=shop", b"a\n", {}, 401, "token"),
        ("/v1/logs?site=shop", b"a\n", {"Authorization": "Bearer x"}, 401, "token"),
        ("/v1/logs?site=shop", b"a\n", {"Authorization": f"Basic {TOKEN}"}, 401, "token"),
        ("/v1/logs?site=counted", b"a\n", {"Authorization": BEARER}, 404, "unknown_site"),
        ("/v1/logs?site=shop&format=a%0Ab", b"a\n", {"Authorization": BEARER}, 400, "format"),
    ],
)
async def test_what_is_refused_is_told_why_and_counted(
    path: str, body: bytes, headers: dict[str, str], status: int, outcome: str, tmp_path: Path
) -> None:
    async with serving(collecting.settings(tmp_path)) as served:
        assert (await served.post(path, body, **headers)).status == status
        assert served.outcomes == {outcome: 1}
        assert served.broker.sent == []


async def test_a_chunked_body_is_bounded_too(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    made = collecting.settings(tmp_path, max_pending_bytes=90_000)
    async with serving(made) as served:
        assert (await served.post("/v1/events?site=shop", endless())).status == 413
        assert served.outcomes == {"too_large": 1}, "it was taken into memory first"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
async def test_a_bomb_is_not_unpacked(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A thousand times its size, and no more memory is taken than the limit."""
    made = collecting.settings(tmp_path, max_lines_bytes=2**20)
    encoding = "gzip" if pack is gzip.compress else "zstd"
    bomb = pack(b" " * 2**26)
    async with serving(made) as served:
        head = {"Content_Encoding": encoding}
        assert (await served.post("/v1/events?site=shop", bomb, **head)).status == 413
        head["Authorization"] = BEARER
        assert (await served.post("/v1/logs?site=shop", bomb, **head)).status == 413
        assert served.outcomes == {"too_large": 2}


async def test_a_client_gets_so_many_a_minute(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path, rate_per_minute=3)) as served:
        statuses = [(await served.post("/v1/events?site=shop", ONE)).status for _ in range(5)]
        assert statuses == [202, 202, 202, 429, 429]


async def test_when_memory_is_short_nobody_is_taken_and_nothing_is_held(tmp_path: Path) -> None:
    made = collecting.settings(tmp_path, max_pending_bytes=100, ack_seconds=0.05)
    async with serving(made, Broker("wait")) as served:
        assert (await served.post("/v1/events?site=shop", b" " * 101)).status == 503
        assert served.outcomes == {"busy": 1}
        assert served.budget.held == 0


async def test_of_whom_nothing_is_kept_nothing_is_read(tmp_path: Path) -> None:
    """The site stands in the address: a body that is none makes no difference."""
    async with serving(collecting.settings(tmp_path)) as served:
        assert (await served.post("/v1/events?site=shop", b"{", DNT="1")).status == 204
        assert (await served.post("/v1/events", b"{", DNT="1")).status == 400


SIGNALS = [{"Sec_GPC": "1"}, {"DNT": "1"}, {"Sec_GPC": "1", "DNT": "1"}]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("path", ["/v1/events?site=shop", "/v1/events"])
async def test_who_asks_for_nothing_to_be_kept(
    signal: dict[str, str], path: str, tmp_path: Path
) -> None:
    """Nothing is sent, and the request is counted without its content."""
    body = orjson.dumps({"site": "shop", "events": [EVENT]})
    async with serving(collecting.settings(tmp_path)) as served:
        assert (await served.post(path, body, **signal)).status == 204
        assert served.broker.sent == []
        assert served.outcomes == {"dropped": 1}


@pytest.mark.parametrize("signal", SIGNALS)
async def test_who_is_to_be_counted_without_a_pseudonym(
    signal: dict[str, str], tmp_path: Path
) -> None:
    """No address, agent or proxy's word leaves the collector."""
    async with serving(collecting.settings(tmp_path)) as served:
        headers = {"X_Forwarded_For": "192.0.2.7", "Forwarded": "for=192.0.2.7", **signal}
        answer = await served.post(
            "/v1/events?site=counted", ONE, User_Agent="Browser/1", **headers
        )
        assert answer.status == 202
        [(_, value, _)] = served.broker.sent
        assert orjson.loads(value) == {
            "received": orjson.loads(value)["received"],
            "address": NOBODY,
            "agent": None,
            "forwarded_for": None,
            "forwarded": None,
            "privacy": "no-pseudonym",
            "event": EVENT,
        }


async def test_the_stricter_of_two_signals_wins_and_others_mean_nothing(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path)) as served:
        path = "/v1/events?site=mixed"
        for signal in ({"Sec_GPC": "1"}, {"DNT": "0"}, {"DNT": "unspecified"}, {"Sec_GPC": "0"}):
            await served.post(path, ONE, **signal)
        await served.post(path, ONE, Sec_GPC="1", DNT="1")
        words = [line["privacy"] for line in served.broker.lines]
        assert words == [None, None, None, None, "no-pseudonym"]


async def test_what_proxies_say_goes_to_split_as_it_was(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path)) as served:
        await served.post(
            "/v1/events?site=shop",
            ONE,
            X_Forwarded_For="192.0.2.7, 198.51.100.1",
            Forwarded='for="[2001:db8::1]:80"',
        )
        [line] = served.broker.lines
        assert line["forwarded_for"] == "192.0.2.7, 198.51.100.1"
        assert line["forwarded"] == 'for="[2001:db8::1]:80"'


async def test_a_preflight_is_answered_for_the_sites_pages_and_for_no_others(
    tmp_path: Path,
) -> None:
    made = collecting.settings(tmp_path)
    del made.sites["mixed"]  # whose pages may be anywhere
    async with serving(made) as served:
        for site, origin, allowed in (
            ("?site=shop", ORIGIN, True),
            ("?site=shop", "https://else.example", False),
            ("?site=other", ORIGIN, False),
            ("", ORIGIN, True),
            ("", "https://else.example", False),
        ):
            url = f"{served.url}/v1/events{site}"
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            async with served.session.options(url, headers=headers) as answer:
                assert answer.status == 204
                assert ("Access-Control-Allow-Origin" in answer.headers) is allowed
                assert "Access-Control-Allow-Credentials" not in answer.headers
                assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
async def test_pushed_lines_arrive_as_they_were(encoding: str, tmp_path: Path) -> None:
    pack = PACK[encoding]
    body = b"".join(b"%d %s\n" % (n, b"x" * (n % 300)) for n in range(5000))
    async with serving(collecting.settings(tmp_path)) as served:
        answer = await served.post(
            "/v1/logs?format=nginx-json",
            pack(body),
            Authorization=BEARER,
            Content_Encoding=encoding,
        )
        assert answer.status == 200
        assert b"".join(value for _, value, _ in served.broker.sent) == body
        assert {topic for topic, _, _ in served.broker.sent} == {"logs.web"}
        assert len(served.broker.sent) > 1
        for _, _, headers in served.broker.sent:
            assert (headers["site"], headers["source"]) == (b"shop", b"cdn")
            assert headers["format"] == b"nginx-json"
        [line] = served.collector.accounts.report()["lines"]
        assert line["lines"] == 5000


async def test_what_cdns_ask_before_they_push(tmp_path: Path) -> None:
    made = collecting.settings(tmp_path, fastly_services=["SERVICE1", "*"])
    async with serving(made) as served:
        answer = await served.post(
            "/v1/logs",
            gzip.compress(b'{"content":"tests"}'),
            Authorization=BEARER,
            Content_Encoding="gzip",
        )
        assert answer.status == 200
        assert served.broker.sent == []
        assert served.outcomes == {"test": 1}
        url = f"{served.url}/.well-known/fastly/logging/challenge"
        async with served.session.get(url) as challenge:
            assert challenge.status == 200
            first, second = (await challenge.text()).splitlines()
            # printf SERVICE1 | sha256sum
            assert first == "920b40ddb780f2126cdc4c801a3c04a4693bccc9cda23a801414d94b61d8f2b4"
            assert second == "*"


async def test_other_paths_and_methods(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path)) as served:
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/demo", 404),
            ("GET", "/v1/events", 404),
            ("GET", "/.well-known/fastly/logging/challenge", 404),
            ("GET", "/partywall.js", 200),
            ("HEAD", "/partywall.js", 200),
            ("PUT", "/v1/events", 405),
            ("POST", "/partywall.js", 404),
            ("POST", "/../etc/passwd", 404),
        ):
            async with served.session.request(method, served.url + path) as answer:
                assert answer.status == status, path
                assert answer.headers["Server"] == "partywall"
        assert served.collector.accounts.received == 0


async def test_a_fault_of_ours_is_one_requests_and_is_told_without_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Bel.Quilvantor@example.org")

    with heard() as said:
        async with serving(collecting.settings(tmp_path)) as served:
            with monkeypatch.context() as patch:
                patch.setattr("pipeline.collect.beacons.wrap", fail)
                answer = await served.post("/v1/events?site=shop", ONE)
            assert answer.status == 500
            assert (await served.post("/v1/events?site=shop", ONE)).status == 202
            assert served.outcomes == {"acknowledged": 1, "fault": 1}
    assert "a request failed" in said.getvalue()
    assert "Quilvantor" not in said.getvalue()


@given(body=st.binary(max_size=400), encoding=st.sampled_from(["", "gzip", "zstd", "other"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_end_in_one_outcome(body: bytes, encoding: str, tmp_path: Path) -> None:
    """And whatever is said of it on the way, standard error stays silent."""

    async def act() -> None:
        async with serving(collecting.settings(tmp_path)) as served:
            await served.post("/v1/events?site=shop", body, Content_Encoding=encoding)
            head = {"Content_Encoding": encoding, "Authorization": BEARER}
            await served.post("/v1/logs", body, **head)
            assert sum(served.outcomes.values()) == 2
            assert set(served.outcomes) <= set(OUTCOMES) - {"fault"}

    with heard() as said:
        asyncio.run(act())
    assert said.getvalue() == ""
