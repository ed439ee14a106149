"""What a browser carries for us, signed: who has signed in, and what a link shows until when.

Both are JWTs (RFC 7519) under HS256 with a key of this console alone. A session is told from a link
by ``use``, so neither passes for the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry

from pipeline.clock import Clock
from pipeline.errors import IntegrityError, RefusedError

_ALGORITHM: Final = "HS256"
_LONGEST: Final = 8192


class EndedError(RefusedError):
    """A session or link was good until ``ended``."""

    def __init__(self, ended: dt.datetime) -> None:
        super().__init__("it is over")
        self.ended = ended


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who has signed in. ``sites``: which ones they may see; None: every one."""

    name: str
    sites: frozenset[str] | None = None

    def sees(self, site: str) -> bool:
        """Tell whether a site is theirs to see."""
        return self.sites is None or site in self.sites


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows: one view of one site, until ``ends``."""

    site: str
    query: str
    ends: dt.datetime


class Signer:
    """Signs, and reads what it has signed."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._key = OctKey.import_key(secret.encode("ascii"))
        self._registry = JWSRegistry(algorithms=[_ALGORITHM])
        self._clock = clock

    def session(self, viewer: Viewer, lasts: dt.timedelta) -> str:
        """Return a session for somebody."""
        sites = None if viewer.sites is None else sorted(viewer.sites)
        return self._sign("session", lasts, {"name": viewer.name, "sites": sites})

    def viewer(self, session: str) -> Viewer:
        """Return whose a session is; raises IntegrityError, EndedError."""
        claims = self._read("session", session)
        name, sites = claims.get("name"), claims.get("sites")
        if not isinstance(name, str) or not (sites is None or _are_texts(sites)):
            raise IntegrityError("a session says nobody's name")
        return Viewer(name, None if sites is None else frozenset(sites))

    def link(self, site: str, query: str, lasts: dt.timedelta) -> str:
        """Return what a link to one view of one site has in its path."""
        return self._sign("link", lasts, {"site": site, "query": query})

    def shared(self, link: str) -> Shared:
        """Return what a link shows; raises IntegrityError, EndedError."""
        claims = self._read("link", link)
        if not _are_texts([claims.get("site"), claims.get("query")]):
            raise IntegrityError("a link says no view")
        return Shared(claims["site"], claims["query"], _moment(claims["exp"]))

    def _sign(
        self, use: Literal["session", "link"], lasts: dt.timedelta, claims: Mapping[str, object]
    ) -> str:
        ends = int((self._clock() + lasts).timestamp())
        signed = {"use": use, "exp": ends, **claims}
        return jwt.encode({"alg": _ALGORITHM}, signed, self._key, registry=self._registry)

    def _read(self, use: Literal["session", "link"], token: str) -> Mapping[str, Any]:
        if len(token) > _LONGEST:
            raise IntegrityError("it is too long to be ours")
        try:
            claims = jwt.decode(token, self._key, registry=self._registry).claims
        except (JoseError, ValueError, TypeError):
            raise IntegrityError("it was not signed here") from None
        if claims.get("use") != use or not isinstance(claims.get("exp"), int):
            raise IntegrityError("it was signed for something else")
        if self._clock() >= _moment(claims["exp"]):
            raise EndedError(_moment(claims["exp"]))
        return claims


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _are_texts(found: object) -> bool:
    return isinstance(found, Sequence) and all(isinstance(one, str) for one in found)
