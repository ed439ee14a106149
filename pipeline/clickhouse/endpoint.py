"""Lets others ask the embedded engine while one process owns its folder.

Speaks the reading half of ClickHouse's HTTP interface on the loopback: ``query`` as a parameter
or as the body, ``default_format``, a plain result as the body, ``/ping``.
Source: https://clickhouse.com/docs/interfaces/http
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from pipeline.clickhouse.queries import Reader
from pipeline.errors import UnavailableError, UsageError

_LONGEST_QUERY: Final = 1 << 20
_LOOPBACK: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.ASCII)
_OF_A_BROWSER: Final = ("Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")
_READER: Final = web.AppKey("reader", Reader)
_ONE_AT_A_TIME: Final = web.AppKey("one_at_a_time", asyncio.Lock)


def application(reader: Reader) -> web.Application:
    """Return the app; it answers with ``reader`` alone, so it can change nothing.

    200 with the result, 400 with one line where the query is wrong or not allowed, 403 for what
    a web page could have sent, 503 where the engine fails.
    """
    app = web.Application(client_max_size=_LONGEST_QUERY, middlewares=[_no_web_page])
    app[_READER] = reader
    app[_ONE_AT_A_TIME] = asyncio.Lock()
    app.router.add_get("/ping", _ping)
    app.router.add_get("/", _query)
    app.router.add_post("/", _query)
    return app


@web.middleware
async def _no_web_page(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse browsers: a page somebody visits can send requests to this machine.

    A page's own name for us is refused as well: it may have been rebound to the loopback, which
    makes its requests same-origin and lets it read the answers.
    """
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        return web.Response(status=403, text="asked under a name that is not the loopback's\n")
    if any(name in request.headers for name in _OF_A_BROWSER):
        return web.Response(status=403, text="asked by a web page\n")
    return await handler(request)


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _query(request: web.Request) -> web.Response:
    try:
        body = (await request.read()).decode()
    except UnicodeDecodeError:
        return web.Response(status=400, text="query: write it in UTF-8\n")
    # as in ClickHouse, the parameter comes first and the body continues it
    query = "\n".join(part for part in (request.query.get("query", ""), body) if part)
    default_format = request.query.get("default_format", "TabSeparated")
    app = request.app
    try:
        async with app[_ONE_AT_A_TIME]:
            result = await asyncio.to_thread(app[_READER].raw, query, default_format)
    except UsageError as error:
        return web.Response(status=400, text=f"{error}\n")
    except UnavailableError as error:
        return web.Response(status=503, text=f"{error}\n")
    return web.Response(body=result, content_type="text/plain", charset="utf-8")
