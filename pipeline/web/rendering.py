"""Templates and what they draw on: our own style, script and mark, under names with their digest.

Every value is escaped, and one that is missing is an error. A page's title is its constant one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.web.failures import TROUBLES
from pipeline.web.wording import left, minute, moment

_HERE: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FORM_TOKEN: Final = "form-token"  # noqa: S105 -- a field's name
STATIC: Final = "/static/{digest}/{name}"


class Rendering:
    """Makes pages. ``idle_seconds``: a page left alone for so long leaves the screen by itself."""

    def __init__(self, idle_seconds: int) -> None:
        files = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
        self._files = {
            name: (hashlib.sha256(content).hexdigest()[:16], content)
            for name, content in files.items()
        }
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["static"] = self._path
        self._templates.globals["form_token"] = _form_token
        self._templates.globals["idle_seconds"] = idle_seconds
        self._templates.filters["moment"] = moment
        self._templates.filters["minute"] = minute
        self._templates.filters["left"] = left

    def page(
        self, template: str, title: str, values: Mapping[str, object], status: int = 200
    ) -> Response:
        """Return a page. The layout wants to know ``person`` and ``menu``: None and () are fine."""
        nobody = {"person": None, "menu": (), "csrf": None, "here": None, "alarms": ()}
        known = {**nobody, **values, "title": title}
        text = self._templates.get_template(template).render(known)
        return HTMLResponse(text, status)

    def trouble(self, name: str, said: str | None = None, seconds: int | None = None) -> Response:
        """Return the page of a trouble; ``said`` is a message of our own errors."""
        trouble = TROUBLES[name]
        values = {"sentence": said or trouble.sentence}
        response = self.page("trouble.html", trouble.title, values, trouble.status)
        if seconds is not None:
            response.headers["retry-after"] = str(seconds)
        return response

    def onward(self, url: str) -> Response:
        """Return a page that goes on to ``url`` by itself.

        A redirect would be stopped: a form may be sent to us alone (``form-action``), and a
        SameSite=Strict cookie does not go along with a redirect that began at another site.
        """
        return self.page("onward.html", "One moment", {"url": url})

    async def static(self, request: Request) -> Response:
        """Answer with a file; its digest is in its path, so it may be kept for good."""
        name = request.path_params["name"]
        digest, content = self._files.get(name, ("", b""))
        if not digest or request.path_params["digest"] != digest:
            raise HTTPException(404)
        kept = {"cache-control": "private, max-age=31536000, immutable"}
        return Response(content, media_type=_TYPES[Path(name).suffix], headers=kept)

    def _path(self, name: str) -> str:
        return STATIC.format(digest=self._files[name][0], name=name)


@pass_context
def _form_token(context: Context) -> Markup:
    """Return the hidden field that each form must bring back."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, context["csrf"])
