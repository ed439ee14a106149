"""What every request passes before a handler sees it, and what comes of its errors.

A POST must come from a page of ours. A browser says so itself (``Sec-Fetch-Site``), and since our
pages tell nobody where they are (``Referrer-Policy: no-referrer``), it then calls the origin of
their forms ``null``. Without that header the origin must be ours by name. The form token is asked
for in either case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline import clients, logs, metrics, rates
from pipeline.cases.people import Person
from pipeline.clock import Clock
from pipeline.errors import RefusedError, UnavailableError, UsageError
from pipeline.web import forms
from pipeline.web.failures import TurnedAwayError
from pipeline.web.forms import Form
from pipeline.web.rendering import FORM_TOKEN, Rendering
from pipeline.web.sessions import Cookies, Session, Sessions
from pipeline.web.visits import Alarm, D, Page, Visit
from pipeline.web.wording import on_pages

_log = logs.get("web")

SIGN_IN: Final = "/sign-in"


def as_ever(_: Person) -> bool:
    """Say that roles stay what they were at the sign-in: a provider's word holds that long."""
    return True


def _quiet() -> Sequence[Alarm]:
    """Return no alarm."""
    return ()


@dataclass(frozen=True, slots=True)
class Door:
    """Sessions, rates and cookies of one app."""

    origin: str
    sessions: Sessions
    cookies: Cookies
    sign_ins: rates.Rates
    searches: rates.Rates
    proxies: Sequence[clients.Network]
    clock: Clock
    rendering: Rendering
    alarms: Callable[[], Sequence[Alarm]] = _quiet
    still: Callable[[Person], bool] = as_ever
    """Whether somebody is who they were at the sign-in; asked on a thread, for every request."""

    def client(self, request: Request) -> str:
        """Return whose requests are counted together: an address, which stays in this process."""
        peer = request.client.host if request.client is not None else ""
        return clients.client(peer, request.headers.get("x-forwarded-for"), self.proxies)

    def check_origin(self, request: Request) -> None:
        """Raise TurnedAwayError unless a page of ours sent the request."""
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        ours = {self.origin} if site is None else {self.origin, "null", None}
        if site not in {None, "same-origin"} or origin not in ours:
            raise TurnedAwayError("origin")

    def check_token(self, name: str, form: Form) -> None:
        """Raise TurnedAwayError unless the form was shown to the session or visitor ``name``."""
        if not self.sessions.is_token(name, form.one(FORM_TOKEN)):
            raise TurnedAwayError("token")

    def check_rate(self, rate: rates.Rates, *whose: str) -> None:
        """Take a token of each; raise TurnedAwayError where one has none left."""
        waits = [rate.take(one) for one in whose]
        if any(waits):
            raise TurnedAwayError("rate", max(waits))

    def entered(self, request: Request) -> tuple[str, Session] | None:
        """Return the session's name and the session, where there is a good one."""
        name = self.cookies.session(request)
        session = self.sessions.find(name)
        return None if name is None or session is None else (name, session)

    async def visit(
        self, request: Request, page: Page[D], desk: D, menu: Sequence[Page[D]]
    ) -> Response:
        """Answer a request for a page: by its handler, or by saying what is missing."""
        changes = page.method == "POST"
        if changes:
            self.check_origin(request)
        entered = self.entered(request)
        if entered is None:
            if changes:
                raise TurnedAwayError("session")
            return RedirectResponse(SIGN_IN, 303)
        name, session = entered
        if not await run_in_threadpool(self.still, session.person):
            self.sessions.end(name)
            if changes:
                raise TurnedAwayError("session")
            return RedirectResponse(SIGN_IN, 303)
        form = await forms.read(request) if changes else Form()
        if changes:
            self.check_token(name, form)
        if not page.is_for(session.person):
            raise TurnedAwayError("role")
        if page.rate == "search":
            self.check_rate(self.searches, f"session {name}", f"client {self.client(request)}")
        visit = Visit(
            page=page,
            person=session.person,
            desk=desk,
            form=form,
            path=request.path_params,
            now=self.clock(),
            csrf=self.sessions.token(name),
            menu=tuple((one.path, one.menu or "") for one in menu if one.is_for(session.person)),
            rendering=self.rendering,
            alarms=tuple(await run_in_threadpool(self.alarms)),
            kept=session.kept,
        )
        return await page.handler(visit)


def troubled(rendering: Rendering) -> dict[type[Exception], Callable[..., Response]]:
    """Return what comes of errors that a handler, or the door, raises on purpose."""

    def turned_away(_: Request, error: TurnedAwayError) -> Response:
        metrics.WEB_REFUSED.labels(error.trouble).inc()
        return rendering.trouble(error.trouble, seconds=error.seconds)

    def usage(_: Request, error: UsageError) -> Response:
        return rendering.trouble("usage", on_pages(error))

    def refused(_: Request, error: RefusedError) -> Response:
        return rendering.trouble("refused", on_pages(error))

    def unavailable(request: Request, error: UnavailableError) -> Response:
        # An act is in the log and in the case store before the key service hears of it.
        _log.error("a service does not answer", reason=str(error))
        return rendering.trouble("unavailable" if request.method == "GET" else "perhaps")

    return {
        TurnedAwayError: turned_away,
        UsageError: usage,
        RefusedError: refused,
        UnavailableError: unavailable,
    }
