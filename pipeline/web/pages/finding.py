"""Looking for records: by selectors, by one address, by what is like an address's doings."""

from __future__ import annotations

from typing import Final, cast, get_args

from starlette.responses import Response

from pipeline.cases.life import Case, State
from pipeline.cases.people import Role
from pipeline.errors import RefusedError, UsageError
from pipeline.investigations.desk import Tell
from pipeline.investigations.narrowing import Question
from pipeline.investigations.paging import Page as Found
from pipeline.investigations.paging import Place
from pipeline.investigations.related import By, related
from pipeline.scope import Selectors
from pipeline.web.pages import asking
from pipeline.web.pages.asking import KINDS, Filled
from pipeline.web.pages.case import seen
from pipeline.web.pages.hunting import SHOWN, Ask, Hunt, drop, keep
from pipeline.web.pages.telling import told
from pipeline.web.pages.work import AtDesk, Work
from pipeline.web.visits import Page
from pipeline.web.wording import on_pages

PATIENCE: Final = 1.5
"""Seconds that a search may take before its page tells how far it is instead."""

LIKE: Final = (
    ("address", "the same address"),
    ("network", "its network: the /24, in IPv6 the /64"),
    ("agent", "the same user agents"),
    ("provider", "the same provider"),
)
"""What is like an address's doings: the desk's word and ours."""

LOOKERS: Final = frozenset({Role.INVESTIGATOR, Role.PRIVACY_OFFICER})


async def show(visit: AtDesk) -> Response:
    """Show what can be looked for."""
    return await _form(visit, Filled(), None)


async def search(visit: AtDesk) -> Response:
    """Look for what the selectors say."""
    try:
        question = asking.question(visit.form)
    except UsageError as error:
        return await _form(visit, asking.of_form(visit.form), on_pages(error))
    return await _begin(visit, "Search", question, _ask(visit, question))


async def timeline(visit: AtDesk) -> Response:
    """Look for what one address did."""
    question = Question(selectors=Selectors(addresses=(visit.form.one("address"),)))
    return await _begin(visit, "Timeline of one address", question, _ask(visit, question))


async def like(visit: AtDesk) -> Response:
    """Look for what is like an address's doings."""
    address, by = visit.form.one("address"), visit.form.one("by")
    if by not in get_args(By):
        return await _form(visit, asking.of_form(visit.form), "By: choose what is alike.")
    desk, person, case_id = visit.desk.desk, visit.person, visit.path["case"]
    alike = cast("By", by)  # one of its words, as was looked at above

    def ask(since: Place | None, tell: Tell) -> Found:
        return related(desk, person, case_id, address, alike, size=SHOWN, since=since, tell=tell)

    return await _begin(visit, "Related activity", Question(), ask)


def _ask(visit: AtDesk, question: Question) -> Ask:
    desk, person, case_id = visit.desk.desk, visit.person, visit.path["case"]
    return lambda since, tell: desk.search(
        person, case_id, question, size=SHOWN, since=since, tell=tell
    )


async def _begin(visit: AtDesk, title: str, question: Question, ask: Ask) -> Response:
    case, _ = await seen(visit)
    hunt = Hunt(case.id, title, ask, _span(case, question), visit.desk)
    keep(visit.kept, hunt)
    await hunt.begin(PATIENCE)
    if hunt.failure is not None and hunt.refused:
        drop(visit.kept)
        now, _ = await seen(visit)
        if now.state(int(visit.now.timestamp())) is not State.OPEN:
            raise RefusedError(hunt.failure)
        # The question may be mended: beside it stand the scope and what was typed.
        return await _form(visit, asking.of_form(visit.form), hunt.failure, status=403)
    if hunt.failure is not None:
        return await _form(visit, asking.of_form(visit.form), hunt.failure)
    return visit.go(f"/cases/{case.id}/results")


def _span(case: Case, question: Question) -> tuple[int, int]:
    if case.scope is None:
        return 0, 0
    first = case.scope.first if question.first is None else question.first
    return first, case.scope.last if question.last is None else question.last


async def _form(visit: AtDesk, filled: Filled, error: str | None, status: int = 400) -> Response:
    case, _ = await seen(visit)
    return visit.show(
        "find.html", status=200 if error is None else status, filled=filled, kinds=KINDS, like=LIKE,
        error=error, told=told(visit.person, case, int(visit.now.timestamp())),
    )  # fmt: skip


PAGES: Final[tuple[Page[Work], ...]] = (
    Page("/cases/{case}/search", "Search", show, roles=LOOKERS),
    Page("/cases/{case}/search", "Search", search, method="POST", roles=LOOKERS, rate="search"),
    Page("/cases/{case}/timeline", "Search", timeline, method="POST", roles=LOOKERS, rate="search"),
    Page("/cases/{case}/related", "Search", like, method="POST", roles=LOOKERS, rate="search"),
)
