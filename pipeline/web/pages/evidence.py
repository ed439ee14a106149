"""Exports: a case's records into a signed bundle, and the bundle to its requester."""

from __future__ import annotations

from typing import Final

from starlette.responses import FileResponse, Response

from pipeline.errors import UsageError
from pipeline.investigations.downloads import download
from pipeline.investigations.export import export
from pipeline.web.pages import asking
from pipeline.web.pages.case import page
from pipeline.web.pages.finding import LOOKERS
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page
from pipeline.web.wording import on_pages


async def make(visit: AtDesk) -> Response:
    """Write a bundle; it stands on the case's page then."""
    case_id, work = visit.path["case"], visit.desk
    try:
        question = asking.question(visit.form)
        await aside(export, work.desk, work.office, visit.person, case_id, question)
    except UsageError as error:
        return await page(visit, on_pages(error))
    return visit.go(f"/cases/{case_id}#exports")


async def take(visit: AtDesk) -> Response:
    """Send a bundle, as a file that no cache keeps."""
    work, case_id = visit.desk, visit.path["case"]
    bundle = visit.form.one("bundle")
    path = await aside(download, work.desk, work.office, visit.person, case_id, bundle)
    return FileResponse(
        path, media_type="application/zip", filename=path.name,
        headers={"cache-control": "no-store"},
    )  # fmt: skip


PAGES: Final[tuple[Page[Work], ...]] = (
    Page("/cases/{case}/export", "Case", make, method="POST", roles=LOOKERS, rate="search"),
    Page("/cases/{case}/download", "Case", take, method="POST", roles=LOOKERS),
)
