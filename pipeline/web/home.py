"""The start page: who is signed in, and what that reaches."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from pipeline.cases.people import Role
from pipeline.web.visits import D, Visit

DUTIES: Final = {
    Role.INVESTIGATOR: (
        "Investigator",
        "Opens a case with a reason, asks for a scope, searches sealed records inside it once it "
        "is approved, and exports evidence.",
        "Cannot approve.",
    ),
    Role.APPROVER: (
        "Approver",
        "Reads what a case asks for and why, and approves or refuses it.",
        "Cannot decide on a case of their own, nor read a record.",
    ),
    Role.AUDITOR: (
        "Auditor",
        "Reads and verifies the audit log: who did what, when, in which case.",
        "Cannot open a case, nor read a record.",
    ),
    Role.PRIVACY_OFFICER: (
        "Privacy officer",
        "Answers requests for access and erasure, and sets legal holds.",
        "Cannot search outside a request.",
    ),
}
"""Role → what it is called, what it does and where it ends."""


async def home(visit: Visit[D]) -> Response:
    """Show the person's roles first, and the others too: who could help is worth knowing."""
    duties = [(role in visit.person.roles, *DUTIES[role]) for role in Role]
    return visit.show("home.html", duties=sorted(duties, key=lambda duty: not duty[0]))
