"""Signing in and out. The audit log is told before either takes effect, or it does not happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pipeline import logs, metrics
from pipeline.web import forms
from pipeline.web.door import SIGN_IN, Door
from pipeline.web.failures import TurnedAwayError
from pipeline.web.oidc import RETURN, SIGNED_OUT
from pipeline.web.sessions import new_name
from pipeline.web.signin import Onward, Refused, SignedIn, SignIn

Fact = str | int | bool | None | list[str]
Audit = Callable[[str, str, str, Mapping[str, Fact]], None]
"""Act, actor, outcome, facts. It has been written for good when it returns; else it raises."""

_log = logs.get("web")


@dataclass(frozen=True, slots=True)
class Passage:
    """The pages that a person needs no session for."""

    door: Door
    sign_in: SignIn
    audit: Audit

    def routes(self) -> list[Route]:
        """Return its pages."""
        return [
            Route(SIGN_IN, self.offer, methods=["GET"]),
            Route(SIGN_IN, self.begin, methods=["POST"]),
            Route(RETURN, self.finish, methods=["GET"]),
            Route("/sign-out", self.leave, methods=["POST"]),
            Route(SIGNED_OUT, self.left, methods=["GET"]),
        ]

    async def offer(self, request: Request) -> Response:
        """Show the sign-in page to whoever is not signed in."""
        if self.door.entered(request) is not None:
            return RedirectResponse("/", 303)
        known = self.door.cookies.visitor(request)
        visitor = known or new_name()
        values = {"people": await self.sign_in.people(), "csrf": self.door.sessions.token(visitor)}
        response = self.door.rendering.page("sign-in.html", "Sign in", values)
        if known is None:
            self.door.cookies.set_visitor(response, visitor)
        return response

    async def begin(self, request: Request) -> Response:
        """Take the sign-in page's form."""
        self.door.check_origin(request)
        self.door.check_rate(self.door.sign_ins, self.door.client(request))
        visitor = self.door.cookies.visitor(request)
        if visitor is None:
            raise TurnedAwayError("token")
        form = await forms.read(request)
        self.door.check_token(visitor, form)
        found = await self.sign_in.begin(visitor, form)
        if isinstance(found, Onward):
            return self.door.rendering.onward(found.url)
        return await self._enter(request, found)

    async def finish(self, request: Request) -> Response:
        """Take a browser back from the provider."""
        self.door.check_rate(self.door.sign_ins, self.door.client(request))
        visitor = self.door.cookies.visitor(request)
        return await self._enter(request, await self.sign_in.finish(visitor, request.query_params))

    async def leave(self, request: Request) -> Response:
        """End a session, here and at the provider."""
        self.door.check_origin(request)
        entered = self.door.entered(request)
        if entered is None:
            return RedirectResponse(SIGNED_OUT, 303)
        name, session = entered
        self.door.check_token(name, await forms.read(request))
        await self._tell("logout", session.person.name, "allowed", {})
        self.door.sessions.end(name)
        onward = await self.sign_in.leave(session.hint)
        response = self.door.rendering.onward(SIGNED_OUT if onward is None else onward.url)
        self.door.cookies.drop_session(response)
        return response

    async def left(self, request: Request) -> Response:
        """Say that nobody is signed in any more."""
        if self.door.entered(request) is not None:
            return RedirectResponse("/", 303)
        return self.door.rendering.page("signed-out.html", "Signed out", {})

    async def _enter(self, request: Request, found: SignedIn | Refused) -> Response:
        if isinstance(found, Refused):
            await self._tell("login", found.actor, "refused", {"reason": found.reason})
            metrics.WEB_REFUSED.labels(f"sign-in {found.reason}").inc()
            return self.door.rendering.trouble("sign-in")
        person = found.person
        await self._tell(
            "login",
            person.name,
            "allowed",
            {"way": self.sign_in.way, "roles": sorted(person.roles), "team": person.team},
        )
        self.door.sessions.end(self.door.cookies.session(request))
        response = self.door.rendering.onward("/")
        self.door.cookies.set_session(response, self.door.sessions.begin(person, found.hint))
        return response

    async def _tell(self, act: str, actor: str, outcome: str, facts: Mapping[str, Fact]) -> None:
        """Write to the audit log; raises TurnedAwayError where that fails, whatever it fails of."""
        try:
            await run_in_threadpool(self.audit, act, actor, outcome, facts)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the act must not happen
            _log.error("the audit log was not written, so an act was refused", error=error)
            raise TurnedAwayError("audit") from None
