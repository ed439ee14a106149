"""The split's side of the key service: asks, waits out its absence, forgets on time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import aiohttp

from pipeline.clock import Clock
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from pipeline.keys import publish
from pipeline.keys.answers import taken
from pipeline.keys.material import KEY_BYTES, PseudonymKey, SealingKey
from pipeline.keys.pinning import Pin
from pipeline.keys.rules import AHEAD, day_of, seconds

_DAYS_A_REQUEST: Final = 200
_GONE_KEPT: Final = 20_000
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 5.0
_AHEAD_EVERY: Final = 300
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_REFUSED: Final = (401, 403)
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, with waits that double from a tenth of a second to five."""

    tries: int = 8
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class KeyClient:
    """Lends keys and keeps them until they expire. Use as an async context manager.

    Every method raises UnavailableError once its patience is at an end, SettingsError where the
    service refuses the token, IntegrityError where the answer is none.
    """

    def __init__(
        self,
        url: str,
        token: str,
        clock: Clock,
        patience: Patience | None = None,
        pin: Pin | None = None,
    ) -> None:
        """``url`` is ``unix://PATH`` or ``http://HOST:PORT``, ``token`` that of the role split.

        ``pin`` is what public sealing keys are checked with. Who has none gets no sealing key.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"unix", "http", "https"}:
            raise SettingsError(f"key service: {url} is neither unix://PATH nor http://HOST:PORT")
        self._socket = parts.netloc + parts.path if parts.scheme == "unix" else None
        self._base = "http://keys" if self._socket else url.rstrip("/")
        self._token = token
        self._clock = clock
        self._patience = patience or Patience()
        self._session: aiohttp.ClientSession | None = None
        self._pin = pin
        self._sealing: SealingKey | None = None
        self._next: SealingKey | None = None
        self._asked_ahead = 0
        self._keys: dict[tuple[str, int], PseudonymKey] = {}
        self._gone: set[tuple[str, int]] = set()

    def __repr__(self) -> str:
        return f"KeyClient({self._base!r}, keys={len(self._keys)})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and forget all keys."""
        self._keys.clear()
        self._sealing = self._next = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def sealing(self) -> SealingKey:
        """Return today's sealing key. Tomorrow's is fetched ahead, so midnight needs no service.

        Raises IntegrityError where the key is not signed by the service that is pinned.
        """
        now = seconds(self._clock())
        if self._sealing is None or self._sealing.expires <= now:
            self._sealing, self._next = self._next, None
        kept = self._sealing
        if kept is None or kept.expires <= now:
            kept = await self._fetch_sealing(self._patience.tries)
        elif (
            self._next is None
            and kept.expires - now <= AHEAD
            and now - self._asked_ahead >= _AHEAD_EVERY
        ):
            self._asked_ahead = now
            with suppress(UnavailableError):  # there is time left to ask again
                kept = await self._fetch_sealing(1)
        return kept

    async def _fetch_sealing(self, tries: int) -> SealingKey:
        answer = await self._ask("GET", "/v1/split/sealing", tries)
        ahead = answer.get("next")
        today = await self._checked(answer)
        self._next = await self._checked(ahead) if isinstance(ahead, dict) else None
        self._sealing = today
        return today

    async def _checked(self, answer: dict[str, object]) -> SealingKey:
        key = _sealing_key(answer)
        if self._pin is None:
            raise SettingsError("key service: no vkey is pinned; set keys.verifier")
        verifier = self._pin.known()
        if verifier is None:
            met = await self._ask("GET", "/v1/vkey")
            verifier = self._pin.meet(str(met.get("vkey", "")))
        publish.check(verifier, key, str(answer.get("note", "")))
        return key

    async def pseudonym_keys(self, ingest: str, days: Iterable[int]) -> dict[int, bytes | None]:
        """Return the key (32 bytes) of each day, None where there is none any more, or not yet.

        ``days`` count from 1970-01-01, by the clocks of sites. Keys that have expired are forgotten
        here as well.
        """
        self.forget_due()
        wanted = sorted(set(days))
        missing = [
            d for d in wanted if (ingest, d) not in self._keys and (ingest, d) not in self._gone
        ]
        for start in range(0, len(missing), _DAYS_A_REQUEST):
            await self._lend(ingest, missing[start : start + _DAYS_A_REQUEST])
        return {day: self._kept(ingest, day) for day in wanted}

    async def end_ingest(self, ingest: str) -> None:
        """Have the keys of a backfill destroyed; forgets them here as well."""
        await self._ask("POST", f"/v1/ingest/{quote(ingest, safe='')}/end")
        self._keys = {k: v for k, v in self._keys.items() if k[0] != ingest}

    async def status(self) -> dict[str, object]:
        """Return which keys are alive and until when, and how many are overdue."""
        return await self._ask("GET", "/v1/status")

    async def expire(self) -> dict[str, object]:
        """Have destroyed what is due, now."""
        return await self._ask("POST", "/v1/expire")

    def _kept(self, ingest: str, day: int) -> bytes | None:
        key = self._keys.get((ingest, day))
        return None if key is None else key.key

    async def _lend(self, ingest: str, days: list[int]) -> None:
        listed = ",".join(map(str, days))
        answer = await self._ask(
            "GET", f"/v1/split/pseudonym?ingest={quote(ingest, safe='')}&days={listed}"
        )
        self._keys.update({(ingest, day): key for day, key in _pseudonym_keys(answer).items()})
        # Only a day that lies behind is gone for good; a key for one ahead is made in time.
        today = day_of(self._clock())
        gone = {(ingest, day) for day in days if day <= today and (ingest, day) not in self._keys}
        self._gone = self._gone | gone if len(self._gone) < _GONE_KEPT else gone

    def forget_due(self) -> None:
        """Forget keys that have expired; to be called now and then where none are asked for."""
        now = seconds(self._clock())
        if self._sealing is not None and self._sealing.expires <= now:
            self._sealing, self._next = self._next, None
        if self._sealing is not None and self._sealing.expires <= now:
            self._sealing = None
        if any(key.expires <= now for key in self._keys.values()):
            self._keys = {k: v for k, v in self._keys.items() if v.expires > now}

    async def receipts(self) -> list[dict[str, Any]]:
        """Return the receipts of what was destroyed, oldest first."""
        found = (await self._ask("GET", "/v1/receipts")).get("receipts")
        if not isinstance(found, list):
            raise IntegrityError("key service: the answer holds no receipts")
        return found

    async def _ask(self, method: str, path: str, tries: int = 0) -> dict[str, object]:
        wait = _FIRST_WAIT
        why = ""
        for attempt in range(tries or self._patience.tries):
            if attempt:
                await self._patience.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            try:
                async with self._connected().request(method, self._base + path) as response:
                    status, body = response.status, await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                why = type(error).__name__
                continue
            if status in _REFUSED:
                raise SettingsError("key service: refuses our token; check keys.token_file")
            if status in {200, _GONE}:
                return taken(body)
            why = f"HTTP {status}"
        raise UnavailableError(f"key service does not answer ({why})")

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.UnixConnector(self._socket) if self._socket else None
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=_TIMEOUT,
                headers={"Authorization": f"Bearer {self._token}"},
            )
        return self._session


def _sealing_key(answer: dict[str, object]) -> SealingKey:
    try:
        return SealingKey(
            key_id=str(answer["key_id"]),
            day=int(str(answer["day"])),
            public=_secret(answer["public"]),
            token_key=_secret(answer["token_key"]),
            expires=int(str(answer["expires"])),
        )
    except (KeyError, ValueError) as error:
        raise IntegrityError("key service: the answer holds no sealing key") from error


def _pseudonym_keys(answer: dict[str, object]) -> dict[int, PseudonymKey]:
    try:
        lent = answer["keys"]
        if not isinstance(lent, dict):
            raise TypeError  # noqa: TRY301 - told once, below
        return {
            int(day): PseudonymKey(_secret(key["key"]), int(key["expires"]))
            for day, key in lent.items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError("key service: the answer holds no pseudonym keys") from error


def _secret(text: object) -> bytes:
    secret = base64.b64decode(str(text), validate=True)
    if len(secret) != KEY_BYTES:
        raise ValueError(len(secret))
    return secret
