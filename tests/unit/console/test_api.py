"""The API: whose token reaches what, answers in three forms, refusals in one line of JSON."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx2
import orjson
import polars as pl
import pytest
from openapi_spec_validator import validate
from starlette.applications import Starlette

from pipeline.analytics import words
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import QueryFn, Reader, Row
from pipeline.console.api import routes
from pipeline.console.rendering import Rendering
from pipeline.console.signing import Viewer
from pipeline.console.tokens import Tokens
from pipeline.errors import SettingsError, UnavailableError
from pipeline.rates import Rates
from pipeline.settings import ConsoleToken
from pipeline.zones import ALL_UTC, Zones
from tests.support.released_cells import Cells

NOW: Final = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
SHOP: Final = "s" * 40
BLOG: Final = "b" * 40
ASKED: Final[dict[str, Any]] = {
    "site": "shop",
    "metrics": ["visitors", "bounce_rate"],
    "date_range": ["2026-11-20", "2026-11-27"],
    "dimensions": ["browser"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueryFn]:
    """What answers SQL from cells of three sites."""
    where = Engine(path=tmp_path_factory.mktemp("engine"))
    with closing(connect(where)) as client:
        migrate(client, rollups_days=1100)
        cells = Cells()
        for site in ("shop", "shop.widget", "blog"):
            cells.draw(site, dt.date(2026, 11, 20), 8)
        for site, minute in (("shop", 28), ("blog", 30), ("shop", 0)):
            start = dt.datetime(2026, 11, 29, 11, minute, tzinfo=dt.UTC)
            cells.add(
                "health_minute", site=site, window_start=start, minutes=7, segment="failed",
                status_class="4xx", hits=30, bytes=400, visitors=14,
            )  # fmt: skip
            for name, hits in (("0-0.1 s", 18), ("from 0.1 s", 12)):
                cells.add(
                    "response_time_minute", site=site, window_start=start, minutes=7,
                    segment="failed", status_class="4xx", response_time=name, hits=hits,
                    visitors=11,
                )  # fmt: skip
        cells.insert(client)
        with closing(Reader.open(where)) as reader:
            yield reader.rows


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    for name, token in (("shop", SHOP), ("blog", BLOG)):
        (tmp_path / name).write_text(f"{token}\n", encoding="ascii")
    return Tokens(
        {
            "shop-team": ConsoleToken(token_file=tmp_path / "shop", sites=["shop"]),
            "blog-team": ConsoleToken(token_file=tmp_path / "blog", sites=["blog"]),
        }
    )


def client(
    run: QueryFn,
    tokens: Tokens,
    *,
    viewer: Viewer | None = None,
    per_minute: int = 1000,
    zones: Zones = ALL_UTC,
) -> httpx2.AsyncClient:
    made = routes(
        run,
        tokens,
        clock=lambda: NOW,
        k=10,
        retention_days=1100,
        take=Rates(per_minute, lambda: 0.0, remembered=10).take,
        rendering=Rendering(),
        signed_in=lambda _: viewer,
        zones=zones,
    )
    transport = httpx2.ASGITransport(Starlette(routes=made))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


async def test_json_and_a_url_are_answered_alike(run: QueryFn, tokens: Tokens) -> None:
    async with client(run, tokens) as api:
        posted = await api.post("/v1/query", json=ASKED, headers=bearer(SHOP))
        url = (
            "/v1/query?site=shop&metrics=visitors,bounce_rate&date_range=2026-11-20,2026-11-27"
            "&dimensions=browser"
        )
        got = await api.get(url, headers=bearer(SHOP))
    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json()
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["cache-control"] == "private, max-age=60"
    assert posted.headers["x-content-type-options"] == "nosniff"
    found = posted.json()
    assert found["metrics"] == ["visitors", "bounce_rate"]
    assert found["date_range"] == ["2026-11-20", "2026-11-27"]
    assert found["k"] == 10
    assert {line["dimensions"][0] for line in found["results"]} <= {"Firefox", "Chrome", "(other)"}
    for line in [*found["results"], found["totals"]]:
        for number, state in zip(line["metrics"], line["states"], strict=True):
            assert state in words.STATES
            assert (number is None) == (state not in {"value", "zero"})


async def test_csv_and_arrow_hold_what_json_holds(run: QueryFn, tokens: Tokens) -> None:
    async with client(run, tokens) as api:
        found = (await api.post("/v1/query", json=ASKED, headers=bearer(SHOP))).json()
        csv = await api.post("/v1/query", json=ASKED, headers=bearer(SHOP, Accept="text/csv"))
        arrow = await api.post("/v1/query?format=arrow", json=ASKED, headers=bearer(SHOP))
        first = await api.post(
            "/v1/query?format=csv", json=ASKED | {"limit": 1}, headers=bearer(SHOP)
        )
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"
    for table in (pl.read_csv(io.BytesIO(csv.content)), pl.read_ipc_stream(arrow.content)):
        assert table.columns == [
            "browser", "visitors", "visitors_state", "bounce_rate", "bounce_rate_state",
        ]  # fmt: skip
        assert table["browser"].to_list() == [r["dimensions"][0] for r in found["results"]]
        assert table["visitors"].to_list() == [r["metrics"][0] for r in found["results"]]
        assert table["bounce_rate_state"].to_list() == [r["states"][1] for r in found["results"]]
    assert csv.content.startswith(b"browser,visitors,")
    assert csv.content.count(b"\r\n") == 1 + len(found["results"])
    assert first.headers["x-next"]


@pytest.mark.parametrize(
    ("token", "site", "status", "error"),
    [
        (SHOP, "shop", 200, None),
        (SHOP, "shop.widget", 200, None),
        (SHOP, "blog", 403, "site: your token does not reach it"),
        (SHOP, "nobody", 403, "site: your token does not reach it"),
        (BLOG, "shop", 403, "site: your token does not reach it"),
        ("x" * 40, "shop", 401, "token: this one is nobody's"),
        ("", "shop", 401, "token: send it as"),
    ],
)
async def test_a_token_reaches_its_sites_alone(
    run: QueryFn, tokens: Tokens, token: str, site: str, status: int, error: str | None
) -> None:
    async with client(run, tokens) as api:
        asked = {"site": site, "metrics": ["visitors"]}
        answer = await api.post("/v1/query", json=asked, headers=bearer(token) if token else {})
        listed = await api.get("/v1/sites", headers=bearer(token) if token else {})
    assert answer.status_code == status
    if error is not None:
        assert answer.json()["error"].startswith(error)
        assert answer.headers["cache-control"] == "no-store"
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert listed.status_code == 401
    else:
        own = ["shop", "shop.widget"] if token == SHOP else ["blog"]
        assert [one["site"] for one in listed.json()["sites"]] == own


async def test_a_cookie_reads_and_sends_nothing(run: QueryFn, tokens: Tokens) -> None:
    """A form of another site could send a POST along; what it gets by a GET it cannot read."""
    url = "/v1/query?site=shop&metrics=visitors"
    async with client(run, tokens, viewer=Viewer("anna", frozenset({"shop"}))) as api:
        assert (await api.get(url)).status_code == 200
        assert (await api.get(url.replace("shop", "blog"))).status_code == 403
        assert (await api.post("/v1/query", json=ASKED)).status_code == 401
        wrong = await api.get(url, headers=bearer("x" * 40))
        assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        (b"{", "query: send a JSON object"),
        (b"[]", "query: send a JSON object"),
        (b"{}", "site: name the site"),
        (b'{"site": "shop", "sql": "SELECT 1"}', "sql: no such field"),
        (b'{"site": "shop", "metrics": ["x"]}', "metrics: choose from"),
        (b'{"site": "shop", "dimensions": ["page", "browser"]}', "dimensions: page with browser"),
    ],
)
async def test_a_wrong_question_is_one_line(
    run: QueryFn, tokens: Tokens, body: bytes, begins: str
) -> None:
    async with client(run, tokens) as api:
        answer = await api.post("/v1/query", content=body, headers=bearer(SHOP))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(begins)
    assert "\n" not in answer.json()["error"]


async def test_too_much_and_too_often(run: QueryFn, tokens: Tokens) -> None:
    async with client(run, tokens) as api:
        large = await api.post("/v1/query", content=b" " * 70_000, headers=bearer(SHOP))
        wrong = await api.get("/v1/query?site=shop&format=xml", headers=bearer(SHOP))
    assert large.status_code == 413
    assert wrong.json()["error"] == "format: json, csv or arrow"
    async with client(run, tokens, per_minute=2) as api:
        found = [await api.get("/v1/sites", headers=bearer(SHOP)) for _ in range(3)]
        other = await api.get("/v1/sites", headers=bearer(BLOG))
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert int(found[2].headers["retry-after"]) == 30
    assert other.status_code == 200


async def test_tables_that_do_not_answer(tokens: Tokens) -> None:
    def away(_: str) -> list[Row]:
        raise UnavailableError("the engine at 127.0.0.1:1 does not answer")

    async with client(away, tokens) as api:
        answer = await api.post("/v1/query", json=ASKED, headers=bearer(SHOP))
    assert answer.status_code == 503
    assert answer.json() == {"error": "the tables do not answer; try again in a minute"}


async def test_the_api_is_described(run: QueryFn, tokens: Tokens) -> None:
    async with client(run, tokens) as api:
        described = (await api.get("/v1/openapi.json")).json()
        page = (await api.get("/v1/docs")).text
    validate(described)
    named = described["components"]["schemas"]["Query"]["properties"]["metrics"]["items"]["enum"]
    assert set(words.METRICS) <= set(named)
    for path in described["paths"]:
        assert path in page
    for name in (*words.METRICS, *words.DIMENSIONS):
        assert f"<code>{name}</code>" in page
    assert "://" not in page.replace("http://www.w3.org", "")
    assert "<script>" not in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("short", BLOG, "put a token of 32 to 512"),
        ("ä" * 40, BLOG, "put a token of 32 to 512"),
        (SHOP, SHOP, "two share a token"),
        (None, BLOG, "cannot be read"),
    ],
)
def test_a_token_that_is_none_stops_the_start(
    tmp_path: Path, first: str | None, second: str, said: str
) -> None:
    if first is not None:
        (tmp_path / "a").write_text(first, encoding="utf-8")
    (tmp_path / "b").write_text(second, encoding="utf-8")
    made = {name: ConsoleToken(token_file=tmp_path / name, sites=["shop"]) for name in ("a", "b")}
    with pytest.raises(SettingsError, match=said):
        Tokens(made)
    with pytest.raises(SettingsError) as caught:
        Tokens(made)
    assert SHOP not in str(caught.value)


async def test_the_last_half_hour_is_told_in_steps_under_the_same_token(
    run: QueryFn, tokens: Tokens
) -> None:
    async with client(run, tokens) as api:
        found = await api.get("/v1/live?site=shop", headers=bearer(SHOP))
        other = await api.get("/v1/live?site=shop", headers=bearer(BLOG))
        more = await api.get("/v1/live?site=shop&date_range=7d", headers=bearer(SHOP))
        wrong = await api.get("/v1/live?site='", headers=bearer(SHOP))
    assert (other.status_code, more.status_code, wrong.status_code) == (403, 400, 400)
    document = found.json()
    assert (document["from"], document["to"]) == ("2026-11-29 11:30:00", "2026-11-29 12:00:00")
    told = [one for one in document["steps"] if one["state"] == "value"]
    assert [(one["from"], one["to"], one["visitors"], one["hits"]) for one in told] == [
        ("2026-11-29 11:28:00", "2026-11-29 11:35:00", 14, 30)
    ]
    assert told[0]["response_times"] == {"0-0.1 s": 18, "from 0.1 s": 12}
    assert (told[0]["response_time_p50"], told[0]["response_time_p95_from"]) == (100, 100)
    assert {one["state"] for one in document["steps"]} == {"value", "not_yet_closed"}
    assert all(one["hits"] is None for one in document["steps"] if one not in told)


async def test_every_answer_names_the_zone_of_its_site(run: QueryFn, tokens: Tokens) -> None:
    zones = Zones("UTC", {"shop": "Pacific/Kiritimati"})
    async with client(run, tokens, zones=zones) as api:
        described = (await api.get("/v1/openapi.json")).json()
        asked = ("query?date_range=today&metrics=visitors&site=", "live?site=")
        found = {
            (path, site): (await api.get(f"/v1/{path}{site}", headers=bearer(token))).json()
            for path in asked
            for site, token in (("shop", SHOP), ("shop.widget", SHOP), ("blog", BLOG))
        }
    for (_, site), answer in found.items():
        assert answer["zone"] == ("UTC" if site == "blog" else "Pacific/Kiritimati")
    assert found[asked[0], "shop"]["date_range"] == ["2026-11-30", "2026-11-30"]
    assert found[asked[0], "blog"]["date_range"] == ["2026-11-29", "2026-11-29"]
    assert found[asked[1], "shop"]["to"] == "2026-11-30 02:00:00"
    said = orjson.dumps(described).decode()
    assert said.count('"The time zone (IANA) by whose clock all times are."') == 2
