"""Messages into lines: one line a message or a chunk of many, each with whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

LIVE: Final = "live"
_LABELS_KEPT: Final = 10_000
_LABEL: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Label:
    """What the shipper says of a message. Labels cross the wall, so their shape is closed."""

    site: str
    source: str
    format: str
    ingest: str = LIVE


@dataclass(frozen=True, slots=True, repr=False)
class RawMessages:
    """Messages of one partition in the order of their offsets. Nothing of them is ever shown."""

    source: str
    offsets: list[int]
    values: list[bytes]
    headers: list[Headers]


@dataclass(frozen=True, slots=True, repr=False)
class Lines:
    """``frame``: offset UInt64, line UInt32, raw Binary, label UInt32 (index into ``labels``).

    ``ended`` are the ingests that end on this partition within the batch.
    """

    frame: pl.DataFrame
    labels: list[Label]
    ended: list[str]


class Labeller:
    """Labels of headers, numbered and remembered: a shipper sends the same ones again and again."""

    def __init__(self, default: Label) -> None:
        """``default`` is for messages without headers; its number is 0."""
        self.default = default
        self.forget()

    def forget(self) -> None:
        """Start afresh where somebody sends ever new labels; only between two batches."""
        self.labels = [self.default]
        self._numbers: dict[tuple[bytes | None, ...], int] = {}

    def number(self, headers: dict[str, bytes]) -> int:
        """Return the number of a message's label; what is no valid label gives way to the default.

        On the way of every message, so it hashes four small values and no more.
        """
        get = headers.get
        key = (get("site"), get("source"), get("format"), get("ingest"))
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.labels)
            self.labels.append(self._read(headers))
        return found

    def _read(self, headers: dict[str, bytes]) -> Label:
        def text(name: str, default: str) -> str:
            value = headers.get(name)
            return value.decode() if value and _LABEL.fullmatch(value) else default

        base = self.default
        return Label(
            text("site", base.site),
            text("source", base.source),
            text("format", base.format),
            text("ingest", base.ingest),
        )


def explode(messages: RawMessages, labeller: Labeller) -> Lines:
    """Return every line of every message, numbered within its message from 0."""
    raw: list[bytes] = []
    counts: list[int] = []
    numbers: list[int] = []
    ended: list[str] = []
    if len(labeller.labels) > _LABELS_KEPT:
        labeller.forget()
    for value, headers in zip(messages.values, messages.headers, strict=True):
        number = 0
        if headers:
            found = dict(headers)
            number = labeller.number(found)
            if found.get("control") == b"end":
                ingest = labeller.labels[number].ingest
                # Live traffic has no end: whoever may ship could close everybody's windows.
                ended += [] if ingest == LIVE else [ingest]
                counts.append(0)
                numbers.append(number)
                continue
        if b"\n" in value:
            lines = value.split(b"\n")
            if not lines[-1]:
                lines.pop()
            raw += lines
            counts.append(len(lines))
        else:
            raw.append(value)
            counts.append(1)
        numbers.append(number)
    frame = pl.DataFrame(
        {"offset": messages.offsets, "label": numbers, "count": counts},
        schema={"offset": pl.UInt64, "label": pl.UInt32, "count": pl.UInt32},
    )
    if len(raw) == len(counts) and 0 not in counts:
        frame = frame.with_columns(pl.lit(0, pl.UInt32).alias("line"))
    else:
        frame = frame.filter(pl.col("count") > 0)
        frame = frame.select(
            pl.exclude("count").repeat_by("count").explode(empty_as_null=False)
        ).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over("offset").alias("line"))
    frame = frame.with_columns(pl.Series("raw", raw, dtype=pl.Binary))
    return Lines(frame.select("offset", "line", "raw", "label"), labeller.labels, ended)


def text(raw: pl.Series) -> pl.Series:
    """Return the lines as text: UTF-8 where they are, else with replacement characters."""
    try:
        decoded = raw.cast(pl.String)
    except pl.exceptions.PolarsError:
        # Rare: a single line that is not UTF-8 makes the whole cast fail.
        decoded = pl.Series([value.decode("utf-8", "replace") for value in raw.to_list()])
    return decoded.str.strip_suffix("\r")
