"""The app: its pages behind the door, the door behind the shield."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipeline.cases.people import Person
from pipeline.clients import networks
from pipeline.clock import Clock, Stopwatch
from pipeline.rates import Rates
from pipeline.serving.shield import Shield
from pipeline.settings import Investigations
from pipeline.web.door import Door, as_ever, troubled
from pipeline.web.failures import BY_STATUS
from pipeline.web.home import home
from pipeline.web.passage import Audit, Passage
from pipeline.web.rendering import STATIC, Rendering
from pipeline.web.sessions import Cookies, Sessions
from pipeline.web.signin import SignIn
from pipeline.web.visits import Alarm, D, Page

_REMEMBERED: Final = 16_384
"""How many clients and sessions have a rate of their own."""


def make_app(
    settings: Investigations,
    sign_in: SignIn,
    desk: D,
    pages: Sequence[Page[D]] = (),
    *,
    origin: str,
    audit: Audit,
    clock: Clock,
    stopwatch: Stopwatch,
    sessions: Sessions | None = None,
    alarms: Callable[[], Sequence[Alarm]] = tuple,
    still: Callable[[Person], bool] = as_ever,
) -> ASGIApp:
    """Return the app that serves ``pages`` at ``origin``; raises SettingsError.

    ``desk`` is what handlers find in ``visit.desk``. The start page is the one of ``pages`` at
    ``/``, else what roles there are. ``alarms`` is asked, on a thread, for every page, and so is
    ``still``: whether somebody is who they were at the sign-in.
    """
    sessions = sessions or make_sessions(settings, clock)
    idle = sessions.idle
    rendering = Rendering(int(idle.total_seconds()))
    door = Door(
        origin=origin,
        sessions=sessions,
        cookies=Cookies(origin),
        sign_ins=Rates(settings.sign_ins_per_minute, stopwatch, remembered=_REMEMBERED),
        searches=Rates(settings.searches_per_minute, stopwatch, remembered=_REMEMBERED),
        proxies=networks(settings.trusted_proxies, "investigations.trusted_proxies"),
        clock=clock,
        rendering=rendering,
        alarms=alarms,
        still=still,
    )
    start: list[Page[D]] = [Page("/", "Investigations", home, menu="Start")]
    served = [*([] if any(page.path == "/" for page in pages) else start), *pages]
    menu = [page for page in served if page.menu is not None]
    app = Starlette(
        routes=[
            Route(STATIC, rendering.static, methods=["GET"]),
            *Passage(door, sign_in, audit).routes(),
            *(_route(page, door, desk, menu) for page in served),
        ],
        exception_handlers={
            HTTPException: lambda _, error: rendering.trouble(
                BY_STATUS.get(getattr(error, "status_code", 0), "broken")
            ),
            Exception: lambda _, __: rendering.trouble("broken"),
            **troubled(rendering),
        },
    )
    app.router.redirect_slashes = False
    return Shield(app, origin, rendering.trouble)


def make_sessions(settings: Investigations, clock: Clock) -> Sessions:
    """Return sessions that end as the settings have it."""
    idle = dt.timedelta(minutes=settings.idle_minutes)
    return Sessions(idle, dt.timedelta(hours=settings.session_hours), clock)


def _route(page: Page[D], door: Door, desk: D, menu: Sequence[Page[D]]) -> Route:
    async def answer(request: Request) -> Response:
        return await door.visit(request, page, desk, menu)

    return Route(page.path, answer, methods=[page.method], name=f"{page.method} {page.path}")
