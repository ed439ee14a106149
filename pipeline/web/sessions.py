"""Who is signed in: sessions kept here, of which a browser has a random name and nothing else.

Only a digest of that name is kept, so what is in memory signs nobody in. Two cookies: ``session``
(SameSite=Strict) names a session; ``visitor`` (Lax, so that it comes along when the sign-in
provider sends a browser back) names a browser that is not signed in and stands for nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from pipeline.cases.people import Person
from pipeline.clock import Clock

_MOST: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits in base64url


def new_name() -> str:
    """Return a random name of 256 bits for a session or a visitor."""
    return secrets.token_urlsafe(32)


class Kept(Protocol):
    """Something that pages keep for a session: never longer than that, and never in a browser."""

    def stop(self) -> None:
        """End what is under way, and let go of what is held."""


@dataclass(slots=True)
class Session:
    """A person's, from sign-in on. ``hint`` is what the provider's sign-out wants to be shown.

    ``kept`` goes with it.
    """

    person: Person
    began: dt.datetime
    seen: dt.datetime
    hint: str | None = field(default=None, repr=False)
    kept: dict[str, Kept] = field(default_factory=dict, repr=False)

    def let_go(self) -> None:
        """Stop what was kept for it."""
        for one in self.kept.values():
            one.stop()
        self.kept.clear()


class Sessions:
    """Sessions of this process: they end idle, at their greatest age, or with it."""

    def __init__(self, idle: dt.timedelta, longest: dt.timedelta, clock: Clock) -> None:
        self.idle = idle
        self._longest = longest
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, person: Person, hint: str | None = None) -> str:
        """Begin a session and return its name; the one unseen longest gives way to too many."""
        name, now = new_name(), self._clock()
        self._sessions[_digest(name)] = Session(person, now, now, hint)
        if len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)[1].let_go()
        return name

    def find(self, name: str | None) -> Session | None:
        """Return the session of that name, which counts as seen now; None where it has ended."""
        if name is None:
            return None
        digest, now = _digest(name), self._clock()
        session = self._sessions.get(digest)
        if session is None:
            return None
        if self._over(session, now):
            self._sessions.pop(digest).let_go()
            return None
        session.seen = max(session.seen, now)  # a clock set back gives nobody more time
        self._sessions.move_to_end(digest)
        return session

    def end(self, name: str | None) -> None:
        """End the session of that name, if there is one."""
        session = None if name is None else self._sessions.pop(_digest(name), None)
        if session is not None:
            session.let_go()

    def sweep(self) -> None:
        """End the sessions whose time is over, though nobody asks for them any more."""
        now = self._clock()
        for digest in [d for d, session in self._sessions.items() if self._over(session, now)]:
            self._sessions.pop(digest).let_go()

    def end_all(self) -> None:
        """End every session."""
        while self._sessions:
            self._sessions.popitem()[1].let_go()

    def _over(self, session: Session, now: dt.datetime) -> bool:
        return now - session.seen >= self.idle or now - session.began >= self._longest

    def token(self, name: str) -> str:
        """Return what a form shown to this session, or to this visitor, must bring back."""
        return hmac.new(self._key, b"form " + name.encode("ascii"), hashlib.sha256).hexdigest()

    def is_token(self, name: str, token: str) -> bool:
        """Tell in constant time whether a form brought it back."""
        return hmac.compare_digest(self.token(name).encode(), token.encode("utf-8", "replace"))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()


class Cookies:
    """Sets, reads and takes back the two cookies of an origin.

    Over https they have the ``__Host-`` prefix: no other host can set them. On a loopback, where
    all ports share their cookies, the port is in the name.
    """

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        first, last = ("__Host-", "") if self._secure else ("", f"-{parts.port or 80}")
        self._session, self._visitor = f"{first}session{last}", f"{first}visitor{last}"

    def session(self, request: Request) -> str | None:
        """Return the session's name as the browser has it."""
        return _checked(request.cookies.get(self._session))

    def visitor(self, request: Request) -> str | None:
        """Return the visitor's name as the browser has it."""
        return _checked(request.cookies.get(self._visitor))

    def set_session(self, response: Response, name: str) -> None:
        """Name a session to the browser; the visitor's name has served."""
        response.set_cookie(
            self._session, name, path="/", secure=self._secure, httponly=True, samesite="strict"
        )
        response.delete_cookie(
            self._visitor, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def set_visitor(self, response: Response, name: str) -> None:
        """Name a visitor to the browser."""
        response.set_cookie(
            self._visitor, name, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def drop_session(self, response: Response) -> None:
        """Take the session's name back."""
        response.delete_cookie(
            self._session, path="/", secure=self._secure, httponly=True, samesite="strict"
        )


def _checked(name: str | None) -> str | None:
    return name if name is not None and _NAME.fullmatch(name) else None
