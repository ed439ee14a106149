"""Lets others ask the embedded engine while one process owns its folder.

Speaks the reading half of ClickHouse's HTTP interface on the loopback: ``query`` as a parameter
or as the body, ``default_format``, a plain result as the body, ``/ping``.
Source: https://clickhouse.com/docs/interfaces/http
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from pipeline.clickhouse.queries import Reader
from pipeline.errors import UnavailableError, UsageError

_LONGEST_QUERY: Final = 1 << 20
_LOOPBACK: Final = {"127.0.0.1", "localhost", "[::1]"}
_READER: Final = web.AppKey("reader", Reader)
_ONE_AT_A_TIME: Final = web.AppKey("one_at_a_time", asyncio.Lock)


def application(reader: Reader) -> web.Application:
    """Return the app; it answers with ``reader`` alone, so it can change nothing.

    200 with the result, 400 with one line where the query is wrong or not allowed, 403 for a
    Host header that is not the loopback's, 503 where the engine fails.
    """
    app = web.Application(client_max_size=_LONGEST_QUERY)
    app[_READER] = reader
    app[_ONE_AT_A_TIME] = asyncio.Lock()
    app.router.add_get("/ping", _ping)
    app.router.add_get("/", _query)
    app.router.add_post("/", _query)
    return app


async def _ping(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _query(request: web.Request) -> web.Response:
    # a web page that rebinds its own name to 127.0.0.1 still sends that name as Host
    if request.host.rpartition(":")[0] not in _LOOPBACK and request.host not in _LOOPBACK:
        return web.Response(status=403, text="asked under a name that is not the loopback's\n")
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
