"""The script and the demonstration page, read once and served from memory."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

_FOLDER: Final = Path(__file__).parent / "static"
_SHORT: Final = "public, max-age=3600, stale-while-revalidate=86400"
"""An hour: long enough for a visit, short enough to mend a mistake on every page in one."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file as it is served, plain and packed, under an entity tag of its content."""

    body: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    headers: dict[str, str]

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Return it, packed for who can unpack it, or 304 for who has it already."""
        if request.headers.get("If-None-Match", "") == self.headers["ETag"]:
            return web.Response(status=304, headers=self.headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers = self.headers | {"Content-Encoding": "gzip"}
            return web.Response(body=self.packed, headers=headers)
        return web.Response(body=self.body, headers=self.headers)


def script() -> Page:
    """Return ``partywall.js``, which any page may load."""
    return _page(
        "partywall.js",
        {
            "Content-Type": "text/javascript; charset=utf-8",
            "Cache-Control": _SHORT,
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


def demo() -> Page:
    """Return the page with a small widget, which loads nothing from elsewhere."""
    return _page(
        "demo.html",
        {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src data:",
            "Referrer-Policy": "strict-origin-when-cross-origin",
        },
    )


def _page(name: str, headers: dict[str, str]) -> Page:
    body = (_FOLDER / name).read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    common = {"ETag": tag, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    return Page(body, gzip.compress(body, 9, mtime=0), common | headers)
