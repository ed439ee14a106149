"""Reads of an index, and of a data file, no more than what is sought can be in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import accumulate
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.vault import bloom
from pipeline.vault.manifest import Held
from pipeline.vault.reading import as_rows, parquet, reading
from pipeline.vault.segments import INDEX_SCHEMA, VOLUME_SCHEMA
from pipeline.vault.storage import Storage

Tokens = Mapping[str, Collection[bytes]]
"""Key id of a sealing key → the tokens looked for among what it sealed."""

_TOKEN, _HOUR = (INDEX_SCHEMA.get_field_index(name) for name in ("token", "hour"))
_TOKENS = INDEX_SCHEMA.field(_TOKEN).type


class Indexed(Protocol):
    """A segment or a volume: its index with its footer, its filter."""

    @property
    def index(self) -> str:
        """File of the index."""

    @property
    def index_footer(self) -> int:
        """Bytes of its footer."""

    @property
    def index_footer_sha256(self) -> str:
        """SHA-256 (hex) of these."""

    @property
    def filter(self) -> str:
        """File of the filter."""


@dataclass(slots=True)
class Effort:
    """How much was opened: segments, and row groups of index and data files, of how many in all.

    A volume counts as a segment. ``filtered`` counts those whose filter showed that there is
    nothing in them.
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


def index_rows(storage: Storage, part: Indexed, sought: Sought, effort: Effort) -> pl.DataFrame:
    """Return the rows of an index that are sought, with all columns it has.

    Row groups that cannot hold any are not read. Raises IntegrityError, UnavailableError.
    """
    if sought.tokens is not None and not _may_hold(storage, part.filter, sought.ordered):
        effort.filtered += 1
        return pl.DataFrame()
    found = []
    matches = sought.matches()
    tokens = None if sought.tokens is None else pa.array(sought.ordered, _TOKENS)
    footer = (part.index_footer, part.index_footer_sha256)
    with parquet(storage, part.index, footer, packed=True) as index:
        metadata = index.metadata
        effort.segments += 1
        effort.index_groups_held += metadata.num_row_groups
        for number in range(metadata.num_row_groups):
            if not sought.may_be_among(metadata.row_group(number)):
                continue
            effort.index_groups += 1
            # All columns at once: where a token may be, it hardly ever is not.
            group = index.read_row_group(number, use_threads=False)
            if tokens is not None:
                group = group.filter(pc.is_in(group.column(_TOKEN), value_set=tokens))
            hits = as_rows(_unpacked(group)).filter(matches)
            if not hits.is_empty():
                found.append(hits)
    return pl.concat(found) if found else pl.DataFrame()


def frames_of(
    storage: Storage, name: str, places: Sequence[int], effort: Effort
) -> Iterator[Frame]:
    """Yield the frames at these places (ascending) of a data file, a row group at a time.

    Raises IntegrityError where the file has no such place, UnavailableError.
    """
    with parquet(storage, name) as data:
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
    with reading(storage, name) as file:
        return bloom.may_hold(file, tokens)


def _unpacked(table: pa.Table) -> pa.Table:
    """Return a table whose texts are texts: made of those rows alone that are sought."""
    schema = [VOLUME_SCHEMA.field(name) for name in table.schema.names]
    return table.cast(pa.schema(schema))
