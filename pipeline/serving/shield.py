"""The outermost layer: what each answer says to a browser, whoever made it.

A page of ours runs no script and loads no style, picture or font but ours, is put in nobody's
frame, asks and sends forms to nobody else, tells nobody where it was left for, and is kept in no
cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline import logs, metrics

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=(), "
        "payment=(), usb=()"
    ),
}
_A_YEAR: Final = "max-age=31536000"

_log = logs.get("web")


class Shield:
    """Wraps the app; takes requests for ``origin`` alone, so no other name can be rebound to us."""

    def __init__(self, app: ASGIApp, origin: str, failed: Callable[[str], Response]) -> None:
        self._app = app
        self._host = urlsplit(origin).netloc.lower()
        self._https = origin.startswith("https://")
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI); there is nothing here for other kinds of connection."""
        if scope["type"] != "http":
            return
        begun = ended = False

        async def guarded(message: Message) -> None:
            nonlocal begun, ended
            if message["type"] == "http.response.start":
                begun = True
                self._mark(MutableHeaders(scope=message))
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        if Headers(scope=scope).get("host", "").lower() != self._host:
            metrics.WEB_REFUSED.labels("host").inc()
            await self._failed("host")(scope, receive, guarded)
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 -- its text may quote a record: type and place do
            metrics.WEB_FAILED.inc()
            _log.error("a page failed", error=error)
            if begun and not ended:
                raise ConnectionAbortedError from None  # half an answer must not pass for a whole
            if not begun:
                await self._failed("broken")(scope, receive, guarded)

    def _mark(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        if self._https:
            headers["strict-transport-security"] = _A_YEAR
        headers.setdefault("cache-control", "no-store")
