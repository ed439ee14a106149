"""The pages of the desk: a file for each kind, and here all that are served.

A new kind is a module with ``PAGES`` of its own, named below; its ``menu`` text puts it on top.
"""

from __future__ import annotations

from typing import Final

from pipeline.web.home import home
from pipeline.web.pages import audit, case, deciding, drafting, evidence, finding, inbox, results
from pipeline.web.pages.work import Work
from pipeline.web.visits import Page

PAGES: Final[tuple[Page[Work], ...]] = (
    *inbox.PAGES,
    *drafting.PAGES,
    *audit.PAGES,
    *case.PAGES,
    *deciding.PAGES,
    *finding.PAGES,
    *results.PAGES,
    *evidence.PAGES,
    Page("/roles", "Roles", home, menu="Roles"),
)

__all__ = ["PAGES", "Work"]
