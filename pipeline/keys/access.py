"""Who may reach which route of the key service, and how errors of ours are answered."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import stat
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from pipeline.errors import (
    IntegrityError,
    PartywallError,
    RefusedError,
    SettingsError,
    UnavailableError,
    UsageError,
)
from pipeline.keys.asking import TooManyError
from pipeline.keys.sockets import listens

SPLIT: Final = "split"
INVESTIGATIONS: Final = "investigations"
ROLES: Final = (SPLIT, INVESTIGATIONS)
BOTH: Final = frozenset(ROLES)
LEAST_TOKEN: Final = 32
TOO_MANY: Final = 413
_STATUSES: Final[dict[type[PartywallError], int]] = {
    RefusedError: 403,
    IntegrityError: 422,
    UsageError: 400,
    UnavailableError: 503,
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refused = Callable[[str | None, str], None]
"""Told of each refused request: the role, None for a token that is nobody's, and the route."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, what answers there, and which roles may ask."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[str]


class BadRequestError(Exception):
    """A request that no client of ours makes."""


class Doors:
    """The routes of an application, each behind a role's bearer token."""

    def __init__(
        self, tokens: Mapping[str, str], routes: Iterable[Route], refused: Refused
    ) -> None:
        """Take the token of each role; raises SettingsError for a short, shared or missing one."""
        if SPLIT not in tokens or any(len(token) < LEAST_TOKEN for token in tokens.values()):
            raise SettingsError(
                f"key service: give the role {SPLIT} a token of {LEAST_TOKEN} characters or more"
            )
        if set(tokens) - BOTH:
            raise SettingsError(f"key service: a token's role is one of {', '.join(ROLES)}")
        if len(set(tokens.values())) < len(tokens):
            raise SettingsError("key service: two roles share a token; give each its own")
        self._roles = {_digest(token): role for role, token in tokens.items()}
        self._routes = list(routes)
        self._refused = refused

    def app(self, most_bytes: int) -> web.Application:
        """Return the application; a body may have ``most_bytes``."""
        app = web.Application(
            middlewares=[answer_errors, self._authorise], client_max_size=most_bytes
        )
        app.add_routes([web.route(r.method, r.path, r.handler) for r in self._routes])
        return app

    @web.middleware
    async def _authorise(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = _digest(token)
        role = next((r for d, r in self._roles.items() if secrets.compare_digest(d, given)), None)
        resource = request.match_info.route.resource
        path = "" if resource is None else resource.canonical
        if scheme != "Bearer" or role is None:
            self._refused(None, path)
            return problem(401, "a bearer token is needed")
        known = [r for r in self._routes if r.path == path]
        if known and not any(role in r.roles for r in known if r.method == request.method):
            self._refused(role, path)
            return problem(403, f"the role {role} may not ask this")
        return await handler(request)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer our errors as JSON ``{"error": why}``; no message of ours holds a secret."""
    try:
        return await handler(request)
    except BadRequestError as error:
        return problem(400, str(error))
    except PartywallError as error:
        return problem(_status(error), str(error))


def _status(error: PartywallError) -> int:
    if isinstance(error, TooManyError):
        return TOO_MANY
    found = (status for kind, status in _STATUSES.items() if isinstance(error, kind))
    return next(found, 500)


def problem(status: int, why: str) -> web.Response:
    """Return an answer that says what is wrong."""
    return web.json_response({"error": why}, status=status)


def listen(url: str) -> tuple[str, socket.socket]:
    """Bind ``unix://PATH`` or ``http://HOST:PORT``; return the URL bound and the socket.

    A Unix socket is never open to others, not even for a moment, and not taken from a service that
    listens at it. Raises SettingsError, OSError.
    """
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname is not None and parts.port is not None:
        listener = socket.create_server((parts.hostname, parts.port))
        return f"http://{parts.hostname}:{listener.getsockname()[1]}", listener
    if parts.scheme != "unix":
        raise SettingsError(f"key service: {url} is neither unix://PATH nor http://HOST:PORT")
    path = Path(parts.netloc + parts.path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if listens(path):
        raise SettingsError(
            f"key service: one runs at {url} already: stop it first, or choose another keys.url"
        )
    path.unlink(missing_ok=True)  # left by one that was killed
    # A folder hands its group down by its setgid bit: by that alone the socket is the group's too.
    shared = path.parent.stat().st_mode & stat.S_ISGID
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117 if shared else 0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return url, listener


def _digest(token: str) -> bytes:
    """Tokens are compared by digest, in constant time whatever their lengths."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
