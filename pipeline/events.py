"""The only shape that crosses door 1: batches of allow-listed event rows.

A message on ``events`` is a small JSON header, a newline, and an Arrow IPC stream whose columns
are exactly the fields of ``schemas/events/event.yaml``, in that order. Text columns are dictionary
encoded: a page stands once in a message, however many rows asked for it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NewType

import orjson
import polars as pl

from pipeline import declarations
from pipeline.errors import IntegrityError, SettingsError
from pipeline.nulls import blanked
from pipeline.zones import is_zone

_DOCUMENT: Final[dict[str, Any]] = declarations.load("events/event.yaml")

SCHEMA: Final[dict[str, pl.DataType]] = {
    name: getattr(pl, spec["type"])() for name, spec in _DOCUMENT["fields"].items()
}
"""Column name → Polars type, in order: the allow-list."""

PURPOSES: Final[dict[str, str]] = {n: s["purpose"] for n, s in _DOCUMENT["fields"].items()}
"""Column name → purpose in the policy."""

SEGMENT: Final = "segment"
"""The field that the traffic is told apart by: every dimension is broken down within a segment."""
BOT: Final = "bot"
"""The segment of what people did not ask for; all others are people's."""
VIEW: Final = "view"
"""The segment of people's page views: what visits are made of."""

GOAL: Final = "goal"
"""The dimension of a site's goals: one value where it has none, so that nothing is told of it."""
FLOORED: Final = ("place",)
"""The dimensions whose values need ``place_floor`` visitors, as the policy says, and not just k."""
STEADY: Final = frozenset(
    {"browser", "system", "device", "suspicion", "country", "place", "provider"}
)
"""Dimensions that hardly change during a visit: of such a value as many visits end as begin."""
UNKNOWN: Final = "(unknown)"
"""Stands where no database says, and so names nobody's place."""


def nesting(document: dict[str, Any]) -> dict[str, str | None]:
    """Return each dimension of an event.yaml with what it is within; raises SettingsError.

    A parent must stand before its children and be within nothing itself: the release looks after
    one level. A key that nobody reads is refused, or a misspelt ``within`` would be none.
    """
    found: dict[str, str | None] = {}
    for name, spec in document["dimensions"].items():
        within = spec.get("within")
        if name not in document["fields"] or document["fields"][name]["type"] != "String":
            raise _undeclared(name, "is no field of text: declare it under fields first")
        if name in {"site", "audience", SEGMENT}:
            raise _undeclared(name, "is told apart in every table already: remove it")
        if spec.keys() - {"within"} != {"purpose"}:
            raise _undeclared(name, "takes purpose, and within where it needs one, and no more")
        if within is not None:
            if within not in document["dimensions"]:
                raise _undeclared(name, f"is within {within}, which is no dimension: mend the name")
            if within not in found:
                raise _undeclared(name, f"is within {within}, which must stand before it")
            if found[within] is not None:
                raise _undeclared(
                    name, f"is within {within}, which is within {found[within]}: name that instead"
                )
        found[name] = within
    return found


def _undeclared(name: str, why: str) -> SettingsError:
    return SettingsError(f"schemas/events/event.yaml: dimension {name} {why}")


DIMENSIONS: Final = nesting(_DOCUMENT)
"""Breakdown dimension → the dimension it nests in, or None. Parents come first."""

DIMENSION_PURPOSES: Final[dict[str, str]] = {
    n: s["purpose"] for n, s in _DOCUMENT["dimensions"].items()
}
"""Breakdown dimension → purpose in the policy."""


Body = NewType("Body", bytes)
"""Rows as they stand in a message, of columns that were checked."""

_END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How an Arrow IPC stream ends (format specification, "IPC Streaming Format")."""


@dataclass(frozen=True, slots=True)
class EventsHeader:
    """Which part of the source a batch stands for.

    ``source`` is ``topic:partition``; the batch covers every offset of it up to ``last_offset``
    that an earlier batch did not. ``watermark`` is how far time has come there (seconds; a
    high quantile of the batch, never past now), None where nothing is known; ``end`` says that
    the ingest sends no more from this source. ``topics`` are those that the ingest says it comes
    on, besides the source's own; none where it says nothing. ``zones``: site → the zone by
    whose clock its hours and days are cut, of sites in the batch where that is not UTC.
    """

    source: str
    last_offset: int
    ingest: str
    watermark: int | None
    end: bool = False
    topics: tuple[str, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict)


def encode(header: EventsHeader, rows: pl.DataFrame) -> bytes:
    """Return the message for ``rows``; a column outside the allow-list raises IntegrityError."""
    return framed(header, pack(rows))


def pack(rows: pl.DataFrame) -> Body:
    """Return ``rows`` for a message; a column outside the allow-list raises IntegrityError."""
    if plain_schema(rows) != SCHEMA:
        extra = sorted(set(rows.columns) - set(SCHEMA))
        missing = sorted(set(SCHEMA) - set(rows.columns))
        raise IntegrityError(f"not an event batch: columns extra {extra}, missing {missing}")
    return to_ipc(rows)


def framed(header: EventsHeader, body: Body) -> bytes:
    """Return the message for rows that were packed."""
    head = {
        "source": header.source,
        "last_offset": header.last_offset,
        "ingest": header.ingest,
        "watermark": header.watermark,
        "end": header.end,
        "topics": header.topics,
        "zones": header.zones,
    }
    return orjson.dumps(head) + b"\n" + body


def decode_header(message: bytes) -> EventsHeader:
    """Return the header alone; raises IntegrityError where the message has none."""
    try:
        fields = orjson.loads(message[: message.find(b"\n")])
        header = EventsHeader(**{**fields, "topics": tuple(fields.get("topics", ()))})
        known = all(map(is_zone, header.zones.values()))
    except (orjson.JSONDecodeError, TypeError, AttributeError) as error:
        raise IntegrityError("not an event batch") from error
    if not known:
        raise IntegrityError("an event batch of a clock that nobody knows")
    return header


def decode(message: bytes, *, coded: bool = False) -> tuple[EventsHeader, pl.DataFrame]:
    """Return header and rows of a message; raises IntegrityError where it is not one.

    ``coded`` leaves text columns as the categoricals that stand in the message.
    """
    header = decode_header(message)
    rows = from_ipc(message[message.find(b"\n") + 1 :], coded=coded)
    if plain_schema(rows) != SCHEMA:
        raise IntegrityError("not an event batch")
    return header, rows


def plain_schema(rows: pl.DataFrame) -> dict[str, pl.DataType]:
    """Return the columns' types, of coded texts too the type that they mean: String."""
    return {
        name: pl.String() if isinstance(dtype, pl.Categorical) else dtype
        for name, dtype in rows.schema.items()
    }


def to_ipc(rows: pl.DataFrame) -> Body:
    """Return ``rows`` as an LZ4-compressed Arrow IPC stream, texts coded.

    Of a dictionary, Polars writes the values that the rows have, and no others.
    """
    sink = io.BytesIO()
    # Its own categories, not the process's: Polars forgets them with the frame.
    codes = pl.Categorical(pl.Categories.random())
    coded = rows.with_columns(pl.col(pl.String).cast(codes))
    # What a mask has emptied still lies beneath the nulls, and would be written.
    blanked(coded).write_ipc_stream(sink, compression="lz4")
    return Body(sink.getvalue())


def from_ipc(data: bytes, *, coded: bool = False) -> pl.DataFrame:
    """Return the frame of an Arrow IPC stream; raises IntegrityError where it is damaged.

    ``coded`` leaves its texts categorical.
    """
    if not data.endswith(_END_OF_STREAM):
        # Cut between two of its parts, a stream reads as one with fewer rows.
        raise IntegrityError("rows of a message are damaged")
    try:
        rows = pl.read_ipc_stream(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise IntegrityError("rows of a message are damaged") from error
    return rows if coded else rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


EMPTY: Final = pl.DataFrame(schema=SCHEMA)
"""No rows: what a message holds that only tells how far a source has come."""
