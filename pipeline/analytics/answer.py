"""An answer: rows of cells, each with its state, and what has to be said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from pipeline.analytics import words
from pipeline.analytics.ranges import Days

Number = int | float


class Cell(NamedTuple):
    """A number and why it is one, or why it is none (``words.STATES``).

    ``number`` is None unless the state is ``value``, or ``zero`` of a count. ``span``: between
    which numbers a quantile lies, the second None where its class has no end; its number is the
    second, if the two are of one class.
    """

    number: Number | None
    state: str
    span: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row: the value of each dimension, a cell for each metric.

    ``compare`` are the same cells of the period before, None where nothing is compared.
    """

    dimensions: tuple[str, ...]
    cells: tuple[Cell, ...]
    compare: tuple[Cell, ...] | None = None

    def document(self) -> dict[str, Any]:
        """Return the row as JSON."""
        found: dict[str, Any] = {
            "dimensions": list(self.dimensions),
            "metrics": [cell.number for cell in self.cells],
            "states": [cell.state for cell in self.cells],
        }
        if any(cell.span for cell in self.cells):
            found["ranges"] = [cell.span and list(cell.span) for cell in self.cells]
        if self.compare is not None:
            found["compare"] = [cell.number for cell in self.compare]
            found["compare_states"] = [cell.state for cell in self.compare]
            if any(cell.span for cell in self.compare):
                found["compare_ranges"] = [cell.span and list(cell.span) for cell in self.compare]
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question comes to. ``next`` is the token of the page that follows, if one does.

    ``zone`` is the one (IANA) by whose clock the days and hours are.
    """

    site: str
    days: Days
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    lines: tuple[Line, ...]
    totals: Line
    next: str | None
    notes: tuple[str, ...]
    k: int
    zone: str
    before: Days | None = None

    def document(self) -> dict[str, Any]:
        """Return the answer as JSON."""
        found: dict[str, Any] = {
            "site": self.site,
            "date_range": _listed(self.days),
            "zone": self.zone,
            "dimensions": list(self.dimensions),
            "metrics": list(self.metrics),
            "results": [line.document() for line in self.lines],
            "totals": self.totals.document(),
            "next": self.next,
            "notes": list(self.notes),
            "k": self.k,
        }
        if self.before is not None:
            found["compared_with"] = _listed(self.before)
        return found

    @property
    def has_other(self) -> bool:
        """Tell whether a row adds up what is not shown by itself."""
        return any(words.OTHER in line.dimensions for line in self.lines)


def _listed(days: Days) -> list[str]:
    return [days.first.isoformat(), days.last.isoformat()]
