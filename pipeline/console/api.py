"""The API: the words of a query over HTTP, answered as JSON, CSV or an Arrow stream.

A token of its own says who asks, or, for what a page links to, the cookie of somebody signed in.
Every refusal is one line of JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import analytics
from pipeline.analytics import query, tables, words
from pipeline.analytics.live import live
from pipeline.analytics.query import Query
from pipeline.analytics.sites import sites
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.console.openapi import document
from pipeline.console.rendering import Rendering
from pipeline.console.signing import Viewer
from pipeline.console.tokens import Tokens
from pipeline.errors import UnavailableError, UsageError
from pipeline.policy import Crossings
from pipeline.settings import NO_GOALS, Goals
from pipeline.zones import ALL_UTC, Zones

_LARGEST: Final = 64 * 1024
_AT_ONCE: Final = 4
_JSON: Final = "application/json"
_TYPES: Final = {
    "json": _JSON,
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}
_HEADERS: Final = {
    "cache-control": "private, max-age=60",
    "vary": "authorization, accept, cookie",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_FORMAT: Final = "format"

Handler = Callable[[Request], Awaitable[Response]]
Take = Callable[[str], int]
"""Takes one of somebody's requests: 0, or seconds to wait (``pipeline.rates.Rates.take``)."""
SignedIn = Callable[[Request], Viewer | None]


class _RefusedError(Exception):
    def __init__(self, status: int, said: str, **headers: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _nobody(_: Request) -> Viewer | None:
    return None


def routes(
    run: QueryFn,
    tokens: Tokens,
    *,
    clock: Clock,
    k: int,
    retention_days: int,
    take: Take,
    rendering: Rendering,
    signed_in: SignedIn = _nobody,
    crossings: Crossings = words.CROSSINGS,
    goals: Goals = NO_GOALS,
    zones: Zones = ALL_UTC,
) -> list[Route]:
    """Return the routes under ``/v1``.

    ``run`` asks the tables and may be called from several threads; ``take`` counts the requests of
    each name, ``signed_in`` says whose browser it is.
    """
    api = _Api(
        run,
        tokens,
        clock,
        k,
        retention_days,
        crossings,
        goals,
        zones,
        take,
        signed_in,
        asyncio.Semaphore(_AT_ONCE),
    )
    values = {
        "title": "API",
        "viewer": None,
        "api": document(),
        "api_metrics": words.METRICS,
        "api_dimensions": words.DIMENSIONS,
    }
    page = rendering.text("api.html", values)

    async def openapi(_: Request) -> Response:
        return _answer(document())

    async def docs(_: Request) -> Response:
        return Response(page, media_type="text/html", headers=_HEADERS)

    return [
        Route("/v1/query", _refusing(api.query), methods=["GET", "POST"]),
        Route("/v1/live", _refusing(api.live), methods=["GET"]),
        Route("/v1/sites", _refusing(api.sites), methods=["GET"]),
        Route("/v1/openapi.json", openapi, methods=["GET"]),
        Route("/v1/docs", docs, methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class _Api:
    run: QueryFn
    tokens: Tokens
    clock: Clock
    k: int
    retention_days: int
    crossings: Crossings
    goals: Goals
    zones: Zones
    take: Take
    signed_in: SignedIn
    at_once: asyncio.Semaphore

    async def query(self, request: Request) -> Response:
        """Answer a question."""
        viewer = self._viewer(request)
        form = _form(request)
        asked = await _asked(request)
        _check(viewer, asked.site)
        async with self.at_once:
            content, following = await asyncio.to_thread(self._found, asked, form)
        headers = {} if following is None or form == "json" else {"x-next": following}
        return Response(content, media_type=_TYPES[form], headers=_HEADERS | headers)

    def _found(self, asked: Query, form: str) -> tuple[bytes, str | None]:
        answer = analytics.ask(
            self.run,
            asked,
            clock=self.clock,
            k=self.k,
            retention_days=self.retention_days,
            crossings=self.crossings,
            goals=self.goals,
            zones=self.zones,
        )
        if form == "csv":
            return tables.csv(answer), answer.next
        if form == "arrow":
            return tables.arrow(answer), answer.next
        return orjson.dumps(answer.document()), answer.next

    async def live(self, request: Request) -> Response:
        """Answer with the last half hour of a site."""
        viewer = self._viewer(request)
        given = request.query_params.multi_items()
        if [name for name, _ in given] != ["site"]:
            raise UsageError("live: send site, and nothing else; it is of the last half hour")
        site = query.site(given[0][1])
        _check(viewer, site)
        async with self.at_once:
            found = await asyncio.to_thread(
                live, self.run, site, now=self.clock(), k=self.k, zones=self.zones
            )
        return _answer(found.document(), headers={"cache-control": "private, max-age=20"})

    async def sites(self, request: Request) -> Response:
        """List the sites that somebody's token reaches."""
        viewer = self._viewer(request)
        async with self.at_once:
            found = await asyncio.to_thread(sites, self.run)
        listed = [
            {"site": one.name, "first_day": one.first, "last_day": one.last}
            for one in found
            if viewer.sees(one.name.removesuffix(words.WIDGET))
        ]
        return _answer({"sites": listed})

    def _viewer(self, request: Request) -> Viewer:
        """Return who asks, if he has requests left; a cookie is good for reading alone."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        viewer = self.tokens.of(token.strip()) if scheme.lower() == "bearer" else None
        if viewer is None and not scheme and request.method == "GET":
            viewer = self.signed_in(request)
        seconds = self.take(f"token {viewer.name}" if viewer else "nobody")
        if seconds:
            raise _RefusedError(
                429, f"too many requests: come again in {seconds} s", retry_after=str(seconds)
            )
        if viewer is None:
            why = "this one is nobody's, or was taken back; send another" if token else "send it"
            raise _RefusedError(
                401, f"token: {why} as Authorization: Bearer …", www_authenticate="Bearer"
            )
        return viewer


def _check(viewer: Viewer, site: str) -> None:
    if not viewer.sees(site.removesuffix(words.WIDGET)):
        raise _RefusedError(403, "site: your token does not reach it; GET /v1/sites lists yours")


def _refusing(handler: Handler) -> Handler:
    """Return ``handler`` with errors as JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except _RefusedError as error:
            return _answer({"error": error.said}, error.status, error.headers)
        except UsageError as error:
            return _answer({"error": str(error)}, 400)
        except UnavailableError:
            return _answer({"error": "the tables do not answer; try again in a minute"}, 503)

    return answer


def _answer(found: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    kept = _HEADERS if status == 200 else _HEADERS | {"cache-control": "no-store"}  # noqa: PLR2004
    return Response(
        orjson.dumps(found), status, media_type=_JSON, headers={**kept, **(headers or {})}
    )


def _form(request: Request) -> str:
    """Return json, csv or arrow: what ``format`` says, else what is accepted first."""
    named = request.query_params.get(_FORMAT)
    if named is not None:
        if named not in _TYPES:
            raise UsageError("format: json, csv or arrow")
        return named
    for wanted in request.headers.get("accept", "").split(","):
        kind = wanted.partition(";")[0].strip().lower()
        for name, type_ in _TYPES.items():
            if kind == type_.partition(";")[0]:
                return name
    return "json"


async def _asked(request: Request) -> Query:
    if request.method == "GET":
        parameters = request.query_params.multi_items()
        return analytics.from_params((n, v) for n, v in parameters if n != _FORMAT)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise _RefusedError(413, "query: 64 KiB at most; ask with fewer values")
    found: Any = bytes(body)
    return analytics.read(found)
