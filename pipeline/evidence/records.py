"""Records as JSON lines and as CSV: the same records twice, each in one possible writing.

A reader of either can be checked by writing again: lines are decoded into a frame, the frame is
encoded by the functions below, and the bytes must be those that were read. So there is one encoder,
no second opinion of what a CSV may look like, and no value that one file has and the other lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import orjson
import polars as pl

from pipeline.errors import IntegrityError, UsageError

Kind = Literal["text", "integer", "boolean"]
"""What a column holds. Times are integers: seconds since 1970-01-01 UTC."""

KINDS: Final[tuple[str, ...]] = get_args(Kind)
MOST_LINE_BYTES: Final = 16 << 20
"""A record's JSON line has at most this many bytes, so that a reader need not hold more."""

_BATCH_BYTES: Final = 1 << 20
_READ_AS: Final[dict[Kind, pl.DataType]] = {
    "text": pl.String(),
    "integer": pl.Int128(),  # holds signed and unsigned 64 bits alike
    "boolean": pl.Boolean(),
}
_TRAPS: Final = r"^(?:$|['=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x00-\x20\x7F-\xA0\x{FEFF}])"
"""Texts that get an apostrophe before them in CSV.

What a spreadsheet takes for a formula begins with ``=``, ``+``, ``-`` or ``@`` (also in full
width), perhaps behind something it does not show. The empty text is among them since an empty
field is a null, and the apostrophe itself so that the escape can be undone.
"""
_CRLF: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and what it holds."""

    name: str
    kind: Kind


def columns_of(records: pl.DataFrame) -> tuple[Column, ...]:
    """Return the columns of a frame, in its order; raises UsageError for one that cannot be here.

    String, integers of up to 64 bits and Boolean can.
    """
    if not records.width:
        raise UsageError("evidence: the records have no column; let the scope name a field")
    return tuple(Column(name, _kind(name, dtype)) for name, dtype in records.schema.items())


def _kind(name: str, dtype: pl.DataType) -> Kind:
    if dtype == pl.String:
        return "text"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer() and dtype not in {pl.Int128, pl.UInt128}:
        return "integer"
    raise UsageError(
        f"evidence: column {name} is neither text nor a whole number nor true or false; "
        "turn it into one of them"
    )


def batches(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows in turn, some megabytes at a time."""
    rows = max(1, records.height * _BATCH_BYTES // max(1, int(records.estimated_size())))
    yield from records.iter_slices(min(rows, 10_000))


def json_lines(records: pl.DataFrame) -> bytes:
    """Return a canonical JSON object a row: keys sorted, no blanks, UTF-8, each ended by LF.

    Raises UsageError for a row of more than MOST_LINE_BYTES.
    """
    lines = [
        orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        for row in records.iter_rows(named=True)
    ]
    if any(len(line) > MOST_LINE_BYTES for line in lines):
        raise UsageError("evidence: a record is too long; leave out a field")
    return b"".join(lines)


def csv_head(columns: Sequence[Column]) -> bytes:
    """Return the first line of the CSV: the columns' names, written as texts are."""
    names = pl.DataFrame({str(n): [column.name] for n, column in enumerate(columns)})
    return csv_lines(names)


def csv_lines(records: pl.DataFrame) -> bytes:
    """Return rows as RFC 4180 has them: CRLF, texts in quotes, quotes doubled.

    A null is an empty field; a text of ``_TRAPS`` has an apostrophe before it; a number stands as
    it is, a truth value is ``true`` or ``false``.
    """
    fields = [_field(name, dtype) for name, dtype in records.schema.items()]
    lines = records.select(pl.concat_str(fields, separator=",").alias("line")).get_column("line")
    return "".join(line + _CRLF for line in lines).encode()


def _field(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype != pl.String:
        return column.cast(pl.String).fill_null("")
    before = pl.when(column.str.contains(_TRAPS)).then(pl.lit("\"'")).otherwise(pl.lit('"'))
    doubled = column.str.replace_all('"', '""', literal=True)
    return pl.concat_str([before, doubled, pl.lit('"')]).fill_null("")


def frames(chunks: Iterator[bytes], columns: Sequence[Column]) -> Iterator[pl.DataFrame]:
    """Decode JSON lines that :func:`json_lines` wrote, some megabytes at a time.

    Raises IntegrityError, which names the first line of the part it is in, for any byte that
    :func:`json_lines` would not have written for these columns.
    """
    kept = b""
    row = 0
    for chunk in chunks:
        whole, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            kept += chunk
            if len(kept) > MOST_LINE_BYTES:
                raise IntegrityError(f"line {row + 1} has no end")
            continue
        part = kept + whole + newline
        kept = rest
        frame = _frame(part, columns, row)
        row += frame.height
        yield frame
    if kept:
        raise IntegrityError(f"line {row + 1} has no end")


def _frame(part: bytes, columns: Sequence[Column], row: int) -> pl.DataFrame:
    schema = {column.name: _READ_AS[column.kind] for column in columns}
    try:
        rows = [orjson.loads(line) for line in part.split(b"\n")[:-1]]
        data = {name: [one[name] for one in rows] for name in schema}
        frame = pl.DataFrame(data, schema=schema)
        same = json_lines(frame) == part
    except (ValueError, TypeError, KeyError, OverflowError, UsageError, pl.exceptions.PolarsError):
        same = False
        frame = pl.DataFrame()
    if not same:
        raise IntegrityError(f"from line {row + 1} on it is not written as a bundle's records are")
    return frame
