"""What answers at each address."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.clock import Clock
from pipeline.console.entrance import Entrance, form
from pipeline.console.rendering import Rendering
from pipeline.console.signing import EndedError, Shared, Viewer
from pipeline.errors import IntegrityError, UsageError
from pipeline.views import special
from pipeline.views import view as views
from pipeline.views.answers import Desk
from pipeline.views.board import board, fill, live
from pipeline.views.cards import TABS, card
from pipeline.views.view import FILTERS, PERIODS, View
from pipeline.views.wording import day

LASTS: Final = {"1": "a day", "7": "a week", "30": "30 days", "90": "90 days"}
"""Days that a link can be good for."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The handlers."""

    entrance: Entrance
    rendering: Rendering
    desk: Desk
    clock: Clock
    lateness: int

    async def start(self, request: Request) -> Response:
        """Send the browser to the first site, or say that there is none yet."""
        viewer = self.entrance.viewer(request)
        if viewer is None:
            return RedirectResponse("/sign-in", 303)
        names = await self._names(viewer)
        if names:
            return RedirectResponse(f"/sites/{quote(names[0], safe='')}", 303)
        return self.rendering.page("empty.html", {"title": "No numbers yet", "viewer": viewer})

    async def enter(self, request: Request) -> Response:
        """Take this machine's link. A redirect could come without the cookie, so a page goes on."""
        onward = self.rendering.page("onward.html", {"title": "One moment"})
        if self.entrance.let_in(onward, request.query_params.get("token", "")):
            return onward
        return self._door(wrong=True)

    async def sign_in(self, request: Request) -> Response:
        """Show the form for a token."""
        if self.entrance.viewer(request) is not None:
            return RedirectResponse("/", 303)
        return self._door()

    async def signed_in(self, request: Request) -> Response:
        """Take the form with a token."""
        self._check_origin(request)
        given = await form(request)
        response = RedirectResponse("/", 303)
        return (
            response
            if self.entrance.let_in(response, given.get("token", ""))
            else self._door(wrong=True)
        )

    async def sign_out(self, request: Request) -> Response:
        """Take the cookie back."""
        self._check_origin(request)
        response = RedirectResponse("/sign-in", 303)
        self.entrance.let_out(response)
        return response

    async def site(self, request: Request) -> Response:
        """Show the page of a site."""
        viewer = self.entrance.viewer(request)
        if viewer is None:
            return RedirectResponse("/sign-in", 303)
        names = await self._names(viewer)
        site = self._known(request, names)
        view = views.read(site, request.query_params.multi_items(), TABS)
        values = {"viewer": viewer, "names": names, "lasts": LASTS, "shared": False}
        return await self._shown(view, values)

    async def card(self, request: Request) -> Response:
        """Show one card of a site's page, to be put into it."""
        viewer = self.entrance.viewer(request)
        if viewer is None:
            raise HTTPException(404)
        site = self._known(request, await self._names(viewer))
        return await self._card(request, views.read(site, request.query_params.multi_items(), TABS))

    async def share(self, request: Request) -> Response:
        """Make a link to what a page shows."""
        self._check_origin(request)
        viewer = self.entrance.viewer(request)
        if viewer is None:
            return RedirectResponse("/sign-in", 303)
        names = await self._names(viewer)
        site, given = self._known(request, names), await form(request)
        view = views.read(site, parse_qsl(given.get("query", "")), TABS)
        if given.get("days") not in LASTS:
            raise UsageError("Choose how long the link is to be good.")
        lasts = dt.timedelta(days=int(given["days"]))
        link = self.entrance.signer.link(site, view.query(), lasts)
        values = {
            "title": "Link made",
            "viewer": viewer,
            "view": view,
            "link": f"{self.entrance.origin}/shared/{link}",
            "ends": self.desk.shown(site, self.clock() + lasts),
            "zone": self.desk.zones.of(site),
        }
        return self.rendering.page("link.html", values)

    async def shared(self, request: Request) -> Response:
        """Show what a link shows, to anybody who has it."""
        try:
            shared = self._link(request)
        except EndedError as error:
            return self.rendering.trouble(
                "This link has ended",
                f"It was good until {day(error.ended.date())}, {error.ended:%H:%M} UTC. Ask "
                "whoever sent it for a new one.",
                410,
            )
        view = self._shared_view(request, shared)
        ends = self.desk.shown(view.site, shared.ends)
        values: dict[str, object] = {"viewer": None, "names": (), "lasts": {}, "shared": True}
        return await self._shown(view, values | {"ends": ends})

    async def shared_card(self, request: Request) -> Response:
        """Show one card of a shared page."""
        try:
            shared = self._link(request)
        except EndedError:
            raise HTTPException(404) from None
        return await self._card(request, self._shared_view(request, shared))

    def _link(self, request: Request) -> Shared:
        try:
            return self.entrance.signer.shared(request.path_params["link"])
        except IntegrityError:
            raise HTTPException(404) from None

    @staticmethod
    def _shared_view(request: Request, shared: Shared) -> View:
        """Return what was shared; only the tabs in front are the reader's to choose."""
        base = f"/shared/{request.path_params['link']}"
        view = views.read(shared.site, parse_qsl(shared.query), TABS, base=base)
        if request.query_params.get("cards"):
            view = view.all_at_once()
        chosen = [(name, tab) for name, tab in request.query_params.multi_items() if name in TABS]
        for name, tab in chosen:
            if tab in TABS[name]:
                view = view.with_tab(name, tab)
        return view

    async def _shown(self, view: View, values: dict[str, object]) -> Response:
        widget = await asyncio.to_thread(lambda: view.site + special.WIDGET in self.desk.sites())
        shown = await board(self.desk, view, lateness=self.lateness, widget=widget)
        known = {
            "title": view.site,
            "view": view,
            "board": shown,
            "periods": PERIODS,
            "filters": FILTERS,
            "today": self.desk.now(view.site).date(),
            "zone": self.desk.zones.of(view.site),
            "anonymous": self.desk.k > 1,
        }
        return self.rendering.page("site.html", known | values)

    async def _card(self, request: Request, view: View) -> Response:
        name = request.path_params["card"]
        if name == "newest":
            hours = await asyncio.to_thread(special.newest, self.desk, view, self.lateness)
            return self.rendering.page("newest.html", {"newest": hours})
        if name == "live":
            found = await asyncio.to_thread(live, self.desk, view)
            return self.rendering.page("live.html", {"lately": found})
        one = card(name)
        if one is None:
            raise HTTPException(404)
        filled = await asyncio.to_thread(fill, self.desk, view, one)
        return self.rendering.page("card.html", {"filled": filled, "view": view})

    async def _names(self, viewer: Viewer) -> list[str]:
        """Return the sites that somebody sees. A chat widget's numbers are on its site's page."""
        found = await asyncio.to_thread(self.desk.sites)
        names = {name.removesuffix(special.WIDGET) for name in found}
        return sorted(name for name in names if viewer.sees(name))

    @staticmethod
    def _known(request: Request, names: Sequence[str]) -> str:
        site: str = request.path_params["site"]
        if site not in names:
            raise HTTPException(404)
        return site

    def _check_origin(self, request: Request) -> None:
        if not self.entrance.ours(request):
            raise UsageError("The form did not come from one of these pages: open the page here.")

    def _door(self, *, wrong: bool = False) -> Response:
        values = {"title": "Sign in", "wrong": wrong}
        return self.rendering.page("sign-in.html", values, 403 if wrong else 200)
