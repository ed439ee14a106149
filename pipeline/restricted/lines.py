"""Messages into lines: one line a message or a chunk of many, each with whose it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from pipeline.labels import LIVE, PATTERN, WIDGET_SUFFIX
from pipeline.restricted.formats import AUTO
from pipeline.restricted.said import Said
from pipeline.shown import is_zone

MOST_LABELS: Final = 64
"""Distinct labels in one batch: each costs a parser's start and messages of its own."""

MOST_GUESSES: Final = 4
"""Of them, those whose format is to be guessed: each format has to be tried on their lines."""

_HEADERS_KEPT: Final = 10_000
_HEADERS_LONGEST: Final = 2_560
_LABEL: Final = re.compile(PATTERN.encode())
_ZONE: Final = re.compile(rb"[A-Za-z0-9_+/-]{1,64}")
_DIRECTIVE: Final = re.compile(rb"[A-Za-z0-9() _.:-]{1,2000}")
_PLAIN: Final = {"offset": pl.UInt64, "raw": pl.Binary}
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Label:
    """What the shipper says of a message. Labels cross the wall, so their shape is closed.

    ``zone`` and ``directive`` (``#Fields:`` of the file) help to read the lines and do not cross.
    ``known`` is False where the settings list sites or ingests and what was said is not among
    them, or where a site is called as only a widget may be: the rest is then the default's.
    """

    site: str
    source: str
    format: str
    ingest: str = LIVE
    zone: str = "UTC"
    directive: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class RawMessages:
    """Messages of one partition in the order of their offsets. Nothing of them is ever shown."""

    source: str
    offsets: list[int]
    values: list[bytes]
    headers: list[Headers]

    def first(self, count: int) -> RawMessages:
        """Return the first ``count`` messages."""
        if count == len(self.offsets):
            return self
        return RawMessages(
            self.source, self.offsets[:count], self.values[:count], self.headers[:count]
        )


@dataclass(frozen=True, slots=True, repr=False)
class Lines:
    """``frame``: offset UInt64, line UInt32, raw Binary, label UInt32 (index into ``labels``).

    ``messages`` of those given are in it: fewer than all where they have more than MOST_LABELS.
    """

    frame: pl.DataFrame
    labels: list[Label]
    messages: int
    said: Said = field(default_factory=Said)


class Labeller:
    """Labels of headers, numbered and remembered: a shipper sends the same ones again and again."""

    def __init__(
        self,
        default: Label,
        sites: Collection[str] | None = None,
        ingests: Collection[str] | None = None,
    ) -> None:
        """``default`` is for messages without headers; its number is 0.

        Where ``sites`` or ``ingests`` are given, a label of another is not known; the default is.
        """
        self.default = default
        self._unknown = replace(default, known=False)
        self._sites = None if sites is None else {*sites, default.site}
        self._ingests = None if ingests is None else {*ingests, default.ingest}
        self.forget()

    def forget(self) -> None:
        """Start afresh where somebody sends ever new labels; only between two batches."""
        self.labels = [self.default]
        self._places = {self.default: 0}
        self._numbers: dict[tuple[bytes | None, ...], int] = {}

    def number(self, headers: dict[str, bytes]) -> int:
        """Return the number of a message's label; what is no valid label gives way to the default.

        On the way of every message, so it hashes six small values and no more.
        """
        get = headers.get
        key = (
            get("site"), get("source"), get("format"), get("ingest"), get("zone"), get("fields"),
        )  # fmt: skip
        found = self._numbers.get(key)
        if found is None:
            label = self._read(headers)
            found = self._places.setdefault(label, len(self.labels))
            if found == len(self.labels):
                self.labels.append(label)
            # A label's values are short. Longer ones are nobody's, and would fill the memory.
            if sum(len(value or b"") for value in key) <= _HEADERS_LONGEST:
                self._numbers[key] = found
        return found

    @property
    def full(self) -> bool:
        """Tell whether so many headers are remembered that it is time to forget them."""
        return max(len(self._numbers), len(self.labels)) > _HEADERS_KEPT

    def _read(self, headers: dict[str, bytes]) -> Label:
        def text(name: str, default: str) -> str:
            value = headers.get(name)
            return value.decode() if value and _LABEL.fullmatch(value) else default

        base = self.default
        zone, directive = headers.get("zone", b""), headers.get("fields", b"")
        named = zone.decode() if _ZONE.fullmatch(zone) else ""
        label = Label(
            text("site", base.site),
            text("source", base.source),
            text("format", base.format),
            text("ingest", base.ingest),
            named if named and is_zone(named) else base.zone,
            directive.decode() if _DIRECTIVE.fullmatch(directive) else "",
        )
        strange = (
            label.site.endswith(WIDGET_SUFFIX)
            or (self._sites is not None and label.site not in self._sites)
            or (self._ingests is not None and label.ingest not in self._ingests)
        )
        return self._unknown if strange else label


def explode(messages: RawMessages, labeller: Labeller) -> Lines:
    """Return every line of every message, numbered within its message from 0.

    Stops before the message that brings one label more than MOST_LABELS.
    """
    if labeller.full:
        labeller.forget()
    if any(messages.headers) or b"\n" in b"".join(messages.values):
        return _labelled(messages, labeller)
    # The plainest way to ship, and a quarter of the time: a line a message, without headers.
    frame = pl.DataFrame({"offset": messages.offsets, "raw": messages.values}, schema=_PLAIN)
    none = pl.lit(0, pl.UInt32)
    frame = frame.select("offset", none.alias("line"), "raw", none.alias("label"))
    return Lines(frame, labeller.labels, frame.height)


def _labelled(messages: RawMessages, labeller: Labeller) -> Lines:
    raw: list[bytes] = []
    counts: list[int] = []
    numbers: list[int] = []
    said = Said()
    seen: set[int] = set()
    guesses = 0
    for value, headers in zip(messages.values, messages.headers, strict=True):
        found = dict(headers)
        number = labeller.number(found) if found else 0
        label = labeller.labels[number]
        if number not in seen:
            guesses += label.format == AUTO
            if len(seen) == MOST_LABELS or guesses > MOST_GUESSES:
                break
            seen.add(number)
        if found and said.hear(label.ingest if label.known else None, found):
            counts.append(0)
        elif b"\n" in value:
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
        {"offset": messages.offsets[: len(counts)], "label": numbers, "count": counts},
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
    return Lines(frame.select("offset", "line", "raw", "label"), labeller.labels, len(counts), said)


def text(raw: pl.Series) -> pl.Series:
    """Return the lines as text: UTF-8 where they are, else with replacement characters."""
    try:
        decoded = raw.cast(pl.String)
    except pl.exceptions.PolarsError:
        # Rare: a single line that is not UTF-8 makes the whole cast fail.
        decoded = pl.Series([value.decode("utf-8", "replace") for value in raw.to_list()])
    return decoded.str.strip_suffix("\r")
