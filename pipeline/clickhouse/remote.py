"""Asks the endpoint of the process that owns the embedded engine."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from pipeline.clickhouse import sql
from pipeline.clickhouse.queries import ROWS, Row, decoded, resolve
from pipeline.errors import UnavailableError, UsageError

_PATIENCE: Final = aiohttp.ClientTimeout(total=90, sock_connect=5)


def query(endpoint: str, text: str) -> list[Row]:
    """Return the rows of SQL or of a named query, asked at ``endpoint`` (``http://host:port``).

    Raises UsageError where the query is wrong or not allowed, UnavailableError where nothing
    answers. Not to be called from a running event loop.
    """
    statement = resolve(text)
    if sql.has_format(statement):
        raise UsageError("query: leave the FORMAT clause out; rows come as they are")
    return decoded(asyncio.run(_ask(endpoint, statement)))


async def _ask(endpoint: str, statement: str) -> bytes:
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.post(
                endpoint, params={"default_format": ROWS}, data=statement.encode()
            ) as answer,
        ):
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        place = urlsplit(endpoint).netloc
        raise UnavailableError(f"the engine at {place} does not answer") from error
    if answer.status == 400:  # noqa: PLR2004 - HTTP's number for a bad request
        raise UsageError(body.decode("utf-8", "replace").strip())
    if answer.status != 200:  # noqa: PLR2004
        raise UnavailableError(f"the engine answered with status {answer.status}")
    return body
