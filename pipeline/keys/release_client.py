"""The case's side of the key service: what the investigations ask it, without an event loop.

Keys and tokens are in memory as long as the caller keeps them. A refusal says what is missing; it
is no failure that another try would mend.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx2 as httpx
import orjson

from pipeline.errors import IntegrityError, SettingsError, UnavailableError, UsageError
from pipeline.keys.answers import (
    error_of,
    halves,
    key_of,
    sought,
    taken,
    text_of,
    wanted_json,
    why_of,
)
from pipeline.keys.asking import (
    MOST_BATCHES,
    Asked,
    CaseSession,
    Grant,
    HeldKey,
    Sought,
    Wanted,
)
from pipeline.keys.material import SealingKey
from pipeline.keys.sockets import listens

_SESSION: Final = "Partywall-Session"
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_TOO_MANY: Final = 413


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried while the service is away; waits double from 0.1 s to 2 s."""

    tries: int = 5
    sleep: Callable[[float], object] = field(default=threading.Event().wait)


class ReleaseClient:
    """Asks the key service on behalf of cases. Use as a context manager; threads may share it.

    Methods raise RefusedError for what is not allowed, UnavailableError once the patience is at an
    end, SettingsError where the service refuses the role's token, IntegrityError where an answer is
    none or a batch is damaged.
    """

    def __init__(self, url: str, token: str, patience: Patience | None = None) -> None:
        """``url`` is ``unix://PATH`` or ``http://HOST:PORT``, ``token`` of ``investigations``."""
        parts = urlsplit(url)
        if parts.scheme not in {"unix", "http", "https"}:
            raise SettingsError(f"key service: {url} is neither unix://PATH nor http://HOST:PORT")
        self._socket = parts.netloc + parts.path if parts.scheme == "unix" else None
        self._base = "http://keys" if self._socket else url.rstrip("/")
        self._patience = patience or Patience()
        # No TLS goes over a socket: a context without authorities spares reading all of them.
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if self._socket else True
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=self._socket, verify=trusted),
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def __repr__(self) -> str:
        return f"ReleaseClient({self._base!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def grant(self, grant: Grant) -> int:
        """Have a grant stored that the service agrees to; return its number within the case."""
        answer = self._ask(
            "POST",
            f"/v1/cases/{_part(grant.case)}/grant",
            {
                "scope": grant.scope.canonical().decode(),
                "approvals": [{"by": one.by, "at": one.at} for one in grant.approvals],
                "requester": grant.requester,
                "category": grant.category,
                "opened": grant.opened,
                "expires": grant.expires,
                "kind": grant.kind,
            },
        )
        return int(answer["number"])

    def revoke(self, case: str, person: str) -> bool:
        """End a case's grant at once; tell whether one was alive."""
        answer = self._ask("POST", f"/v1/cases/{_part(case)}/revoke", {"person": person})
        return bool(answer["revoked"])

    def session(self, case: str, person: str) -> CaseSession:
        """Open a session of some minutes for a person who works on the case."""
        answer = self._ask("POST", f"/v1/cases/{_part(case)}/session", {"person": person})
        return CaseSession(case, str(answer["session"]), int(answer["expires"]))

    def tokens(
        self, session: CaseSession, wanted: Sequence[Wanted], asked: Sequence[str] | None = None
    ) -> list[Sought]:
        """Return the tokens of addresses within the scope; nothing for keys that are gone.

        ``asked`` None stands for all of the scope's, without its networks of more than 1,024
        addresses: records of these are found by time.
        """
        if not wanted:
            return []
        body = {
            "wanted": [wanted_json(one) for one in wanted],
            "addresses": None if asked is None else list(asked),
        }
        status, answer = self._tried("POST", "/v1/release/tokens", body, session)
        if status == _TOO_MANY:
            return [found for half in halves(wanted) for found in self.tokens(session, half, asked)]
        addresses = [str(address) for address in answer["addresses"]]
        return [sought(row, addresses) for row in answer["tokens"]]

    def content_keys(self, session: CaseSession, asked: Sequence[Asked]) -> list[bytes | None]:
        """Return the content key of each batch, None where its key is destroyed."""
        found: list[bytes | None] = []
        for start in range(0, len(asked), MOST_BATCHES):
            part = asked[start : start + MOST_BATCHES]
            batches = [
                {"head": text_of(a.head), "encapsulated": text_of(a.encapsulated)} for a in part
            ]
            answer = self._ask("POST", "/v1/release/content", {"batches": batches}, session)
            keys = [None if key is None else key_of(key) for key in answer["keys"]]
            if len(keys) != len(part):
                raise IntegrityError("key service: the answer is for other batches")
            found += keys
        return found

    def publics(self, session: CaseSession, key_ids: Sequence[str]) -> list[bytes | None]:
        """Return the public half of each sealing key, None where it is destroyed."""
        body = {"key_ids": list(key_ids)}
        answer = self._ask("POST", "/v1/release/publics", body, session)
        return [None if key is None else key_of(key) for key in answer["keys"]]

    def pseudonym_keys(self, session: CaseSession) -> dict[tuple[str, int], bytes]:
        """Return (ingest, day) → pseudonym key, of the scope's days of the last 48 hours."""
        answer = self._ask("POST", "/v1/release/pseudonyms", {}, session)
        return {(str(r["ingest"]), int(r["day"])): key_of(r["key"]) for r in answer["keys"]}

    def place_hold(self, hold: str, case: str, requester: str, approver: str) -> SealingKey:
        """Return the key to seal a hold's records to, made at the first call."""
        body = {"case": case, "requester": requester, "approver": approver}
        answer = self._ask("POST", f"/v1/holds/{_part(hold)}", body)
        return SealingKey(
            key_id=str(answer["key_id"]),
            day=int(answer["day"]),
            public=key_of(answer["public"]),
            token_key=key_of(answer["token_key"]),
            expires=int(answer["expires"]),
        )

    def release_hold(self, hold: str, requester: str, approver: str) -> bool:
        """Have a hold's key destroyed; tell whether there was one."""
        body = {"requester": requester, "approver": approver}
        return bool(self._ask("POST", f"/v1/holds/{_part(hold)}/release", body)["released"])

    def holds(self) -> list[HeldKey]:
        """Return the holds that have a key."""
        rows = self._ask("GET", "/v1/holds", None)["holds"]
        return [HeldKey(str(row["hold"]), str(row["case"]), int(row["made"])) for row in rows]

    def destroy_day(self, day: int, requester: str, approver: str) -> int:
        """Have a day's sealing key destroyed before its time; return how many there were."""
        body = {"requester": requester, "approver": approver}
        return int(self._ask("POST", f"/v1/days/{day}/destroy", body)["destroyed"])

    def status(self) -> dict[str, Any]:
        """Return which keys are alive and until when, and how many are overdue.

        ``sealed_to`` says whether somebody may seal to today's and later ones meanwhile.
        """
        return self._ask("GET", "/v1/status", None)

    def receipts(self) -> list[dict[str, Any]]:
        """Return the receipts of what was destroyed, oldest first."""
        found: list[dict[str, Any]] = self._ask("GET", "/v1/receipts", None)["receipts"]
        return found

    def expire(self) -> int:
        """Have destroyed what is due, now; return how many keys that were."""
        return int(self._ask("POST", "/v1/expire", {})["destroyed"])

    def _ask(
        self, method: str, path: str, body: object, session: CaseSession | None = None
    ) -> dict[str, Any]:
        status, answer = self._tried(method, path, body, session)
        if status == _TOO_MANY:
            raise UsageError(why_of(answer))
        return answer

    def _tried(
        self, method: str, path: str, body: object, session: CaseSession | None
    ) -> tuple[int, dict[str, Any]]:
        """Return status (200 or 413) and answer; every other status is an error of ours."""
        wait, why = _FIRST_WAIT, ""
        headers = {} if session is None else {_SESSION: session.token}
        content = None if body is None else orjson.dumps(body)
        for attempt in range(self._patience.tries):
            if attempt:
                self._patience.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            # The HTTP client forgets to close a connection that was refused.
            if self._socket is not None and not listens(self._socket):
                why = "nobody listens"
                continue
            try:
                response = self._http.request(
                    method, self._base + path, content=content, headers=headers
                )
            except httpx.HTTPError as error:
                why = type(error).__name__
                continue
            status = response.status_code
            if status in {200, _TOO_MANY}:
                return status, taken(response.content)
            if status < 500:  # noqa: PLR2004 -- the rest are the service's own troubles
                raise error_of(status, why_of(taken(response.content)))
            why = f"HTTP {status}"
        raise UnavailableError(f"key service does not answer ({why})")


def _part(name: str) -> str:
    return quote(name, safe="")
