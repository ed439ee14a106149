"""The key service: lends public sealing keys, token keys and pseudonym keys to the split.

It serves no private key: no route reaches one. It logs nothing but what it destroys and when it
must try again, and has no access log.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import secrets
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys.material import PseudonymKey
from pipeline.keys.store import Store
from pipeline.labels import LIVE

SPLIT: Final = "split"
MOST_DAYS: Final = 400
LAST_DAY: Final = 2_932_896
"""9999-12-31, the last day that has a name."""

_DAY: Final = re.compile(r"[0-9]{1,20}")
_LEAST_TOKEN: Final = 32
_MOST_INGEST: Final = 200

_log = structlog.get_logger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KeyService:
    """Serves a store over HTTP and destroys what is due, every ``expire_every`` seconds."""

    def __init__(self, store: Store, tokens: Mapping[str, str], expire_every: float = 60.0) -> None:
        """Take the bearer token of each role; raises SettingsError for a short or shared one."""
        if SPLIT not in tokens or any(len(token) < _LEAST_TOKEN for token in tokens.values()):
            raise SettingsError(
                f"key service: give the role {SPLIT} a token of {_LEAST_TOKEN} characters or more"
            )
        if len(set(tokens.values())) < len(tokens):
            raise SettingsError("key service: two roles share a token; give each its own")
        self._store = store
        self._roles = {_digest(token): role for role, token in tokens.items()}
        self._expire_every = expire_every
        self._runner: web.AppRunner | None = None
        self._expiring: asyncio.Task[None] | None = None

    def app(self) -> web.Application:
        """Return the routes, each behind a token."""
        app = web.Application(middlewares=[self._authorise, _answer_errors], client_max_size=4_096)
        app.add_routes(
            [
                web.get("/v1/split/sealing", self._sealing),
                web.get("/v1/split/pseudonym", self._pseudonym),
                web.get("/v1/status", self._status),
                web.post("/v1/expire", self._expire),
                web.post("/v1/ingest/{ingest}/end", self._end),
            ]
        )
        return app

    async def start(self, url: str) -> str:
        """Listen at ``unix://PATH`` or ``http://HOST:PORT``; return the URL bound.

        A socket has mode 0600, or 0660 in a folder with the setgid bit. Port 0 takes a free one.
        Raises SettingsError where the place cannot be listened on.
        """
        self._runner = web.AppRunner(self.app(), access_log=None)
        await self._runner.setup()
        try:
            bound, listener = _listen(url)
            site = web.SockSite(self._runner, listener)
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(
                f"key service: cannot listen at {url} ({error.strerror})"
            ) from error
        self._expiring = asyncio.create_task(self._keep_expiring())
        return bound

    async def stop(self) -> None:
        """Stop listening and expiring; the store stays open."""
        if self._expiring is not None:
            self._expiring.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiring
        if self._runner is not None:
            await self._runner.cleanup()

    async def _keep_expiring(self) -> None:
        while True:
            try:
                destroyed = self._store.expire()
                if destroyed:
                    _log.info("keys destroyed", count=destroyed)
            except (UnavailableError, IntegrityError) as error:
                _log.error("keys that are due could not be destroyed", why=str(error))
            await asyncio.sleep(self._expire_every)

    @web.middleware
    async def _authorise(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token)
        role = next((r for d, r in self._roles.items() if secrets.compare_digest(d, given)), None)
        if scheme != "Bearer" or role is None:
            return _problem(401, "a bearer token is needed")
        return await handler(request)

    async def _sealing(self, _: web.Request) -> web.Response:
        key = self._store.sealing()
        return web.json_response(
            {
                "key_id": key.key_id,
                "day": key.day,
                "public": _text(key.public),
                "token_key": _text(key.token_key),
                "expires": key.expires,
            }
        )

    async def _pseudonym(self, request: web.Request) -> web.Response:
        ingest = _ingest(request.query.get("ingest", ""))
        days = _days(request.query.get("days", ""))
        keys = self._store.pseudonym_keys(ingest, days)
        body = {
            "keys": {str(day): _lent(key) for day, key in keys.items() if key is not None},
            "gone": [day for day, key in keys.items() if key is None],
        }
        return web.json_response(body, status=200 if body["keys"] else 410)

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "keys": [
                    {"kind": key.kind, "ingest": key.ingest, "day": key.day, "until": key.until}
                    for key in self._store.alive()
                ],
                "now": self._store.now(),
            }
        )

    async def _expire(self, _: web.Request) -> web.Response:
        return web.json_response({"destroyed": self._store.expire()})

    async def _end(self, request: web.Request) -> web.Response:
        ingest = _ingest(request.match_info["ingest"])
        if ingest == LIVE:
            raise _BadRequestError("live traffic does not end; its keys are destroyed by the clock")
        return web.json_response({"destroyed": self._store.end_ingest(ingest)})


class _BadRequestError(Exception):
    """A request that no client of ours makes."""


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _BadRequestError as error:
        return _problem(400, str(error))
    except UnavailableError as error:
        return _problem(503, str(error))


def _listen(url: str) -> tuple[str, socket.socket]:
    """Bind a socket; a Unix socket is never open to others, not even for a moment."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname is not None and parts.port is not None:
        listener = socket.create_server((parts.hostname, parts.port))
        return f"http://{parts.hostname}:{listener.getsockname()[1]}", listener
    if parts.scheme != "unix":
        raise SettingsError(f"key service: {url} is neither unix://PATH nor http://HOST:PORT")
    path = Path(parts.netloc + parts.path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    # A folder hands its group down by its setgid bit: by that alone the socket is the group's too.
    shared = path.parent.stat().st_mode & stat.S_ISGID
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117 if shared else 0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return url, listener


def _ingest(text: str) -> str:
    if not 0 < len(text) <= _MOST_INGEST:
        raise _BadRequestError("ingest: name one")
    return text


def _days(text: str) -> list[int]:
    """Read days since 1970; the store's database could not take any number that is asked for."""
    listed = text.split(",")
    if len(listed) > MOST_DAYS or not all(map(_DAY.fullmatch, listed)):
        raise _BadRequestError(f"days: 1 to {MOST_DAYS} numbers with commas between them")
    days = [int(day) for day in listed]
    if max(days) > LAST_DAY:
        raise _BadRequestError(f"days: count them from 1970-01-01, {LAST_DAY} at most")
    return days


def _lent(key: PseudonymKey) -> dict[str, object]:
    return {"key": _text(key.key), "expires": key.expires}


def _text(secret: bytes) -> str:
    return base64.b64encode(secret).decode("ascii")


def _digest(token: str) -> bytes:
    """Tokens are compared by digest, in constant time whatever their lengths."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _problem(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)
