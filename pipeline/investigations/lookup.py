"""Finds records in the sealed store by token, site and hour, without opening anything.

Look-ups go from coarse to fine: the manifest tells which volumes and segments can hold what is
asked for, the statistics of an index which of its row groups can, and the rows of those what does.
Only then are sealed frames fetched, and of the data files only the row groups that hold them.

Memory: :func:`hours` holds one window of hours at a time, so that a year can be gone through;
:func:`rows` holds all it finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.investigations.parts import ROWS, parts_of, rows_in
from pipeline.investigations.segments import Effort, Sought, Tokens, frames_of
from pipeline.investigations.windows import windows
from pipeline.keys.material import Tokeniser
from pipeline.rows import DAY
from pipeline.vault.manifest import HOLD
from pipeline.vault.storage import Storage, storage_at

RECORD: Final = ["folder", "partition", "offset", "line"]
"""Rows that are alike in these are of one record: itself, and the copies that legal holds keep."""

ORDER: Final = ["hour", "partition", "offset", "line"]
"""Rows come in this order, those without an hour last."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sealing key that holds lines of a site: whoever looks there needs tokens for these days.

    Days count from 1970-01-01 UTC, both included; ``untimed`` asks for the token of lines without
    a time as well.
    """

    key_id: str
    site: str
    first_day: int
    last_day: int
    untimed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A sealed frame that holds records looked for: what ``open_frame`` needs, and which rows.

    ``rows`` are rows as of :func:`rows`, ``row`` among them being a record's place within the
    opened frame.
    """

    key_id: str
    head: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    frame: int
    ciphertext: bytes = field(repr=False)
    rows: pl.DataFrame = field(repr=False)


def tokens_of(
    address: str,
    sites: Iterable[str],
    first_hour: int,
    last_hour: int,
    token_keys: Mapping[str, bytes],
    *,
    untimed: bool = False,
) -> dict[str, frozenset[bytes]]:
    """Return the tokens of an address on these sites, for each day that the hours touch.

    An address has a token per site, day of its lines and day of sealing, so that whoever looks it
    up says where and when. ``token_keys`` gives the token key of each sealing key (by key id) that
    may have sealed it; hours are starts of hours in seconds since 1970 UTC, both included.
    ``untimed`` takes in lines that have an address and no time.
    """
    days: list[int | None] = list(range(first_hour // DAY, last_hour // DAY + 1))
    pairs = [(site, day) for site in sites for day in (*days, *([None] if untimed else []))]
    found = {}
    for key_id, token_key in token_keys.items():
        token = Tokeniser(token_key)
        found[key_id] = frozenset(token(site, day, address) for site, day in pairs)
    return found


def wanted(
    vault: Storage | str,
    sites: Collection[str],
    first_hour: int,
    last_hour: int,
    *,
    untimed: bool = False,
) -> list[Wanted]:
    """Return which sealing keys hold lines of these sites and hours, told by the manifest alone.

    Hours are starts of hours in seconds since 1970 UTC, both included. A key that holds nothing
    of a site but lines without a time is given with the first day asked for. Sorted by key and
    site. Raises IntegrityError, UnavailableError.
    """
    days: dict[tuple[str, str], tuple[int, int, bool]] = {}
    sought = Sought.of(sites, first_hour, last_hour, None, untimed=untimed)
    for part in parts_of(_storage(vault), sought, bound=True):
        for held in part.held:
            if not sought.may_be_in(held):
                continue
            timed = sought.timed_in(held)
            first = max(held.first, first_hour) if timed and held.first is not None else first_hour
            last = min(held.last, last_hour) if timed and held.last is not None else first_hour
            new = (first // DAY, last // DAY, untimed and held.untimed > 0)
            old = days.get((held.key_id, held.site), new)
            days[held.key_id, held.site] = (
                min(old[0], new[0]),
                max(old[1], new[1]),
                old[2] or new[2],
            )
    return [
        Wanted(key_id, site, first, last, untimed)
        for (key_id, site), (first, last, untimed) in sorted(days.items())
    ]


def rows(
    vault: Storage | str,
    sites: Collection[str],
    first_hour: int,
    last_hour: int,
    tokens: Tokens | None,
    *,
    untimed: bool = False,
    effort: Effort | None = None,
) -> pl.DataFrame:
    """Return the index rows of these sites, hours and tokens, columns ROWS in the order ORDER.

    ``tokens`` None stands for every record of the sites and hours: a scan, for what no token is
    made of. Hours are starts of hours in seconds since 1970 UTC, both included; ``untimed`` takes
    in lines of the sites without a time. ``effort``, where given, is added to. All rows are held
    at once: where they may be many, take :func:`hours`. Raises IntegrityError, UnavailableError.
    """
    sought = Sought.of(sites, first_hour, last_hour, tokens, untimed=untimed)
    storage = _storage(vault)
    parts = parts_of(storage, sought, bound=tokens is not None)
    return _sorted(rows_in(storage, parts, sought, effort or Effort()))


def hours(
    vault: Storage | str,
    sites: Collection[str],
    first_hour: int,
    last_hour: int,
    tokens: Tokens | None,
    *,
    untimed: bool = False,
    effort: Effort | None = None,
) -> Iterator[tuple[int | None, pl.DataFrame]]:
    """Yield what :func:`rows` returns hour by hour, ascending, lines without a time last (None).

    Hours without a row are passed over. Read ahead is a window of hours, so chosen from the
    manifest that it holds about a million records of a scan, or is searched for a token among
    some ten million: never the whole of a long span. The manifest is read once, at the start.
    """
    storage, spent = _storage(vault), effort or Effort()
    sought = Sought.of(sites, first_hour, last_hour, tokens, untimed=untimed)
    parts = parts_of(storage, sought, bound=tokens is not None)
    for first, last in windows(parts, sought):
        within = _sorted(rows_in(storage, parts, sought.between(first, last), spent))
        for [hour], found in within.group_by(["hour"], maintain_order=True):
            assert isinstance(hour, int)  # noqa: S101 - rows without one are not asked for here
            yield hour, found
    if untimed:
        found = _sorted(rows_in(storage, parts, sought.only_untimed(), spent))
        if not found.is_empty():
            yield None, found


def fetch(
    vault: Storage | str, rows: pl.DataFrame, effort: Effort | None = None
) -> Iterator[Found]:
    """Yield the sealed frames of these rows (columns ROWS), by data file and place in it.

    Take a page or an hour of rows at a time: within a call a row group of a data file is read
    once, and one is held at a time. What is checked: the file reads as Parquet and has the place
    named. That a frame is the one sealed, whole and in its place shows when it is opened, and
    that a row names the right record when its line is read. Raises IntegrityError that names the
    file, UnavailableError.
    """
    storage, spent = _storage(vault), effort or Effort()
    for [name], of_file in rows.sort("data", "place").group_by(["data"], maintain_order=True):
        of_place = of_file.partition_by("place", as_dict=True, maintain_order=True)
        for frame in frames_of(storage, str(name), [place for (place,) in of_place], spent):
            mine = of_place[frame.place,]
            yield Found(
                key_id=mine.item(0, "key_id"),
                head=frame.head,
                encapsulated=frame.encapsulated,
                frame=frame.number,
                ciphertext=frame.ciphertext,
                rows=mine.sort(ORDER, nulls_last=True),
            )


def _storage(vault: Storage | str) -> Storage:
    return storage_at(vault) if isinstance(vault, str) else vault


def is_copy() -> pl.Expr:
    """Return what tells of a row (columns ROWS) whether it is a copy that a legal hold keeps."""
    return pl.col("key_id").str.starts_with(HOLD)


def _sorted(found: list[pl.DataFrame]) -> pl.DataFrame:
    # Sorted from scratch: a segment's index is in the order of its tokens.
    return pl.concat([pl.DataFrame(schema=ROWS), *found]).sort(ORDER, nulls_last=True)
