"""Sessions of a case: short-lived tokens in memory, each good for what its grant allows now."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from pipeline.errors import RefusedError
from pipeline.keys.asking import Grant
from pipeline.keys.grants import Grants

SECONDS: Final = 15 * 60
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """Who works on which case, under which of its grants, until when (seconds since 1970 UTC)."""

    case: str
    person: str
    number: int
    expires: int


class Sessions:
    """All sessions there are; a restart of the service ends them."""

    def __init__(self, grants: Grants) -> None:
        """Take the grants that every use is held against."""
        self._grants = grants
        self._open: dict[bytes, Session] = {}

    def open(self, grant: Grant, person: str, now: int) -> tuple[str, Session]:
        """Return a token and its session, at most SECONDS long and never beyond the grant."""
        self._open = {d: s for d, s in self._open.items() if s.expires > now}
        if len(self._open) >= _MOST:
            raise RefusedError("session: too many are open; let some end")
        token = secrets.token_urlsafe(32)
        expires = min(now + SECONDS, grant.expires)
        session = Session(grant.case, person, grant.number, expires)
        self._open[_digest(token)] = session
        return token, session

    def of(self, token: str) -> Session | None:
        """Return the session of a token, ended or not; None for a token that is nobody's."""
        return self._open.get(_digest(token))

    def grant_of(self, session: Session, now: int) -> Grant:
        """Return the grant that a session works under; raises RefusedError where it has ended."""
        grant = self._grants.of(session.case)
        if grant is None or grant.revoked is not None or grant.number != session.number:
            raise RefusedError("session: the case was closed or changed; ask for a new approval")
        if not grant.alive(now):
            raise RefusedError("session: the case's time is over; have an extension approved")
        if session.expires <= now:
            raise RefusedError("session: it has ended; open another while the case is open")
        return grant


def _digest(token: str) -> bytes:
    """Tokens are looked up by digest, so that no comparison tells how much of one is right."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
