"""Signing in and out, and where a form came from.

On a laptop the link that ``partywall up`` prints holds a word from a private file of the data
folder; in service people have tokens of their own. Either becomes a signed cookie that other sites
cannot send along (``SameSite=Strict``) and scripts cannot read.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from pipeline.console.signing import Signer, Viewer
from pipeline.errors import IntegrityError, RefusedError, UsageError

Known = Callable[[str], Viewer | None]
"""Returns whose token it is; None for nobody's."""

_FORM: Final = "application/x-www-form-urlencoded"
_LARGEST: Final = 16 * 1024


def by_word(word: str, name: str) -> Known:
    """Return what knows one word, and takes who has it for the person at this machine."""

    def known(token: str) -> Viewer | None:
        same = secrets.compare_digest(token.encode("utf-8", "replace"), word.encode())
        return Viewer(name) if same else None

    return known


def first_of(*ways: Known) -> Known:
    """Return what asks one after the other."""

    def known(token: str) -> Viewer | None:
        found = [viewer for viewer in (way(token) for way in ways) if viewer is not None]
        return found[0] if found else None

    return known


@dataclass(frozen=True, slots=True)
class Entrance:
    """The cookie of one origin. Where ports share cookies, the port is in its name."""

    origin: str
    signer: Signer
    known: Known
    lasts: dt.timedelta

    @property
    def _cookie(self) -> str:
        parts = urlsplit(self.origin)
        return "__Host-console" if parts.scheme == "https" else f"console-{parts.port or 80}"

    def viewer(self, request: Request) -> Viewer | None:
        """Return who has signed in with this browser."""
        session = request.cookies.get(self._cookie)
        try:
            return None if session is None else self.signer.viewer(session)
        except (IntegrityError, RefusedError):
            return None

    def let_in(self, response: Response, token: str) -> bool:
        """Set the cookie of whose token it is; tell whether it was anybody's."""
        viewer = self.known(token.strip())
        if viewer is None:
            return False
        response.set_cookie(
            self._cookie,
            self.signer.session(viewer, self.lasts),
            max_age=int(self.lasts.total_seconds()),
            path="/",
            secure=self.origin.startswith("https://"),
            httponly=True,
            samesite="strict",
        )
        return True

    def let_out(self, response: Response) -> None:
        """Take the cookie back."""
        response.delete_cookie(
            self._cookie,
            path="/",
            secure=self.origin.startswith("https://"),
            httponly=True,
            samesite="strict",
        )

    def ours(self, request: Request) -> bool:
        """Tell whether a page of this origin sent a form: a browser says so itself.

        Since pages tell nobody where they are, a browser calls their origin ``null``.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is None:
            return origin == self.origin
        return site == "same-origin" and origin in {self.origin, "null", None}


async def form(request: Request) -> Mapping[str, str]:
    """Read a small form; raises UsageError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise UsageError("The form is too large.")
    with contextlib.suppress(ValueError):
        if kind == _FORM:
            return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20))
    raise UsageError("The form cannot be read: load the page again and send it anew.")
