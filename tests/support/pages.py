"""The investigators' pages in this process, with a clock that is set, and a browser for them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx2
from starlette.types import ASGIApp

from pipeline.cases.people import Directory, Person, Role
from pipeline.settings import Investigations
from pipeline.web.app import make_app
from pipeline.web.people import PeopleSignIn
from pipeline.web.signin import SignIn
from pipeline.web.visits import Page

ORIGIN: Final = "http://127.0.0.1:9340"
PEOPLE: Final = (
    Person("investigator", frozenset({Role.INVESTIGATOR}), "abuse"),
    Person("approver", frozenset({Role.APPROVER})),
    Person("auditor", frozenset({Role.AUDITOR})),
)


@dataclass
class Moment:
    """A clock and a stopwatch that stand still until they are moved."""

    now: dt.datetime = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
    passed: float = 0.0

    def __call__(self) -> dt.datetime:
        return self.now

    def stopwatch(self) -> float:
        return self.passed

    def move(self, **by: float) -> None:
        """Let time pass, as ``timedelta`` has it."""
        span = dt.timedelta(**by)
        self.now += span
        self.passed += span.total_seconds()


@dataclass
class Book:
    """An audit log in memory, which can be broken."""

    entries: list[tuple[str, str, str, dict[str, object]]] = field(default_factory=list)
    broken: Exception | None = None

    def __call__(self, act: str, actor: str, outcome: str, facts: Mapping[str, object]) -> None:
        if self.broken is not None:
            raise self.broken
        self.entries.append((act, actor, outcome, dict(facts)))


@dataclass
class House:
    """An app and what it was made of."""

    pages: Sequence[Page[str]] = ()
    settings: Investigations = field(default_factory=Investigations)
    origin: str = ORIGIN
    sign_in: SignIn = field(
        default_factory=lambda: PeopleSignIn(lambda: Directory({p.name: p for p in PEOPLE}))
    )
    moment: Moment = field(default_factory=Moment)
    book: Book = field(default_factory=Book)
    app: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self.app = make_app(
            self.settings,
            self.sign_in,
            "the desk",
            self.pages,
            origin=self.origin,
            audit=self.book,
            clock=self.moment,
            stopwatch=self.moment.stopwatch,
        )

    def browser(self, address: str = "127.0.0.1") -> Browser:
        """Return a browser of somebody at ``address``, who has been nowhere yet."""
        return Browser(self, address)


class Served(Protocol):
    """An app and what browsers call it."""

    @property
    def app(self) -> ASGIApp:
        """The app."""

    @property
    def origin(self) -> str:
        """Its origin."""


class Browser:
    """Keeps cookies, follows a page's onward link, and sends the forms it was shown."""

    def __init__(self, house: Served, address: str = "127.0.0.1") -> None:
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(house.app, client=(address, 50_000)),
            base_url=house.origin,
        )
        self.origin = house.origin
        self.shown: httpx2.Response | None = None

    @classmethod
    def at(cls, origin: str) -> Browser:
        """Return one for pages that another process, or a server here, serves at ``origin``."""
        browser = cls.__new__(cls)
        browser.http = httpx2.AsyncClient(base_url=origin)
        browser.origin, browser.shown = origin, None
        return browser

    @property
    def text(self) -> str:
        return "" if self.shown is None else self.shown.text

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text)
        return found[1] if found else ""

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Load a page as from one of ours, redirects included."""
        self.shown = await self.http.get(path, headers=headers, follow_redirects=True)
        return self.shown

    def token(self) -> str:
        """Return the form token of the page that is shown."""
        found = re.search(r'name="form-token" value="(\w+)"', self.text)
        return found[1] if found else ""

    async def post(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        token: str | None = None,
        **fields: str,
    ) -> httpx2.Response:
        """Send a form of the page that is shown, as a browser does under ``no-referrer``."""
        fields["form-token"] = self.token() if token is None else token
        if path.endswith(("/approve", "/deny", "/ratify")):
            seen = re.search(r'name="seen" value="([0-9]+)"', self.text)
            fields.setdefault("seen", seen[1] if seen else "0")
        sent = {"origin": "null", "sec-fetch-site": "same-origin"} if headers is None else headers
        self.shown = await self.http.post(path, data=fields, headers=dict(sent))
        return self.shown

    async def sign_in(self, name: str) -> httpx2.Response:
        """Sign in from a list, and return the answer that says so."""
        await self.get("/sign-in")
        return await self.post("/sign-in", name=name)

    def cookie(self, kind: str) -> str | None:
        """Return the value of a cookie, whatever its full name is."""
        found = [c.value for c in self.http.cookies.jar if kind in c.name]
        return found[0] if found else None

    def onward(self) -> str:
        """Return where the page that is shown goes on to."""
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', self.text)
        assert found is not None, self.title
        return found[1].replace("&amp;", "&")


def path_of(url: str) -> str:
    """Return path and query of a URL of ours."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
