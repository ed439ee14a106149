"""Pages, and what they load, all of it ours: style, script, map and chart library.

Static files have their digest in their
path, so a browser keeps them for good; they are packed once, when the process starts.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.views import drawing

_HERE: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
STATIC: Final = "/static/{digest}/{name:path}"


class Rendering:
    """Makes pages and serves what they load."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytes, bytes]] = {}
        for folder in (_HERE / "static", drawing.HERE / "static"):
            for path in sorted(folder.rglob("*")):
                if path.suffix in _TYPES:
                    content = path.read_bytes()
                    digest = hashlib.sha256(content).hexdigest()[:16]
                    packed = gzip.compress(content, 9, mtime=0)
                    self._files[str(path.relative_to(folder))] = (digest, content, packed)
        self._templates = drawing.environment(
            _HERE / "templates", world=lambda: self._path("world.svg"), alone=False
        )
        self._templates.globals["static"] = self._path

    def text(self, template: str, values: Mapping[str, object]) -> str:
        """Return what a template comes to."""
        return self._templates.get_template(template).render(values)

    def page(self, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        """Return a page. The layout wants to know ``title``."""
        return HTMLResponse(self.text(template, values), status)

    def trouble(self, title: str, sentence: str, status: int) -> Response:
        """Return a page that says what is wrong and what to do."""
        return self.page("trouble.html", {"title": title, "sentence": sentence}, status)

    async def static(self, request: Request) -> Response:
        """Answer with a file, packed for who takes it so."""
        name = request.path_params["name"]
        digest, content, packed = self._files.get(name, ("", b"", b""))
        if not digest or request.path_params["digest"] != digest:
            raise HTTPException(404)
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "vary": "accept-encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", "") and len(packed) < len(content):
            content, headers["content-encoding"] = packed, "gzip"
        return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)

    def _path(self, name: str) -> str:
        return f"/static/{self._files[name][0]}/{name}"
