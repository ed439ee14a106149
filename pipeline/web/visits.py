"""What a page is, and what its handler is given.

::

    async def show(visit: Visit[Desk]) -> Response:
        cases = await run_in_threadpool(visit.desk.cases, visit.person)
        return visit.show("cases.html", cases=cases)


    PAGES = (Page("/cases", "Cases", show, roles=frozenset({Role.INVESTIGATOR}), menu="Cases"),)

A handler of a POST is reached only with a good session, origin, form token and role; it finds the
form in ``visit.form``. A template's form needs ``{{ form_token() }}`` in it, and no more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from starlette.responses import RedirectResponse, Response

from pipeline.cases.people import Person, Role
from pipeline.web.forms import Form
from pipeline.web.rendering import Rendering
from pipeline.web.sessions import Kept

D = TypeVar("D")
"""The desk: what pages ask for everything that is not about pages."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What stands above every page, whoever is signed in: a sentence without data."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Page(Generic[D]):
    """A path and what answers there. ``title`` is constant: a title never holds data.

    ``roles``: who may come, everybody who is signed in where None. ``menu``: its entry's text.
    ``rate``: what it counts as. Path parameters name cases and the like, never what is looked for.
    """

    path: str
    title: str
    handler: Callable[[Visit[D]], Awaitable[Response]]
    method: Literal["GET", "POST"] = "GET"
    roles: frozenset[Role] | None = None
    menu: str | None = None
    rate: Literal["search"] | None = None

    def is_for(self, person: Person) -> bool:
        """Tell whether a person's roles reach the page."""
        return self.roles is None or bool(self.roles & person.roles)


@dataclass(frozen=True, slots=True)
class Visit(Generic[D]):
    """One request of one person to one page. ``kept`` is the session's, and goes with it."""

    page: Page[D]
    person: Person
    desk: D
    form: Form
    path: Mapping[str, str]
    now: dt.datetime
    csrf: str
    menu: tuple[tuple[str, str], ...]
    rendering: Rendering
    alarms: tuple[Alarm, ...]
    kept: dict[str, Kept]

    def __repr__(self) -> str:
        return f"Visit({self.page.method} {self.page.path})"

    def show(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Return a page made of a template, which also knows the person and the form token."""
        known = {
            "person": self.person,
            "menu": self.menu,
            "csrf": self.csrf,
            "here": self.page.path,
            "alarms": self.alarms,
            "now": int(self.now.timestamp()),
        }
        return self.rendering.page(template, self.page.title, {**known, **values}, status)

    def go(self, path: str) -> Response:
        """Return what sends the browser to a page of ours, after a POST that did something."""
        return RedirectResponse(path, 303)
