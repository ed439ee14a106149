"""New cases, and what an existing one would reach instead."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from pipeline.cases.life import Case
from pipeline.cases.people import Role
from pipeline.cases.subject import SUBJECT
from pipeline.errors import UsageError
from pipeline.scope import FIELDS
from pipeline.web.pages import asking
from pipeline.web.pages.asking import KINDS, Filled
from pipeline.web.pages.case import seen
from pipeline.web.pages.telling import told
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page
from pipeline.web.wording import on_pages

_OPENERS: Final = frozenset({Role.INVESTIGATOR, Role.PRIVACY_OFFICER})


async def blank(visit: AtDesk) -> Response:
    """Show the form of a new case."""
    return _form(visit, Filled())


async def draft(visit: AtDesk) -> Response:
    """Make a case, and ask for its approval at once where the form says so."""
    form, cases = visit.form, visit.desk.desk.cases

    def make() -> Case:
        scope = asking.scope(form)
        made = cases.draft(
            visit.person, form.one("category"), form.one("reason"), form.one("reference"), scope
        )
        if form.one("then") == "request":
            return cases.request(visit.person, made.id)
        return made

    try:
        made = await aside(make)
    except UsageError as error:
        return _form(visit, asking.of_form(form), on_pages(error))
    return visit.go(f"/cases/{made.id}")


async def other_scope(visit: AtDesk) -> Response:
    """Show the form for what a case is to reach instead."""
    case, _ = await seen(visit)
    return _scope(visit, case, asking.of_scope(case.asked or case.scope))


async def ask_scope(visit: AtDesk) -> Response:
    """Ask for another scope: of a draft with its request, of an open case by itself."""
    form, cases, case_id = visit.form, visit.desk.desk.cases, visit.path["case"]

    def ask() -> None:
        scope = asking.scope(form)
        case, _ = cases.show(visit.person, case_id)
        if case.opened is None:
            cases.request(visit.person, case_id, scope)
        else:
            cases.widen(visit.person, case_id, scope, form.one("reason"))

    try:
        await aside(ask)
    except UsageError as error:
        case, _ = await seen(visit)
        return _scope(visit, case, asking.of_form(form), on_pages(error))
    return visit.go(f"/cases/{case_id}")


def _form(visit: AtDesk, filled: Filled, error: str | None = None) -> Response:
    categories = [
        (name, name.replace("_", " "), one.approvers)
        for name, one in visit.desk.terms.categories.items()
        if (Role.PRIVACY_OFFICER if name == SUBJECT else Role.INVESTIGATOR) in visit.person.roles
    ]
    return visit.show(
        "new.html", status=200 if error is None else 400,
        filled=filled, kinds=KINDS, all_fields=FIELDS, categories=categories, error=error,
    )  # fmt: skip


def _scope(visit: AtDesk, case: Case, filled: Filled, error: str | None = None) -> Response:
    return visit.show(
        "scope.html", status=200 if error is None else 400, filled=filled, kinds=KINDS,
        all_fields=FIELDS, error=error, told=told(visit.person, case, int(visit.now.timestamp())),
    )  # fmt: skip


PAGES: Final[tuple[Page[Work], ...]] = (
    Page("/new", "New case", blank, roles=_OPENERS, menu="New case"),
    Page("/new", "New case", draft, method="POST", roles=_OPENERS),
    Page("/cases/{case}/scope", "What the case reaches", other_scope, roles=_OPENERS),
    Page("/cases/{case}/scope", "What the case reaches", ask_scope, method="POST", roles=_OPENERS),
)
