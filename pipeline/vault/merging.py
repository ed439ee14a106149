"""Merges the indexes of segments: all their rows in order, some half a million at a time.

Tokens are evenly distributed, so the merge goes through them in ranges: of each index the row
groups that reach into the range are read. A token that has very many rows has a range of its own,
and is gone through by hours; so is what has no token. Nothing of a day is then held whole, whoever
filled it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.vault.reading import as_rows
from pipeline.vault.segments import INDEX_SCHEMA, SORTED, VOLUME_SCHEMA

ROWS: Final = 500_000
"""About how many rows are held."""

_ENDS: Final = 1 << 128
"""Behind the last token, as a number."""
_TOKEN, _HOUR = (INDEX_SCHEMA.get_field_index(name) for name in ("token", "hour"))
_TEXTS: Final = [one.name for one in VOLUME_SCHEMA if one.type == pa.string()]
_NONE: Final = pl.DataFrame(schema=pl.Schema(VOLUME_SCHEMA)).with_columns(
    pl.col(_TEXTS).cast(pl.Categorical)
)


@dataclass(frozen=True, slots=True)
class _Index:
    """An index that is read, and the data file (within the chain's folder) that its rows are of."""

    data: str
    file: pq.ParquetFile

    def groups(self) -> Iterator[tuple[int, pq.RowGroupMetaData]]:
        """Yield each row group's number and metadata."""
        metadata = self.file.metadata
        yield from ((n, metadata.row_group(n)) for n in range(metadata.num_row_groups))


@dataclass(frozen=True, slots=True)
class _Range:
    """Tokens from ``low`` on and below ``high``, as numbers; None for rows without a token."""

    low: int
    high: int
    none: bool = False

    def reaches(self, group: pq.RowGroupMetaData) -> bool:
        """Tell whether a row group may hold any of it."""
        found = group.column(_TOKEN).statistics
        if self.none or not found.has_min_max:
            return self.none and bool(found.null_count)
        return _number(found.max) >= self.low and _number(found.min) < self.high

    def inside(self) -> pl.Expr:
        """Return what tells whether a row is in it."""
        token = pl.col("token")
        if self.none:
            return token.is_null()
        above = token.is_not_null() & (token >= _bytes(self.low))
        return above if self.high == _ENDS else above & (token < _bytes(self.high))


def merged(indexes: Mapping[str, bytes], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of index files, each under the name of its data file, all of them in order.

    ``rows`` is how many there are. The order is that of VOLUME_SCHEMA's index: token, hour, data,
    place, row, nulls last. Texts are categories.
    """
    files = [_Index(data, _opened(index)) for data, index in sorted(indexes.items())]
    large = _large(files)
    count = -(-rows // ROWS)
    edges = {n * _ENDS // count for n in range(count + 1)}
    edges |= {edge for token in large for edge in (token, token + 1)}
    for low, high in pairwise(sorted(edges)):
        part = _Range(low, high)
        if low in large and high == low + 1:
            yield from _by_hours(files, part)
        else:
            yield _read(files, part)
    yield from _by_hours(files, _Range(0, 0, none=True))


def rows_of(index: bytes) -> Iterator[pl.DataFrame]:
    """Yield the rows of a volume's index as they stand there, like those of :func:`merged`."""
    file = pq.ParquetFile(io.BytesIO(index), read_dictionary=_TEXTS)
    if file.schema_arrow.names != VOLUME_SCHEMA.names:
        raise ValueError
    yield from (as_rows(file.read_row_group(number)) for number in range(file.num_row_groups))


def _opened(index: bytes) -> pq.ParquetFile:
    texts = [name for name in _TEXTS if name != "data"]
    return pq.ParquetFile(io.BytesIO(index), read_dictionary=texts)


def _large(files: Sequence[_Index]) -> set[int]:
    """Return the tokens that have whole row groups to themselves, and very many rows in these."""
    found: Counter[int] = Counter()
    for one in files:
        for _, group in one.groups():
            token = group.column(_TOKEN).statistics
            if token.has_min_max and token.min == token.max and not token.null_count:
                found[_number(token.min)] += group.num_rows
    return {token for token, rows in found.items() if rows > ROWS // 2}


def _by_hours(files: Sequence[_Index], part: _Range) -> Iterator[pl.DataFrame]:
    """Yield rows that are in order by their hours: some hours at a time, at last those of none."""
    counted: Counter[int] = Counter()
    for one in files:
        for number, group in one.groups():
            if part.reaches(group):
                hours = one.file.read_row_group(number, columns=["token", "hour"])
                of_hour = as_rows(hours).filter(part.inside())["hour"].drop_nulls().value_counts()
                counted.update(dict(of_hour.iter_rows()))
    for first, last in _spans(counted):
        yield _read(files, part, pl.col("hour").is_between(first, last), (first, last))
    for one in files:
        yield _read([one], part, pl.col("hour").is_null())


def _spans(counted: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Cut hours, of so many rows each, into spans of about ROWS."""
    span: list[int] = []
    held = 0
    for hour in sorted(counted):
        if span and held + counted[hour] > ROWS:
            yield span[0], span[-1]
            span, held = [], 0
        span.append(hour)
        held += counted[hour]
    if span:
        yield span[0], span[-1]


def _read(
    files: Sequence[_Index],
    part: _Range,
    also: pl.Expr | None = None,
    hours: tuple[int, int] | None = None,
) -> pl.DataFrame:
    """Return the rows of a range, and of these what is ``also`` so, within ``hours``; in order."""
    inside = part.inside() if also is None else part.inside() & also
    parts = [_NONE]
    for one in files:
        for number, group in one.groups():
            if part.reaches(group) and _within(group, hours):
                rows = as_rows(one.file.read_row_group(number)).filter(inside)
                parts.append(rows.with_columns(data=pl.lit(one.data, pl.Categorical)))
    found = pl.concat(parts)
    parts.clear()  # what is sorted is held twice as it is
    return found.sort([*SORTED[:2], "data", *SORTED[2:]], nulls_last=True)


def _within(group: pq.RowGroupMetaData, hours: tuple[int, int] | None) -> bool:
    found = group.column(_HOUR).statistics
    if hours is None:
        return True
    return bool(found.has_min_max and found.min <= hours[1] and hours[0] <= found.max)


def _number(token: bytes) -> int:
    return int.from_bytes(token, "big")


def _bytes(token: int) -> bytes:
    return token.to_bytes(16, "big")
