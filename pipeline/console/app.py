"""The app: pages of sites behind a sign-in, shared pages beside it, a shield around both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from pipeline.console.pages import Pages
from pipeline.console.rendering import STATIC
from pipeline.errors import UnavailableError, UsageError
from pipeline.serving.shield import Shield

_LEAST_PACKED = 600


def make_app(pages: Pages, routes: Sequence[BaseRoute] = ()) -> ASGIApp:
    """Return the app. ``routes`` are those of the API, which have a door of their own."""
    rendering = pages.rendering

    def trouble(name: str) -> Response:
        told = _TROUBLES.get(name, _TROUBLES["broken"])
        return rendering.trouble(*told)

    async def refused(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return trouble("missing" if status in {404, 405} else "broken")

    async def asked_wrong(_: Request, error: Exception) -> Response:
        return rendering.trouble("That cannot be shown", str(error), 400)

    async def away(_: Request, __: Exception) -> Response:
        return trouble("away")

    get: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        (STATIC, rendering.static),
        ("/", pages.start),
        ("/enter", pages.enter),
        ("/sign-in", pages.sign_in),
        ("/sites/{site}", pages.site),
        ("/sites/{site}/cards/{card}", pages.card),
        ("/shared/{link}", pages.shared),
        ("/shared/{link}/cards/{card}", pages.shared_card),
    ]
    post: list[tuple[str, Callable[[Request], Awaitable[Response]]]] = [
        ("/sign-in", pages.signed_in),
        ("/sign-out", pages.sign_out),
        ("/sites/{site}/share", pages.share),
    ]
    app = Starlette(
        routes=[
            *(Route(path, answer, methods=["GET"]) for path, answer in get),
            *(Route(path, answer, methods=["POST"]) for path, answer in post),
            *routes,
        ],
        exception_handlers={
            HTTPException: refused,
            UsageError: asked_wrong,
            UnavailableError: away,
        },
    )
    app.router.redirect_slashes = False
    packed = GZipMiddleware(app, minimum_size=_LEAST_PACKED)
    return Shield(packed, pages.entrance.origin, trouble)


_TROUBLES = {
    "missing": ("No such page", "Go to the start page and on from there.", 404),
    "host": (
        "Wrong address",
        "These pages are not served under this name. Use the address that you were given.",
        400,
    ),
    "away": (
        "Not at the moment",
        "The tables do not answer. They may be starting: try again in a minute.",
        503,
    ),
    "broken": (
        "That went wrong",
        "It is our fault and has been noted. Try again; where it stays, tell whoever runs these "
        "pages the time at which it happened.",
        500,
    ),
}
"""Title, sentence and status; all are constant."""
