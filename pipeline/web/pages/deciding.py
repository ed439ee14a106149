"""Acts on a case that need no record: a form each, and back to the case's page.

Who may do what is the table's to say (``pipeline.cases.matrix``), not a page's role: a refused
attempt belongs into the audit log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import Response

from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.errors import UsageError
from pipeline.investigations.desk import Desk
from pipeline.investigations.retention import purge
from pipeline.web.forms import Form
from pipeline.web.pages import asking
from pipeline.web.pages.case import page
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page
from pipeline.web.wording import on_pages

Do = Callable[[Desk, Person, str, Form], object]


def _disclose(desk: Desk, person: Person, case_id: str, form: Form) -> None:
    told = (form.one(name) for name in ("to", "basis", "what"))
    desk.cases.disclose(person, case_id, *told)


ACTS: Final[Mapping[str, Do]] = {
    "request": lambda d, who, case, _: d.cases.request(who, case),
    "emergency": lambda d, who, case, form: d.emergency(who, case, form.one("reason")),
    "approve": lambda d, who, case, form: d.approve(
        who, case, form.one("reason"), seen=asking.number(form, "seen")
    ),
    "ratify": lambda d, who, case, form: d.cases.ratify(
        who, case, form.one("reason"), seen=asking.number(form, "seen")
    ),
    "deny": lambda d, who, case, form: d.deny(
        who, case, form.one("reason"), seen=asking.number(form, "seen")
    ),
    "extend": lambda d, who, case, form: d.cases.extend(
        who, case, asking.number(form, "hours"), form.one("reason")
    ),
    "close": lambda d, who, case, form: d.close(who, case, form.one("reason")),
    "purge": lambda d, who, case, _: purge(d, who, case),
    "note": lambda d, who, case, form: d.cases.write(who, Act.NOTE, case, form.one("text")),
    "finding": lambda d, who, case, form: d.cases.write(who, Act.FINDING, case, form.one("text")),
    "disclose": _disclose,
}
"""The last word of a form's path → what it does."""


def _handler(do: Do) -> Callable[[AtDesk], Awaitable[Response]]:
    async def act(visit: AtDesk) -> Response:
        case_id = visit.path["case"]
        try:
            await aside(do, visit.desk.desk, visit.person, case_id, visit.form)
        except UsageError as error:
            return await page(visit, on_pages(error))
        return visit.go(f"/cases/{case_id}")

    return act


PAGES: Final[tuple[Page[Work], ...]] = tuple(
    Page(f"/cases/{{case}}/{name}", "Case", _handler(do), method="POST")
    for name, do in ACTS.items()
)
