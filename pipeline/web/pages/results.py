"""What a search found: masked, and a value at a time for who clicks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from starlette.responses import JSONResponse, Response

from pipeline.cases.matrix import Act, why_not
from pipeline.errors import UsageError
from pipeline.investigations.revealing import reveal
from pipeline.web.pages.case import seen
from pipeline.web.pages.finding import LOOKERS, PATIENCE
from pipeline.web.pages.hunting import Hunt, Row, drop, hunt_of
from pipeline.web.pages.masks import is_open, mask
from pipeline.web.pages.telling import told
from pipeline.web.pages.work import AtDesk, Work, aside
from pipeline.web.visits import Page
from pipeline.web.wording import moment

_GONE: Final = "that record is not on the page any more: search again, and click it there"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as its page has it: its text, or the mask of it; ``shown`` if it was clicked."""

    name: str
    text: str = field(repr=False)
    masked: bool
    shown: bool


async def show(visit: AtDesk) -> Response:
    """Show the page of records, or how far the search is."""
    case_id = visit.path["case"]
    hunt = hunt_of(visit.kept, case_id)
    if hunt is None:
        return visit.go(f"/cases/{case_id}/search")
    case, _ = await seen(visit)
    now = int(visit.now.timestamp())
    why = why_not(visit.person, Act.REVEAL, case, now)
    if why is not None:
        drop(visit.kept)
        await aside(visit.desk.desk.cases.gate.refuse, visit.person, Act.REVEAL, case.id, why)
    shown = told(visit.person, case, now)
    if hunt.running:
        return visit.show("waiting.html", told=shown, hunt=hunt)
    return visit.show(
        "results.html", status=403 if hunt.refused else 200, told=shown, hunt=hunt,
        names=_names(hunt), rows=[(row, _cells(row)) for row in hunt.rows],
    )  # fmt: skip


async def progress(visit: AtDesk) -> Response:
    """Tell a script how far the search is: without a record in it, so nothing is written."""
    hunt = hunt_of(visit.kept, visit.path["case"])
    done = hunt is None or not hunt.running
    return JSONResponse({"done": done, "text": "" if hunt is None else hunt.progress()})


async def turn(visit: AtDesk) -> Response:
    """Go to the next page, or back to the one before: either is a search of its own."""
    case_id = visit.path["case"]
    hunt = hunt_of(visit.kept, case_id)
    if hunt is not None and not hunt.running:
        if visit.form.one("to") == "next" and hunt.page is not None and hunt.page.next is not None:
            hunt.places.append(hunt.page.next)
        elif visit.form.one("to") == "before" and len(hunt.places) > 1:
            hunt.places.pop()
        await hunt.begin(PATIENCE)
    return visit.go(f"/cases/{case_id}/results")


async def click(visit: AtDesk) -> Response:
    """Let one value of a record be seen, or all of them: one entry in the audit log."""
    case_id, record, name = visit.path["case"], visit.form.one("record"), visit.form.one("field")
    hunt = hunt_of(visit.kept, case_id)
    row = None if hunt is None else hunt.find(record)
    wanted = [name] if name != "*" or row is None else _masked(row)
    seen_now = await aside(reveal, visit.desk.desk, visit.person, case_id, record, wanted)
    if row is None or hunt is None:
        raise UsageError(_GONE)
    row.revealed.update(seen_now)
    if visit.form.one("script") == "yes":
        return JSONResponse({cell.name: cell.text for cell in _cells(row) if cell.name in seen_now})
    return visit.go(f"/cases/{case_id}/results#row-{hunt.rows.index(row) + 1}")


def _names(hunt: Hunt) -> list[str]:
    """Return the fields that any record of the page has."""
    names = list(hunt.rows[0].values) if hunt.rows else []
    return [n for n in names if any(row.values[n] is not None for row in hunt.rows)]


def _masked(row: Row) -> list[str]:
    return [name for name, value in row.values.items() if not is_open(name, value)]


def _cells(row: Row) -> list[Cell]:
    return [_cell(row, name, value) for name, value in row.values.items()]


def _cell(row: Row, name: str, value: object) -> Cell:
    if value is None:
        return Cell(name, "", masked=False, shown=False)
    if not is_open(name, value) and name not in row.revealed:
        return Cell(name, mask(name, value), masked=True, shown=False)
    text = (
        moment(value).removesuffix(" UTC")
        if name == "time" and isinstance(value, int)
        else str(value)
    )
    return Cell(name, text, masked=False, shown=name in row.revealed)


PAGES: Final[tuple[Page[Work], ...]] = (
    Page("/cases/{case}/results", "Results", show, roles=LOOKERS),
    Page("/cases/{case}/progress", "Results", progress, roles=LOOKERS),
    Page("/cases/{case}/page", "Results", turn, method="POST", roles=LOOKERS, rate="search"),
    Page("/cases/{case}/reveal", "Results", click, method="POST", roles=LOOKERS),
)
