"""The ledger of door 2: takes cells and watermarks, gives out what may be published.

What a caller keeps, to rebuild a ledger after a crash:

* the log: every input of ``apply`` (rows, watermark, end), in order, from the first that holds a
  row of ``oldest_day`` or later. The inputs before that may be dropped; where ``oldest_day`` is
  None, all may;
* the base, written in the same step as each dropping: ``settled()`` of that moment, the highest
  watermark among all inputs dropped so far (None where none had one), and ``covered``, the number
  of inputs that are left in the log at that moment.

``Ledger.resume`` with the base, then ``apply`` of every input in the log, in order, outputs
discarded, gives a ledger that goes on exactly as the lost one would have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.clock import EVER
from pipeline.codes import Codes
from pipeline.errors import IntegrityError
from pipeline.events import BOT, SEGMENT, plain_schema
from pipeline.release import days, tables
from pipeline.release.accounts import Account, Accounts
from pipeline.release.crossed import Crossed
from pipeline.release.crossings import Crossings
from pipeline.release.editions import Edition, edition
from pipeline.release.rules import Rules
from pipeline.release.sets import dense, pack
from pipeline.release.state import State, day_start, window_key
from pipeline.rows import CELLS, DAY, HOUR, OF_MINUTES, TABLES

__all__ = ["Account", "Ledger", "Released", "Settled"]

_TOLD: Final = tuple(name for name in TABLES if name not in OF_MINUTES)
"""The tables of hours and days."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is final.

    ``floor`` is the start of the first day that can still be held, None where no watermark is
    known; ``accounts`` are those of the rows of days before it.
    """

    floor: int | None
    accounts: dict[str, Account]


@dataclass(frozen=True, slots=True)
class Released:
    """Table → new and changed cells (columns of rows.TABLES and ``revision``); site → account.

    ``turned`` says that a day has closed or expired, or the ingest has ended.
    """

    tables: dict[str, pl.DataFrame] = field(repr=False)
    accounts: dict[str, Account]
    turned: bool = False


class Ledger:
    """Releases the windows of one ingest, all its sites.

    ``k`` counts distinct visitors; ``lateness`` (seconds) is how long after its end a window
    closes; ``hold`` (seconds) is how much longer a day waits for late rows. ``place_floor`` is how
    many visitors a region or city needs, k where that is more. The same inputs in the same order
    give the same outputs.
    """

    def __init__(
        self,
        k: int,
        lateness: int,
        hold: int,
        *,
        place_floor: int = 1,
        crossings: Crossings | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._k: Final = k
        self._place_floor: Final = max(k, place_floor)
        self._lateness: Final = lateness
        self._hold: Final = hold
        self._rules: Final = rules or Rules()
        self._state: Final = State()
        self._crossings: Final = crossings or {}
        self._watermark: int | None = None
        self._floor: int | None = None
        self._covered = 0
        self._settled = Accounts()
        self._totals = Accounts()

    @classmethod
    def resume(
        cls,
        k: int,
        lateness: int,
        hold: int,
        *,
        settled: Settled,
        watermark: int | None,
        covered: int,
        place_floor: int = 1,
        crossings: Crossings | None = None,
    ) -> Ledger:
        """Return a ledger ready for the kept log; the module says what the arguments are."""
        ledger = cls(k, lateness, hold, place_floor=place_floor, crossings=crossings)
        ledger._floor, ledger._watermark, ledger._covered = settled.floor, watermark, covered
        ledger._settled = Accounts(settled.accounts)
        ledger._totals = Accounts(settled.accounts)
        return ledger

    @property
    def oldest_day(self) -> int | None:
        """Start of the oldest day held, in seconds since 1970 by the sites' clock, or None."""
        return min(self._state.days, default=None)

    def settled(self) -> Settled:
        """Return what can no longer change."""
        return Settled(self._floor, self._settled.statement())

    def apply(self, rows: pl.DataFrame, watermark: int | None, *, end: bool = False) -> Released:
        """Take rows, then move the watermark and close what it closes.

        ``rows`` has the columns of rows.CELLS, texts coded or not, all counted for the first time;
        ``watermark`` is in seconds since 1970, by the clock of the sites, and one below an earlier
        one changes nothing. Raises IntegrityError for other columns.
        """
        if plain_schema(rows) != CELLS:
            raise IntegrityError("rows of cells have other columns")
        self._take(rows)
        before = self._watermark
        if watermark is not None:
            self._watermark = watermark if before is None else max(before, watermark)
        now = EVER if end else self._watermark
        found: dict[str, list[pl.DataFrame]] = {name: [] for name in _TOLD}
        turned = end
        if now is not None:
            tick = end or before is None or before // HOUR < now // HOUR
            self._close_hours(before, now, found, tick=tick)
            closed = self._close_days(now, found, tick=tick)
            turned |= self._expire(now) or closed
        return Released(
            {
                name: pl.concat(parts) if parts else tables.empty(name)
                for name, parts in found.items()
            },
            self._totals.statement(),
            turned,
        )

    def _take(self, rows: pl.DataFrame) -> None:
        """Book the rows and hold them; those of expired days are withheld at once."""
        replayed = self._covered > 0
        self._covered = max(0, self._covered - 1)
        if rows.is_empty():
            return
        gone = day_start() < (self._floor or 0)
        if rows.select(gone.any()).item():
            expired, rows = rows.filter(gone), rows.filter(~gone)
            if not replayed:
                self._totals.book(expired, counted=True, withheld=True)
                self._settled.book(expired, counted=True, withheld=True)
        if not rows.is_empty():
            self._totals.book(rows, counted=True)
            self._state.take(rows)

    def _close_hours(
        self, before: int | None, now: int, found: dict[str, list[pl.DataFrame]], *, tick: bool
    ) -> None:
        """Try an edition of every closed hour with rows not tried yet, until its day closes."""
        due: dict[int, set[int]] = {}
        for start, day in self._state.days.items():
            # With k = 1 a day never has to fit the hours as they were, so they stay open.
            if day.closed and self._k > 1:
                continue
            again = tick or before is None or self._closes(start + DAY, now)
            for hour in day.fresh:
                if self._closes(hour + HOUR, now) and (
                    again or not self._closes(hour + HOUR, before)
                ):
                    due.setdefault(start, set()).add(hour)
        if not due:
            return
        rows = self._state.gather(due, set[int]().union(*due.values()))
        tried = self._windows(rows, pl.col("hour")).with_columns(base=pl.col("edition") > 0)
        result = edition(tried, *self._terms())
        self._publish("hourly", ("edition", "label"), rows, tried, result, found)
        for start, gone in due.items():
            if not self._state.days[start].closed:
                self._state.days[start].fresh -= gone

    def _close_days(self, now: int, found: dict[str, list[pl.DataFrame]], *, tick: bool) -> bool:
        """Close the days that are due, and try late editions of those closed before.

        Return whether one was due.
        """
        held = self._state.days
        late = [start for start, day in held.items() if day.closed and day.fresh and tick]
        closing = [
            start
            for start, day in held.items()
            if not day.closed and self._closes(start + DAY, now)
        ]
        marks = ("day_edition", "day_label")
        if late:
            rows = self._state.gather(late)
            tried = self._windows(rows, day_start()).with_columns(
                base=pl.col("day_edition") > 0, label=pl.col("day_label")
            )
            result = edition(tried, *self._terms())
            self._publish("daily", marks, rows, tried, result, found)
        if closing:
            rows = self._state.gather(closing)
            tried = self._windows(rows, day_start())
            tried = tried.with_columns(base=pl.col("edition") > 0, slot=_slot())
            result = days.close(tried, *self._terms())
            self._publish("daily", marks, rows, tried, result, found)
            first = tried.with_columns(day_label=result.label).filter(result.joined)
            crossed = Crossed(self._crossings, *self._terms())
            found["pair_daily"].append(crossed.made(first))
        for start in (*late, *closing):
            held[start].closed = True
            held[start].fresh.clear()
        return bool(closing)

    def _terms(self) -> tuple[int, int, Rules, Codes]:
        """Return what decides: k, the floor of places, the rules and the codes."""
        return self._k, self._place_floor, self._rules, self._state.codes

    def _closes(self, window_end: int, moment: int | None) -> bool:
        return moment is not None and moment >= window_end + self._lateness

    def _publish(
        self,
        pace: str,
        marks: tuple[str, str],
        rows: pl.DataFrame,
        tried: pl.DataFrame,
        result: Edition,
        found: dict[str, list[pl.DataFrame]],
    ) -> None:
        """Mark the rows that join their window, and publish every cell that gained some."""
        number, label = marks
        joined = pl.lit(result.joined)
        marked = tried.with_columns(
            new=joined,
            label=pl.when(joined).then(pl.lit(result.label)).otherwise(pl.col(label)),
            edition=pl.when(joined)
            .then(pl.col(number).max().over("whole") + 1)
            .otherwise(pl.col(number)),
        )
        shown = marked.filter((pl.col("edition") > 0) & pl.col("new").any().over("whole"))
        if not shown.is_empty():
            for table, cells in tables.made(pace, shown, self._state.codes).items():
                found[table].append(cells)
        if pace == "daily":
            gained = marked.filter("new").select(
                self._state.codes.decode(pl.col("site")), pl.col("hits")
            )
            self._totals.book(gained, released=True)
        self._state.write(
            rows.with_columns(
                rows.get_column(number).scatter(marked["at"], marked["edition"]),
                rows.get_column(label).scatter(marked["at"], marked["label"]),
            )
        )

    def _windows(self, rows: pl.DataFrame, start: pl.Expr) -> pl.DataFrame:
        """Return the rows with whole and window, its start, and visitors as dense codes."""
        return rows.with_columns(
            whole=dense(window_key(start)),
            window_start=start,
            visitor=dense(pl.col("visitor")),
            robot=pl.col(SEGMENT) == self._state.codes.code(BOT),
        ).with_columns(window=dense(pack("whole", SEGMENT)))

    def _expire(self, now: int) -> bool:
        """Drop the days that wait no longer; what they have not released is withheld.

        Return whether there was one.
        """
        bound = now - self._lateness - self._hold
        floor = now if now == EVER else bound // DAY * DAY
        self._floor = floor if self._floor is None else max(self._floor, floor)
        gone = [start for start in self._state.days if start < self._floor]
        if gone:
            self._settle(gone)
            self._state.drop(gone)
        return bool(gone)

    def _settle(self, starts: Iterable[int]) -> None:
        rows = self._state.gather(starts).select(
            "hits", "day_edition", site=self._state.codes.decode(pl.col("site"))
        )
        shown = pl.col("day_edition") > 0
        self._totals.book(rows.filter(~shown), withheld=True)
        self._settled.book(rows.filter(shown), counted=True, released=True)
        self._settled.book(rows.filter(~shown), counted=True, withheld=True)


def _slot() -> pl.Expr:
    """Return where each row of a closing day comes from, as far as the public knows."""
    hour = (pl.col("hour") % DAY // HOUR).cast(pl.UInt32) * (1 << 16)
    return (
        pl.when(pl.col("edition") > 0)
        .then(hour + pl.col("edition").cast(pl.UInt32))
        .otherwise(days.ARRIVALS)
        .cast(pl.UInt32)
    )
