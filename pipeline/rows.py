"""What flows between the open rooms: cells (pseudonymous, internal) and rollups (anonymous).

Both messages are a JSON header, a newline and an Arrow IPC stream, as in ``events``. A statement of
account is JSON alone.

Cells keep one row per hour, segment, visitor and profile (the value of every dimension), of page
views even one per second, and not counts: whether ``(other)`` stands for k distinct visitors can
only be told from the visitors themselves, since folded cells share them. Minutes of live traffic
come on the same way, in messages of their own kind. Rollup rows are the only ones that cross
door 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, TypeVar

import orjson
import polars as pl

from pipeline.errors import IntegrityError
from pipeline.events import DIMENSIONS, Body, from_ipc, plain_schema, to_ipc
from pipeline.zones import UTC, is_zone

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
OTHER: Final = "(other)"
THEN: Final = " > "
"""Between the pages of a click path."""
MORE: Final = "…"
"""Last in the click path of a visit that has more views."""
"""The value that folded cells are counted under; no real value can be written like this."""

CELLS: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "hour": pl.Int64(),
    "segment": pl.String(),
    "visitor": pl.UInt64(),
    "second": pl.UInt16(),
    **{name: pl.String() for name in DIMENSIONS},
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
}
"""Columns of a cells message. ``hour`` is its start on the site's clock (``pipeline.zones``);
``second`` is that of the hour in which a page was viewed, and 0 of all other requests: visits are
made of views."""

MINUTES: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "minute": pl.Int64(),
    "segment": pl.String(),
    "status_class": pl.String(),
    "pace": pl.UInt8(),
    "visitor": pl.UInt64(),
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
}
"""Columns of a message of minutes that have passed. ``minute`` is its start on the site's clock
(``pipeline.zones``); ``status_class`` is 1xx to 5xx, or (none); ``pace`` is the place of the
response time's class among those of ``response_times``, and one more than the last where the log
does not say."""

TRAFFIC: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "window_start": pl.Int64(),
    "audience": pl.String(),
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
    "visitors": pl.UInt64(),
}
BREAKDOWN: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "window_start": pl.Int64(),
    "dimension": pl.String(),
    "value": pl.String(),
    "hits": pl.UInt64(),
    "visitors": pl.UInt64(),
}
_OF_SEGMENT: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "window_start": pl.Int64(),
    "segment": pl.String(),
}
SEGMENTS: Final[dict[str, pl.DataType]] = {
    **_OF_SEGMENT,
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
    "visitors": pl.UInt64(),
}
SEGMENT_BREAKDOWN: Final[dict[str, pl.DataType]] = {
    **_OF_SEGMENT,
    "dimension": pl.String(),
    "value": pl.String(),
    "hits": pl.UInt64(),
    "visitors": pl.UInt64(),
}
PAIRS: Final[dict[str, pl.DataType]] = {
    **_OF_SEGMENT,
    "dimension": pl.String(),
    "value": pl.String(),
    "across": pl.String(),
    "across_value": pl.String(),
    "hits": pl.UInt64(),
    "visitors": pl.UInt64(),
    "seconds": pl.UInt64(),
}
STEPS: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "window_start": pl.Int64(),
    "minutes": pl.UInt8(),
    "segment": pl.String(),
    "status_class": pl.String(),
    "hits": pl.UInt64(),
    "bytes": pl.UInt64(),
    "visitors": pl.UInt64(),
}
STEP_TIMES: Final[dict[str, pl.DataType]] = {
    "site": pl.String(),
    "window_start": pl.Int64(),
    "minutes": pl.UInt8(),
    "segment": pl.String(),
    "status_class": pl.String(),
    "response_time": pl.String(),
    "hits": pl.UInt64(),
    "visitors": pl.UInt64(),
}
COUNTS: Final = ("hits", "bytes", "visitors", "seconds")
"""The columns of TABLES that count; all others say what."""
TABLES: Final[dict[str, dict[str, pl.DataType]]] = {
    "traffic_hourly": TRAFFIC,
    "traffic_daily": TRAFFIC,
    "breakdown_hourly": BREAKDOWN,
    "breakdown_daily": BREAKDOWN,
    "segment_hourly": SEGMENTS,
    "segment_daily": SEGMENTS,
    "segment_breakdown_hourly": SEGMENT_BREAKDOWN,
    "segment_breakdown_daily": SEGMENT_BREAKDOWN,
    "pair_daily": PAIRS,
    "health_minute": STEPS,
    "response_time_minute": STEP_TIMES,
}
"""Table → columns of its released rows, ``revision`` (UInt64) and ``ingest`` aside."""
LIVE_TABLE: Final = "health_minute"
LIVE_TIMES: Final = "response_time_minute"
OF_MINUTES: Final = frozenset({LIVE_TABLE, LIVE_TIMES})
"""The two that are of minutes; all others are of hours and days."""


@dataclass(frozen=True, slots=True)
class CellsHeader:
    """Where in the log of ``events`` a cells message was cut.

    ``origin`` is the events partition and ``position`` the events offset at which its windows
    closed. ``first`` is the number of the message's first row among all that the cut sends to this
    cells partition, so a cut that was divided elsewhere the second time is still taken once.
    ``watermark`` (seconds) stands in the last message of a cut and promises that every hour of
    ``ingest`` that ended a lateness before it has been sent from this origin; None says that more
    of the cut follows, ``end`` promises that all has been sent.

    ``minutes``: the rows are those of minutes that have passed (MINUTES), and ``watermark`` is the
    start of the first minute that has not. Such cuts are counted by themselves. A header without
    the word, as it was written before there were any, is of hours.

    ``zone``: by whose clock the times of the rows are; the watermark is UTC, and of all zones.
    """

    origin: int
    position: int
    first: int
    ingest: str
    watermark: int | None
    end: bool = False
    minutes: bool = False
    zone: str = UTC


@dataclass(frozen=True, slots=True)
class RollupsHeader:
    """Which table the rows are for; ``finished`` says that the ingest has released its last."""

    table: str
    ingest: str
    origin: int
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """Hits of one ingest and site as release has booked them, exact: never for analysts.

    ``position`` is the cells offset up to which they are booked; of two, the higher is right.
    """

    ingest: str
    site: str
    position: int
    counted: int
    released: int
    withheld: int


_Header = TypeVar("_Header", CellsHeader, RollupsHeader)


def framed(header: CellsHeader | RollupsHeader, body: Body) -> bytes:
    """Return the message for rows that were packed."""
    return orjson.dumps(asdict(header)) + b"\n" + body


def pack_cells(rows: pl.DataFrame) -> Body:
    """Return rows for a cells message; columns other than those of CELLS raise IntegrityError."""
    return _packed(rows, CELLS)


def pack_minutes(rows: pl.DataFrame) -> Body:
    """Return rows for a message of minutes; other columns than MINUTES raise IntegrityError."""
    return _packed(rows, MINUTES)


def decode_cells(message: bytes, *, coded: bool = False) -> tuple[CellsHeader, pl.DataFrame]:
    """Return header and rows; raises IntegrityError where the bytes are no cells message.

    The rows have the columns of CELLS, or of MINUTES where the header says so. ``coded`` leaves
    text columns as the categoricals that stand in the message.
    """
    header, rows = _decode(message, CellsHeader, coded=coded)
    if not is_zone(header.zone):
        raise IntegrityError("cells of a clock that nobody knows")
    _check(rows, MINUTES if header.minutes else CELLS)
    return header, rows


def pack_rollups(table: str, rows: pl.DataFrame) -> Body:
    """Return rows for a rollups message: the table's columns and ``revision``, and no others."""
    return _packed(rows, _rollup_schema(table))


def decode_rollups(message: bytes) -> tuple[RollupsHeader, pl.DataFrame]:
    """Return header and rows; raises IntegrityError where the bytes are no rollups message."""
    header, rows = _decode(message, RollupsHeader)
    _check(rows, _rollup_schema(header.table))
    return header, rows


def encode_statement(statement: Statement) -> bytes:
    """Return the message for ``accounting``."""
    return orjson.dumps(asdict(statement))


def decode_statement(message: bytes) -> Statement:
    """Return what was stated; raises IntegrityError where the bytes are no statement."""
    try:
        return Statement(**orjson.loads(message))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise IntegrityError("an account is damaged") from error


def _rollup_schema(table: str) -> dict[str, pl.DataType]:
    if table not in TABLES:
        raise IntegrityError("rollups for a table that does not exist")
    return {**TABLES[table], "revision": pl.UInt64()}


def _packed(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> Body:
    _check(rows, schema)
    return to_ipc(rows)


def _decode(
    message: bytes, kind: Callable[..., _Header], *, coded: bool = False
) -> tuple[_Header, pl.DataFrame]:
    head, _, body = message.partition(b"\n")
    try:
        header = kind(**orjson.loads(head))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise IntegrityError("the header of a message is damaged") from error
    return header, from_ipc(body, coded=coded)


def _check(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> None:
    if plain_schema(rows) != schema:
        # Names that came over the wire are not ours to repeat.
        strange, missing = set(rows.columns) - set(schema), sorted(set(schema) - set(rows.columns))
        raise IntegrityError(f"{len(strange)} columns do not belong, and missing are {missing}")
