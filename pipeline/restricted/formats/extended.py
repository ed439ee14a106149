"""The extended log file format of the W3C, and what servers made of it.

https://www.w3.org/TR/WD-logfile.html: lines of values, and directives that begin with ``#``. The
directive ``#Fields:`` in force says what the values are; it may change in the middle of a file. A
message begins with the directive that its shipper says was in force, or else with the dialect's
own. What a line means depends on its message alone.

Lines are cut into values, and each value wanted is taken at the place where its line's directive
has it, so that many directives cost no more than one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct
from pipeline.restricted.formats.fields import HEADERS, Context, Read
from pipeline.restricted.formats.layouts import typed
from pipeline.restricted.formats.localtime import local_seconds
from pipeline.restricted.formats.pieces import bare_addresses
from pipeline.restricted.proxies import HEADER_COLUMNS

_FIELDS: Final = r"(?i)^#\s*fields:\s*(.*)$"
_LONGEST: Final = 4_096
"""Characters of a directive that is read."""
_MOST: Final = 256
"""Directives remembered."""

_HEADER_NAMES: Final = {
    f"cs({name})": column for name, column in HEADER_COLUMNS.items() if name != "proxy"
} | {name: column for name, column in HEADER_COLUMNS.items() if name != "proxy"}
_HOLDS: Final[dict[str, str]] = {
    "date": "day", "time": "clock", "timestamp": "epoch", "timestamp(ms)": "epoch",
    "c-ip": "address", "cs-method": "method", "cs-uri": "target", "cs-uri-stem": "path",
    "cs-uri-path": "path", "cs-uri-query": "query", "sc-status": "status", "c-status": "status",
    "time-taken": "response_s", "sc-bytes": "size", "bytes": "size",
    "cs(referer)": "referrer", "cs(referrer)": "referrer",
    "cs(user-agent)": "agent", "x-host-header": "host", "cs-host": "host", "cs(host)": "host",
    **_HEADER_NAMES,
}  # fmt: skip
"""Field, in lower case → slot; of two fields for one slot the one that stands first here counts."""
_RANK: Final = {name: rank for rank, name in enumerate(_HOLDS)}
_OF_IIS: Final = frozenset({"sc-substatus", "sc-win32-status"})
"""Fields that IIS alone writes. Its ``time-taken`` is of milliseconds, the draft's of seconds."""
_TARGETS: Final = frozenset({"target", "path", "query"})
_TEXTS: Final = frozenset({"referrer", "agent"}) | frozenset(HEADERS)
_VALUES: Final = {True: r'"(?:[^"]|"")*"|[^\s"]\S*|"', False: r"[^ \t]+"}
"""Whether there are quotes → what a value looks like. A quote that nothing ends is one too many."""
_WHOLE: Final = r'^\s*(?:(?:"(?:[^"]|"")*"|[^\s"]\S*)(?:\s+|$))*$'
"""Nothing stands right behind a quoted value: it could be taken for another field."""
_TIMES: Final = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")


def spaced(values: pl.Series) -> pl.Series:
    """Return values with ``+`` for what was a space; no other way of writing one is left."""
    return values.str.replace_all("+", " ", literal=True)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server made of it.

    ``fields`` are in force where nobody said any, and with ``more`` others may follow them.
    ``tabs``: values are parted by tabs alone; ``quotes``: they may be quoted, by tabs they are not.
    ``texts`` gives referrers and agents as the client sent them, ``targets`` what it asked for.
    ``zoned``: times are local ones of the log's zone and not UTC. ``method`` is that of every
    request where no field says it. ``millis``: times taken are always of milliseconds.
    """

    fields: str = ""
    more: bool = False
    tabs: bool = False
    quotes: bool = True
    texts: Callable[[pl.Series], pl.Series] = spaced
    targets: Callable[[pl.Series], pl.Series] | None = None
    zoned: bool = False
    method: str | None = None
    millis: bool = False


@dataclass(frozen=True, slots=True)
class _Places:
    """How many values a line has under a directive, and which of them (from 0) each slot is."""

    count: int
    at: Mapping[str, int]


def _places(fields: str, *, millis: bool = False) -> _Places:
    """Return the places of a directive's fields; without a time or a client there are none."""
    names = fields.lower().split()
    ranked: dict[str, tuple[int, int]] = {}
    for at, name in enumerate(names):
        if name in _HOLDS:
            ranked.setdefault(_HOLDS[name], (_RANK[name], at))
            ranked[_HOLDS[name]] = min(ranked[_HOLDS[name]], (_RANK[name], at))
    timed = "epoch" in ranked or ranked.keys() >= {"day", "clock"}
    if not timed or ranked.keys().isdisjoint(("address", "forwarded_for")):
        return _Places(0, {})
    if "response_s" in ranked and (millis or not _OF_IIS.isdisjoint(names)):
        ranked["response_ms"] = ranked.pop("response_s")
    return _Places(len(names), {slot: at for slot, (_, at) in ranked.items()})


def named(fields: str) -> bool:
    """Tell whether lines with these fields could be events: there are a time and a client."""
    return _places(fields).count > 0


def speaks(lines: pl.Series, pattern: str) -> bool:
    """Tell whether a directive among the lines has ``pattern``, or there is none at all."""
    directives = lines.filter(lines.str.starts_with("#"))
    return directives.is_empty() or directives.str.contains(pattern).any()


def reader(dialect: Dialect) -> Read:
    """Return what reads lines of a dialect."""
    places: Remembered[str, _Places] = Remembered(
        lambda fields: _places(fields, millis=dialect.millis), _MOST
    )

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        aside = lines.str.starts_with("#").fill_null(value=False)
        codes, said = _in_force(lines, aside, dialect, context)
        known = [places(fields) for fields in said]
        more = [dialect.more and fields == dialect.fields for fields in said]
        table = _Table(known, more, dialect)
        if dialect.tabs:
            found = table.taken(lines.str.strip_suffix("\t").str.split("\t"), codes)
        else:
            found = _cut(lines, codes, table, _odd(lines, quotes=dialect.quotes))
        rows = _rows(found, aside, dialect, context)
        if said == [dialect.fields]:
            return rows
        return rows.with_columns(pl.Series("fields", said, dtype=pl.String).gather(codes))

    return read


def _odd(lines: pl.Series, *, quotes: bool) -> pl.Series:
    """Tell which lines are not just values with a space between each two."""
    line = pl.col("line").str
    signs = ["\t", "  ", '"'] if quotes else ["\t", "  "]
    odd = pl.any_horizontal(
        *(line.contains(sign, literal=True) for sign in signs),
        line.starts_with(" "),
        line.ends_with(" "),
    )
    return lines.to_frame("line").select(odd.fill_null(value=False)).to_series()


def _cut(lines: pl.Series, codes: pl.Series, table: _Table, odd: pl.Series) -> pl.DataFrame:
    """Return the slots of all lines, the odd ones of which are cut value by value."""
    quotes = table.dialect.quotes
    if not odd.any():
        return table.taken(lines.str.split(" "), codes)
    if odd.all():
        return table.taken(_values(lines, quotes=quotes), codes, quoted=quotes)
    plain = ~odd
    both = pl.concat(
        [
            table.taken(lines.filter(plain).str.split(" "), codes.filter(plain)),
            table.taken(
                _values(lines.filter(odd), quotes=quotes),
                codes.filter(odd),
                quoted=quotes,
            ),
        ]
    )
    return both[pl.concat([plain.arg_true(), odd.arg_true()]).arg_sort()]


def _values(lines: pl.Series, *, quotes: bool) -> pl.Series:
    """Return each line's values, null where something stands right behind a quoted one."""
    values = lines.str.extract_all(_VALUES[quotes])
    if not quotes:
        return values
    whole = lines.str.contains(_WHOLE).fill_null(value=False)
    return pl.select(pl.when(pl.lit(whole)).then(pl.lit(values))).to_series()


def _in_force(
    lines: pl.Series, aside: pl.Series, dialect: Dialect, context: Context
) -> tuple[pl.Series, list[str]]:
    """Return which fields are in force at each line (index into the list)."""
    before = re.sub(r"(?i)^#?\s*fields:", "", context.directive).strip() or dialect.fields
    if not aside.any():
        return pl.repeat(0, len(lines), dtype=pl.UInt32, eager=True), [before]
    starts = context.starts
    if starts is None:
        starts = pl.int_range(len(lines), eager=True) == 0
    fields = lines.filter(aside).str.slice(0, _LONGEST).str.extract(_FIELDS)
    told = pl.repeat(None, len(lines), dtype=pl.String, eager=True)
    told = told.scatter(aside.arg_true(), fields)
    codes, said = distinct(told.set(starts & told.is_null(), before).forward_fill())
    return codes, [fields or "" for fields in said]


@dataclass(frozen=True, slots=True)
class _Table:
    """Takes the values wanted out of cut lines, whatever directive each of them is under."""

    known: list[_Places]
    more: list[bool]
    dialect: Dialect

    def taken(self, values: pl.Series, codes: pl.Series, *, quoted: bool = False) -> pl.DataFrame:
        """Return ``matched`` (a line has as many values as were said), and the slots as Strings."""
        slots = dict.fromkeys(slot for places in self.known for slot in places.at)
        frame = pl.DataFrame([values.alias("values")])
        counts: dict[str, list[int | bool | None]] = {
            "count": [places.count for places in self.known],
            "more": list(self.more),
            **{slot: [places.at.get(slot) for places in self.known] for slot in slots},
        }
        if len(self.known) == 1:
            place = {name: pl.lit(several[0]) for name, several in counts.items()}
        else:
            frame = frame.hstack(pl.DataFrame(counts).select(pl.all().gather(codes)))
            place = {name: pl.col(name) for name in counts}
        cut, count = pl.col("values").list, place["count"]
        length = cut.len()
        fits = (length == count) | (place["more"] & (length > count))
        found = frame.select(
            (fits & (count > 0)).fill_null(value=False).alias("matched"),
            *(cut.get(place[slot], null_on_oob=True).alias(slot) for slot in slots),
        )
        return found.with_columns(self._sent(found[slot], quoted=quoted) for slot in slots)

    def _sent(self, values: pl.Series, *, quoted: bool) -> pl.Series:
        """Return the values of a slot as the client sent them."""
        plain = values
        if values.name in _TEXTS:
            plain = self.dialect.texts(values)
        elif values.name in _TARGETS and self.dialect.targets is not None:
            plain = self.dialect.targets(values)
        inside = values.str.starts_with('"').fill_null(value=False)
        if not quoted or not inside.any():
            return plain
        inner = values.str.strip_prefix('"').str.strip_suffix('"')
        if inner.str.contains('""', literal=True).any():
            inner = inner.str.replace_all('""', '"', literal=True)
        return inner.zip_with(inside, plain)


def _rows(
    found: pl.DataFrame, aside: pl.Series, dialect: Dialect, context: Context
) -> pl.DataFrame:
    """Return what a format yields of the slots."""
    if "day" in found.columns and "clock" in found.columns:
        zone = context if dialect.zoned else replace(context, zone="UTC")
        both = found.select(pl.concat_str("day", pl.lit(" "), "clock").alias("when")).to_series()
        local = both.str.to_datetime(_TIMES[0], strict=False, time_unit="us")
        if local.null_count():
            local = local.fill_null(both.str.to_datetime(_TIMES[1], strict=False, time_unit="us"))
        found = found.with_columns(local_seconds(local, zone).alias("when"))
    if dialect.method is not None:
        said = pl.col("method") if "method" in found.columns else pl.lit(None, pl.String)
        found = found.with_columns(said.fill_null(dialect.method).alias("method"))
    matched = (found["matched"] & ~aside).alias("matched")
    rows = typed(found, "matched")
    # The draft lets an address have a port.
    return rows.with_columns(matched, bare_addresses(rows["address"]), aside.alias("aside"))
