"""Reads of one segment's two files no more than what is sought can be in."""

from __future__ import annotations

import errno
import hashlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import accumulate
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.buckets import FAILURES
from pipeline.errors import IntegrityError, UnavailableError
from pipeline.vault import bloom
from pipeline.vault.manifest import Held, SegmentFiles
from pipeline.vault.segments import INDEX_SCHEMA
from pipeline.vault.storage import Storage

Tokens = Mapping[str, Collection[bytes]]
"""Key id of a sealing key → the tokens looked for among what it sealed."""

_TOKEN, _HOUR = (INDEX_SCHEMA.get_field_index(name) for name in ("token", "hour"))


@dataclass(slots=True)
class Effort:
    """How much was opened: segments, and row groups of index and data files, of how many in all.

    ``filtered`` counts segments whose filter showed that there is nothing in them.
    """

    segments: int = 0
    index_groups: int = 0
    index_groups_held: int = 0
    filtered: int = 0
    data_groups: int = 0

    def add(self, other: Effort) -> None:
        """Add another's."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: sites, hours (starts, seconds since 1970 UTC, both included), tokens.

    ``tokens`` is None where every record of the sites and hours is sought; ``ordered`` has all
    tokens of all keys, sorted.
    """

    sites: frozenset[str]
    first: int
    last: int
    tokens: Tokens | None = field(repr=False)
    untimed: bool
    ordered: Sequence[bytes] = field(repr=False)

    @classmethod
    def of(
        cls,
        sites: Collection[str],
        first: int,
        last: int,
        tokens: Tokens | None,
        *,
        untimed: bool,
    ) -> Sought:
        """Return what is looked for, its tokens sorted."""
        ordered = sorted({one for some in (tokens or {}).values() for one in some})
        return cls(frozenset(sites), first, last, tokens, untimed, ordered)

    def between(self, first: int, last: int) -> Sought:
        """Return the same for these hours only, without the lines that have no time."""
        return replace(self, first=max(first, self.first), last=min(last, self.last), untimed=False)

    def only_untimed(self) -> Sought:
        """Return the same for lines without a time only."""
        return replace(self, first=0, last=-1)

    def under(self, key_ids: Collection[str]) -> Sought:
        """Return the same with the tokens of these sealing keys only."""
        if self.tokens is None or self.tokens.keys() <= set(key_ids):
            return self
        tokens = {key_id: some for key_id, some in self.tokens.items() if key_id in key_ids}
        ordered = sorted({one for some in tokens.values() for one in some})
        return replace(self, tokens=tokens, ordered=ordered)

    def may_be_in(self, held: Held) -> bool:
        """Tell from the manifest whether some of it may be among what a key holds of a site."""
        return (
            held.site in self.sites
            and (self.tokens is None or held.key_id in self.tokens)
            and (self.timed_in(held) or (self.untimed and held.untimed > 0))
        )

    def timed_in(self, held: Held) -> bool:
        """Tell whether the hours overlap."""
        return (
            held.first is not None
            and held.last is not None
            and held.first <= self.last
            and self.first <= held.last
        )

    def may_be_among(self, group: pq.RowGroupMetaData) -> bool:
        """Tell from the least and greatest token and hour of a row group of the index."""
        if self.tokens is not None:
            token = group.column(_TOKEN).statistics
            if not token.has_min_max:  # records without an address
                return False
            place = bisect_left(self.ordered, token.min)
            if place == len(self.ordered) or self.ordered[place] > token.max:
                return False
        hour = group.column(_HOUR).statistics
        return (
            self.untimed
            if not hour.has_min_max
            else (self.untimed and hour.null_count > 0)
            or (hour.min <= self.last and self.first <= hour.max)
        )

    def matches(self) -> pl.Expr:
        """Return what tells of an index row whether it is sought."""
        in_span = pl.col("hour").is_between(self.first, self.last).fill_null(self.untimed)
        right = pl.col("site").is_in(list(self.sites)) & in_span
        if self.tokens is None:
            return right
        return right & pl.any_horizontal(
            pl.lit(value=False),
            *(
                (pl.col("key_id") == key_id) & pl.col("token").is_in(list(some))
                for key_id, some in self.tokens.items()
            ),
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """A row of a data file: where it is, and what ``open_frame`` needs."""

    place: int
    number: int
    head: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def index_rows(
    storage: Storage, segment: SegmentFiles, sought: Sought, effort: Effort
) -> pl.DataFrame:
    """Return the rows of a segment's index that are sought, columns as in INDEX_SCHEMA.

    Row groups that cannot hold any are not read. Raises IntegrityError, UnavailableError.
    """
    if sought.tokens is not None and not _may_hold(storage, segment.filter, sought.ordered):
        effort.filtered += 1
        return pl.DataFrame()
    found = []
    matches = sought.matches()
    footer = (segment.index_footer, segment.index_footer_sha256)
    with _parquet(storage, segment.index, footer) as index:
        metadata = index.metadata
        effort.segments += 1
        effort.index_groups_held += metadata.num_row_groups
        for number in range(metadata.num_row_groups):
            if not sought.may_be_among(metadata.row_group(number)):
                continue
            effort.index_groups += 1
            # All columns at once: where a token may be, it hardly ever is not.
            hits = _frame(index.read_row_group(number, use_threads=False)).filter(matches)
            if not hits.is_empty():
                found.append(hits)
    return pl.concat(found) if found else pl.DataFrame()


def frames_of(
    storage: Storage, name: str, places: Sequence[int], effort: Effort
) -> Iterator[Frame]:
    """Yield the frames at these places (ascending) of a data file, a row group at a time.

    Raises IntegrityError where the file has no such place, UnavailableError.
    """
    with _parquet(storage, name) as data:
        counts = [data.metadata.row_group(n).num_rows for n in range(data.num_row_groups)]
        ends = list(accumulate(counts))
        of_group: dict[int, list[int]] = {}
        for place in places:
            of_group.setdefault(bisect_right(ends, place), []).append(place)
        for group, wanted in of_group.items():
            if group == len(ends):
                raise IntegrityError(f"vault: {name} has no frame {wanted[0]}")
            effort.data_groups += 1
            held = data.read_row_group(group)
            first = ends[group] - counts[group]
            if held.num_rows != counts[group]:
                raise IntegrityError(f"vault: {name} is damaged")
            for place in wanted:
                [row] = held.slice(place - first, 1).to_pylist()
                yield Frame(
                    place, row["frame"], row["header"], row["encapsulated"], row["ciphertext"]
                )


def _may_hold(storage: Storage, name: str, tokens: Collection[bytes]) -> bool:
    with _reading(storage, name) as file:
        return bloom.may_hold(file, tokens)


@contextmanager
def _parquet(
    storage: Storage, name: str, footer: tuple[int, str] | None = None
) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; ``footer`` is its length and SHA-256, where they are known.

    The footer is read here, since pyarrow would read 64 KiB or more to find it.
    """
    with _reading(storage, name) as file:
        length, sha256 = footer or (_footer_length(file), None)
        file.seek(-length, io.SEEK_END)
        found = file.read(length)
        if sha256 is not None and hashlib.sha256(found).hexdigest() != sha256:
            raise IntegrityError(f"vault: {name} is damaged")
        with pq.ParquetFile(
            file,
            metadata=pq.read_metadata(io.BytesIO(found)),
            pre_buffer=False,
            page_checksum_verification=True,
        ) as parquet:
            yield parquet


def _footer_length(file: BinaryIO) -> int:
    """Return the length of a footer by what stands behind it: its own, and four bytes."""
    file.seek(-8, io.SEEK_END)
    return int.from_bytes(file.read(4), "little") + 8


@contextmanager
def _reading(storage: Storage, name: str) -> Iterator[BinaryIO]:
    """Open a file of the vault; name it where it is missing or does not read."""
    try:
        with storage.open(name) as file:
            yield file
    except FileNotFoundError as error:
        raise IntegrityError(f"vault: {name} is missing") from error
    except (pa.ArrowException, KeyError, ValueError, pl.exceptions.PolarsError) as error:
        raise IntegrityError(f"vault: {name} is damaged") from error
    except FAILURES as error:
        # Arrow's own have no number, and a place before a cut file's beginning an invalid one.
        if isinstance(error, OSError) and error.errno in (None, errno.EINVAL):
            raise IntegrityError(f"vault: {name} is damaged") from error
        raise UnavailableError(f"vault: {name} cannot be read") from error


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is no series
    return frame
