"""The key service: lends keys to the split, releases keys to cases, and destroys what is due.

No private key leaves: no route answers with one. It logs nothing but what it destroys, what it
refuses and when it must try again, and has no access log.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog
from aiohttp import web

from pipeline.audit.entry import Entry
from pipeline.audit.signing import Signer
from pipeline.clock import Clock
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys import publish
from pipeline.keys.access import (
    BOTH,
    INVESTIGATIONS,
    SPLIT,
    BadRequestError,
    Doors,
    Route,
    listen,
)
from pipeline.keys.early import Early
from pipeline.keys.holding import Holds
from pipeline.keys.material import PseudonymKey, SealingKey
from pipeline.keys.record import ACTOR, Recording
from pipeline.keys.release import Release
from pipeline.keys.routes import MOST_BODY, ReleaseRoutes
from pipeline.keys.store import Store
from pipeline.labels import LIVE
from pipeline.metrics import KEYS_DESTROYED, KEYS_OVERDUE
from pipeline.policy import Investigations
from pipeline.zones import ALL_UTC, Zones

__all__ = ["INVESTIGATIONS", "SPLIT", "KeyService"]

MOST_DAYS: Final = 400
LAST_DAY: Final = 2_932_896
"""9999-12-31, the last day that has a name."""

_DAY: Final = re.compile(r"[0-9]{1,20}")
_MOST_INGEST: Final = 200
_KNOCKS_SECONDS: Final = 10

_log = structlog.get_logger(__name__)


class KeyService:
    """Serves a store over HTTP, makes keys ahead and destroys what is due.

    Both happen every ``expire_every`` seconds.
    """

    def __init__(
        self,
        store: Store,
        tokens: Mapping[str, str],
        rules: Investigations,
        clock: Clock,
        signer: Signer,
        log: Recording,
        expire_every: float = 60.0,
        *,
        idle: bool = False,
        zones: Zones = ALL_UTC,
    ) -> None:
        """Take the bearer token of each role; raises SettingsError for a short or shared one.

        ``signer`` signs public sealing keys; ``log`` is the audit log. ``idle``: nobody seals to
        the store's keys while this runs. ``zones``: by whose clocks the days of pseudonyms are.
        """
        self._store = store
        self._clock = clock
        self._signer = signer
        self._audit = log
        self._expire_every = expire_every
        self._sealed_to = not idle
        self._release = Release(store, rules, clock, log, zones)
        released = ReleaseRoutes(
            self._release,
            Holds(store, clock, log),
            Early(store, clock, log, idle=idle),
        )
        self._doors = Doors(tokens, [*self._routes(), *released.routes()], self._refused)
        self._runner: web.AppRunner | None = None
        self._expiring: asyncio.Task[None] | None = None
        self._knocked: dict[tuple[str | None, str], int] = {}

    def app(self) -> web.Application:
        """Return the routes, each behind a token."""
        return self._doors.app(MOST_BODY)

    async def start(self, url: str) -> str:
        """Listen at ``unix://PATH`` or ``http://HOST:PORT``; return the URL bound.

        A socket has mode 0600, or 0660 in a folder with the setgid bit. Port 0 takes a free one.
        Raises SettingsError where the place cannot be listened on.
        """
        self._runner = web.AppRunner(self.app(), access_log=None)
        await self._runner.setup()
        try:
            bound, listener = listen(url)
            site = web.SockSite(self._runner, listener)
            await site.start()
        except SettingsError:
            await self._runner.cleanup()
            raise
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(
                f"key service: cannot listen at {url} ({error.strerror})"
            ) from error
        self._expiring = asyncio.create_task(self._keep_time())
        return bound

    async def stop(self) -> None:
        """Stop listening and expiring; the store stays open."""
        if self._expiring is not None:
            self._expiring.cancel()
            with suppress(asyncio.CancelledError):
                await self._expiring
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> list[Route]:
        split = frozenset({SPLIT})
        return [
            Route("GET", "/v1/split/sealing", self._sealing, split),
            Route("GET", "/v1/split/pseudonym", self._pseudonym, split),
            Route("POST", "/v1/ingest/{ingest}/end", self._end, split),
            Route("GET", "/v1/vkey", self._vkey, BOTH),
            Route("GET", "/v1/status", self._status, BOTH),
            Route("GET", "/v1/receipts", self._receipts, BOTH),
            Route("POST", "/v1/expire", self._expire, BOTH),
        ]

    async def _keep_time(self) -> None:
        while True:
            self.turn()
            await asyncio.sleep(self._expire_every)

    def turn(self) -> None:
        """Destroy what is due, make what is needed ahead, and raise the alarm where one is due."""
        rounds = (
            (self._destroy, "keys that are due could not be destroyed"),
            (self._store.sealing_ahead, "tomorrow's sealing key could not be made ahead"),
            (self._release.forget, "what ended cases could reach could not be taken away"),
            (self._watch, "which keys are overdue cannot be told"),
        )
        for act, failing in rounds:
            try:
                act()
            except (UnavailableError, IntegrityError) as error:
                _log.error(failing, why=str(error))

    def _destroy(self) -> None:
        if destroyed := self._store.expire():
            _log.info("keys destroyed", count=destroyed)
            KEYS_DESTROYED.inc(destroyed)

    def _watch(self) -> None:
        """Raise the alarm where a key outlived its time: in the metrics and in the log."""
        overdue = self._store.overdue()
        KEYS_OVERDUE.set(overdue)
        if overdue:
            _log.error("keys are overdue: their destruction was missed", count=overdue)

    def _refused(self, role: str | None, path: str) -> None:
        """Put a refused request on record; of many alike one in some seconds is enough."""
        now, kind = self._store.now(), (role, path)
        if now - self._knocked.get(kind, 0) < _KNOCKS_SECONDS:
            return
        self._knocked[kind] = now
        facts = {"route": path or "none", "why": "no token" if role is None else "another role's"}
        self._audit.append(Entry(self._clock(), role or ACTOR, "keys.ask", "refused", None, facts))

    async def _sealing(self, _: web.Request) -> web.Response:
        ahead = self._store.sealing_ahead()
        answer = self._published(self._store.sealing())
        return web.json_response(answer | {"next": ahead and self._published(ahead)})

    def _published(self, key: SealingKey) -> dict[str, object]:
        return {
            "key_id": key.key_id,
            "day": key.day,
            "public": _text(key.public),
            "token_key": _text(key.token_key),
            "expires": key.expires,
            "note": publish.sign(self._signer, key),
        }

    async def _vkey(self, _: web.Request) -> web.Response:
        return web.json_response({"vkey": str(self._signer.verifier)})

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
        return web.json_response({**self._store.status(), "sealed_to": self._sealed_to})

    async def _receipts(self, _: web.Request) -> web.Response:
        return web.json_response({"receipts": [r.shown() for r in self._store.receipts()]})

    async def _expire(self, _: web.Request) -> web.Response:
        return web.json_response({"destroyed": self._store.expire()})

    async def _end(self, request: web.Request) -> web.Response:
        ingest = _ingest(request.match_info["ingest"])
        if ingest == LIVE:
            raise BadRequestError("live traffic does not end; its keys are destroyed by the clock")
        return web.json_response({"destroyed": self._store.end_ingest(ingest)})


def _ingest(text: str) -> str:
    if not 0 < len(text) <= _MOST_INGEST:
        raise BadRequestError("ingest: name one")
    return text


def _days(text: str) -> list[int]:
    """Read days since 1970; the store's database could not take any number that is asked for."""
    listed = text.split(",")
    if len(listed) > MOST_DAYS or not all(map(_DAY.fullmatch, listed)):
        raise BadRequestError(f"days: 1 to {MOST_DAYS} numbers with commas between them")
    days = [int(day) for day in listed]
    if max(days) > LAST_DAY:
        raise BadRequestError(f"days: count them from 1970-01-01, {LAST_DAY} at most")
    return days


def _lent(key: PseudonymKey) -> dict[str, object]:
    return {"key": _text(key.key), "expires": key.expires}


def _text(secret: bytes) -> str:
    return base64.b64encode(secret).decode("ascii")
