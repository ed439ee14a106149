"""The start page: what waits for the person, and the cases that the person may see."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from pipeline.cases.matrix import TABLE, Act
from pipeline.cases.people import Role
from pipeline.web.pages.telling import told
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page

_OPENING: Final = frozenset(rule.role for rule in TABLE[Act.DRAFT])


async def inbox(visit: AtDesk) -> Response:
    """Show cases to decide on first, then one's own, then all others that one may see."""
    now, person = int(visit.now.timestamp()), visit.person
    found = [told(person, one, now) for one in await aside(visit.desk.desk.cases.list, person)]
    found.reverse()
    waiting = [one for one in found if one.decides]
    mine = [one for one in found if one.case.requester == person.name and one not in waiting]
    others = [one for one in found if one not in waiting and one not in mine]
    return visit.show(
        "inbox.html", waiting=waiting, mine=mine, others=others,
        decides=Role.APPROVER in person.roles, opens=not _OPENING.isdisjoint(person.roles),
    )  # fmt: skip


PAGES: Final[tuple[Page[Work], ...]] = (Page("/", "Cases", inbox, menu="Cases"),)
