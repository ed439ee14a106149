"""ClickHouse's engine behind its own HTTP interface, as a process that can be killed.

Where this was written no ClickHouse server of today can be installed, only its engine (chDB). So
this owns a chDB folder and speaks as much of the interface as clickhouse-connect needs, which lets
the loader go the way it goes in production: over TCP, to something that may be gone.
Source: https://clickhouse.com/docs/interfaces/http

Run as ``python tests/support/clickhouse_server.py FOLDER PORT``; it prints one line when it
listens.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import chdb
from aiohttp import web

_FORMAT: Final = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_INSERT: Final = re.compile(rb"INSERT INTO [^\n]+ FORMAT \w+\n")
_CODE: Final = re.compile(r"Code: (\d+)")


class Engine:
    """One connection, one statement at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection: Any = chdb.connect(str(folder))
        self._lock = asyncio.Lock()
        self._scratch = Path(tempfile.mkdtemp())

    async def answer(self, request: web.Request) -> web.Response:
        """Run what is asked: ``query`` and body together, or a body of rows to insert."""
        body = await request.read()
        query = request.query.get("query", "")
        if not query:
            rows = _INSERT.match(body)
            upto = rows.end() if rows else len(body)
            query, body = body[:upto].decode(), body[upto:]
        values = {
            name.removeprefix("param_"): value
            for name, value in request.query.items()
            if name.startswith("param_")
        }
        async with self._lock:
            try:
                result = await asyncio.to_thread(self._run, query, body, values)
            except RuntimeError as error:
                code = _CODE.search(str(error))
                headers = {"X-ClickHouse-Exception-Code": code[1] if code else "1"}
                return web.Response(status=500, text=str(error), headers=headers)
        return web.Response(body=result, headers={"X-ClickHouse-Timezone": "UTC"})

    async def ping(self, _: web.Request) -> web.Response:
        """Say that it is there."""
        return web.Response(text="Ok.\n")

    def _run(self, query: str, body: bytes, values: dict[str, str]) -> bytes:
        found = _FORMAT.search(query)
        if body:
            rows = self._scratch / "rows"
            rows.write_bytes(body)
            if found is None:
                raise RuntimeError("Code: 62. rows without a format")
            query = f"{query[: found.start()]} FROM INFILE '{rows}' FORMAT {found[1]}"
        result = self._connection.query(query, found[1] if found else "TabSeparated", params=values)
        return bytes(result.bytes())


async def serve(folder: Path, port: int) -> None:
    """Serve until killed."""
    engine = Engine(folder)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_get("/ping", engine.ping)
    app.router.add_post("/", engine.answer)
    app.router.add_get("/", engine.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
