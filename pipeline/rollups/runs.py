"""The runs of a rollup's state: one for each events message, from which it is built up again.

A run is the progress as a line of JSON, and behind it the rows that the message added: cells of
hours and rows of minutes, each as Arrow IPC. The JSON says where the minutes begin.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
import polars as pl

from pipeline import events, rows
from pipeline.errors import IntegrityError
from pipeline.rollups.clocks import ZONE, Reached
from pipeline.rollups.minutes import OPEN_MINUTES
from pipeline.rollups.window import Marks
from pipeline.zones import UTC

OPEN: Final[dict[str, pl.DataType]] = {
    "position": pl.Int64(),
    "ingest": pl.String(),
    ZONE: pl.String(),
    **rows.CELLS,
}
"""Columns of the state: cells, their clock and ingest, and the events offset they came with."""


@dataclass(slots=True)
class Progress:
    """What a partition has taken in, small enough to stand in every run.

    ``applied``: highest source offset by ingest and source. ``marks``: watermarks by ingest and
    source. ``cut``: by ingest, the events offset at which cells were last sent, and by zone the
    start of the oldest hour that stayed open then. ``passed``: of live traffic, by zone the start
    of the first minute that has not passed; empty while none has. ``zones`` are those by whose
    clocks rows have come.
    """

    applied: dict[str, dict[str, int]] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    cut: dict[str, tuple[int, Reached]] = field(default_factory=dict)
    passed: Reached = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)


def encode_run(progress: Progress, cells: pl.DataFrame, came: pl.DataFrame) -> bytes:
    """Return a run: the progress as JSON, a newline, the cells and the rows of minutes.

    The JSON says where among the bytes that follow it the minutes begin.
    """
    body = events.to_ipc(cells)
    head = {**asdict(progress), "minutes_at": len(body)}
    minutes_ = b"" if came.is_empty() else events.to_ipc(came)
    return orjson.dumps(head) + b"\n" + body + minutes_


def decode_run(value: bytes, *, coded: bool = False) -> tuple[Progress, pl.DataFrame, pl.DataFrame]:
    """Return progress, cells and minutes of a run; raises IntegrityError where it is damaged.

    A run that was written before there were minutes or zones has none. ``coded`` leaves text
    columns categorical.
    """
    head, _, body = value.partition(b"\n")
    try:
        fields = orjson.loads(head)
        progress = Progress(
            applied=fields["applied"],
            marks={name: Marks(**mark) for name, mark in fields["marks"].items()},
            cut={name: (at, _by_zone(start)) for name, (at, start) in fields["cut"].items()},
            passed=_by_zone(fields.get("passed")),
            zones=fields.get("zones", []),
        )
        at = fields.get("minutes_at", len(body))
        cells = events.from_ipc(body[:at], coded=coded)
        came = events.from_ipc(body[at:], coded=coded) if at < len(body) else _no_minutes()
    except (orjson.JSONDecodeError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise IntegrityError("a run of the rollup's state is damaged") from error
    return progress, _of_now(cells, OPEN), _of_now(came, OPEN_MINUTES)


def _by_zone(start: Reached | int | None) -> Reached:
    """Return how far each clock had come; before there were zones, all were on UTC."""
    if isinstance(start, int):
        return {UTC: start}
    return start or {}


def _no_minutes() -> pl.DataFrame:
    return pl.DataFrame(schema=OPEN_MINUTES)


def _of_now(found: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return the rows of a run; none has the columns of another version."""
    if ZONE not in found.columns and {ZONE, *found.columns} == set(schema):
        found = found.with_columns(pl.lit(UTC).alias(ZONE)).select(*schema)
    if events.plain_schema(found) == schema:
        return found
    if found.height:
        raise IntegrityError(
            "open windows were filled by another version: let them close under that one first"
        )
    return pl.DataFrame(schema=schema)
