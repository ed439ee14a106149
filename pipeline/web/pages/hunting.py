"""A search under way, and what it found: kept here for one session, never in a browser.

A session has one at most, of a page of records; the next search ends it, and so does the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from pipeline import logs
from pipeline.errors import PartywallError, RefusedError, UnavailableError, UsageError
from pipeline.investigations.desk import Tell
from pipeline.investigations.paging import Page, Place
from pipeline.investigations.segments import Effort
from pipeline.web.failures import TROUBLES
from pipeline.web.pages.work import Work
from pipeline.web.sessions import Kept
from pipeline.web.wording import on_pages

HUNT: Final = "hunt"
"""What a session calls it."""

SHOWN: Final = 100
"""Records on a page."""

_HOUR: Final = 3600

Ask = Callable[[Place | None, Tell], Page]
"""Asks the desk for the page that begins at a place."""

_log = logs.get("web")


class _StoppedError(PartywallError):
    """Nobody waits for the search any more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its name in the case, its values, and which of them were clicked."""

    record: str
    values: dict[str, object] = field(repr=False)
    revealed: set[str] = field(default_factory=set)


class Hunt:
    """A search of a case: its pages so far, and the one that is being looked for."""

    def __init__(self, case: str, title: str, ask: Ask, span: tuple[int, int], work: Work) -> None:
        """``span`` is the first and last second of the question, to tell how far it is."""
        self.case = case
        self.title = title
        self.rows: list[Row] = []
        self.page: Page | None = None
        self.failure: str | None = None
        self.refused = False
        self.places: list[Place | None] = [None]
        self._ask = ask
        self._span = span
        self._work = work
        self._at: int | None = None
        self._groups = 0
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"Hunt({self.case})"

    @property
    def running(self) -> bool:
        """Whether it has not come to an end."""
        return self._task is not None and not self._task.done()

    @property
    def number(self) -> int:
        """Which page this is, from 1."""
        return len(self.places)

    def progress(self) -> str:
        """Return how far it is, in words."""
        first, last = (one // _HOUR for one in self._span)
        hours = last - first + 1
        done = 0 if self._at is None else min(hours, max(0, self._at // _HOUR - first))
        return f"Hour {done:,} of {hours:,}; {self._groups:,} parts of the vault opened."

    async def begin(self, patience: float) -> None:
        """Look for the page at the last of ``places``; return when it is there, or a bit later."""
        self.rows, self.page, self.failure = [], None, None
        self._task = asyncio.create_task(self._run(self.places[-1]))
        await asyncio.wait({self._task}, timeout=patience)

    def stop(self) -> None:
        """End it, and let go of what it found."""
        self._stopped = True
        self.rows, self.page = [], None

    def find(self, record: str) -> Row | None:
        """Return a record of the page."""
        return next((row for row in self.rows if row.record == record), None)

    async def _run(self, since: Place | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            page = await loop.run_in_executor(self._work.hands, self._ask, since, self._tell)
        except _StoppedError:
            return
        except (RefusedError, UsageError) as error:
            self.failure, self.refused = on_pages(error), isinstance(error, RefusedError)
        except UnavailableError as error:
            _log.error("a service does not answer", reason=str(error))
            self.failure = TROUBLES["unavailable"].sentence
        except Exception as error:  # noqa: BLE001 -- its text may quote a record: type and place do
            _log.error("a search failed", error=error)
            self.failure = TROUBLES["broken"].sentence
        else:
            if not self._stopped:
                self.page = page
                found = page.records.to_dicts()
                self.rows = [Row(str(one.pop("record")), one) for one in found]

    def _tell(self, hour: int | None, effort: Effort) -> None:
        if self._stopped:
            raise _StoppedError
        self._at, self._groups = hour, effort.data_groups


def hunt_of(kept: dict[str, Kept], case_id: str) -> Hunt | None:
    """Return the session's search, where it is one of this case."""
    found = kept.get(HUNT)
    return found if isinstance(found, Hunt) and found.case == case_id else None


def keep(kept: dict[str, Kept], hunt: Hunt) -> None:
    """Keep a search in the place of the one before, which ends."""
    drop(kept)
    kept[HUNT] = hunt


def drop(kept: dict[str, Kept]) -> None:
    """End the session's search, whichever it is."""
    before = kept.pop(HUNT, None)
    if before is not None:
        before.stop()
