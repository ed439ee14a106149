"""The audit log as auditors and privacy officers read it. What is sealed in it stays sealed."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from pipeline.audit.entry import Entry
from pipeline.errors import UsageError
from pipeline.investigations.trail import READERS, Entries, Wanted
from pipeline.web.pages.asking import number
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page
from pipeline.web.wording import on_pages

SMALL: Final = 20_000
"""Entries up to which a page verifies the log without being asked to."""


async def show(visit: AtDesk) -> Response:
    """Show entries that the form asks for, newest first, and whether the log is as signed.

    The filter comes by a form and not in the URL: who types may type anything.
    """
    trail, form, error = visit.desk.trail, visit.form, None
    wanted = Wanted()
    try:
        before = number(form, "before") if form.one("before") else None
        wanted = Wanted(form.one("case"), form.one("act"), before)
        entries = await aside(trail.read, visit.person, wanted)
    except UsageError as wrong:
        error, entries = on_pages(wrong), Entries((), None)
    asked = form.one("verify") == "yes" or await aside(trail.size) <= SMALL
    verdict = await aside(trail.verify, visit.person) if asked else None
    return visit.show(
        "audit.html", status=200 if error is None else 400, error=error, wanted=wanted,
        rows=[(index, entry, _facts(entry)) for index, entry in entries.found],
        older=entries.before, verdict=verdict,
    )  # fmt: skip


def _facts(entry: Entry) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), ", ".join(fact) if isinstance(fact, list) else str(fact))
        for name, fact in sorted(entry.facts.items())
        if name != "roles"
    ]


PAGES: Final[tuple[Page[Work], ...]] = (
    Page("/audit", "Audit log", show, roles=READERS, menu="Audit log"),
    Page("/audit", "Audit log", show, method="POST", roles=READERS),
)
