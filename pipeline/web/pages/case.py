"""The page of a case: what it reaches, how long, who decided what, what was added to it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from pipeline.cases.life import Case
from pipeline.cases.reading import Added
from pipeline.web.pages.telling import WAITS, lines, selected, told
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page


async def seen(visit: AtDesk) -> tuple[Case, list[Added]]:
    """Return the case of the path, that it was looked at being written; raises RefusedError."""
    return await aside(visit.desk.desk.cases.show, visit.person, visit.path["case"])


async def show(visit: AtDesk) -> Response:
    """Show a case."""
    return await page(visit)


async def page(visit: AtDesk, error: str | None = None) -> Response:
    """Return the page of a case, with what was wrong with a form of it."""
    case, added = await seen(visit)
    return visit.show(
        "case.html", status=200 if error is None else 400, error=error,
        told=told(visit.person, case, int(visit.now.timestamp())), added=lines(added),
        terms=visit.desk.terms, waits=WAITS, selected=selected,
    )  # fmt: skip


PAGES: Final[tuple[Page[Work], ...]] = (Page("/cases/{case}", "Case", show),)
