"""Finds the sealed frames that hold an address, by its tokens, without opening anything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl
import pyarrow.parquet as pq

from pipeline.keys.material import Tokeniser
from pipeline.rows import DAY
from pipeline.vault.manifest import Chain, Entry, folders
from pipeline.vault.segments import FRAMES_A_GROUP
from pipeline.vault.storage import Storage, storage_at


@dataclass(frozen=True, slots=True)
class Found:
    """A sealed frame that holds records looked for: what ``open_frame`` needs, and which rows.

    ``rows`` are index rows (columns of ``vault.segments.INDEX_SCHEMA``), ``row`` among them being
    a record's place within the opened frame.
    """

    key_id: str
    head: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)
    frame: int
    ciphertext: bytes = field(repr=False)
    rows: pl.DataFrame = field(repr=False)


@dataclass(slots=True)
class Effort:
    """How much was opened: row groups of index and data files, of how many in all."""

    segments: int = 0
    index_groups: int = 0
    index_groups_held: int = 0
    data_groups: int = 0


@dataclass(frozen=True, slots=True)
class _Scope:
    tokens: Tokens = field(repr=False)
    first: int
    last: int
    untimed: bool


Tokens = Mapping[str, Collection[bytes]]
"""Key id of a sealing key → the tokens looked for among what it sealed."""


def tokens_of(
    address: str,
    sites: Iterable[str],
    first_hour: int,
    last_hour: int,
    token_keys: Mapping[str, bytes],
    *,
    untimed: bool = False,
) -> dict[str, frozenset[bytes]]:
    """Return the tokens of an address on these sites, for each day that the hours touch.

    An address has a token per site, day of its lines and day of sealing, so that whoever looks it
    up says where and when. ``token_keys`` gives the token key of each sealing key (by key id) that
    may have sealed it; hours are starts of hours in seconds since 1970 UTC, both included.
    ``untimed`` takes in lines that have an address and no time.
    """
    days: list[int | None] = list(range(first_hour // DAY, last_hour // DAY + 1))
    pairs = [(site, day) for site in sites for day in (*days, *([None] if untimed else []))]
    found = {}
    for key_id, token_key in token_keys.items():
        token = Tokeniser(token_key)
        found[key_id] = frozenset(token(site, day, address) for site, day in pairs)
    return found


def find(
    vault: Storage | str,
    tokens: Tokens,
    first_hour: int,
    last_hour: int,
    effort: Effort | None = None,
    *,
    untimed: bool = False,
) -> list[Found]:
    """Return the frames with records of these tokens from ``first_hour`` to ``last_hour``.

    ``tokens`` are those of :func:`tokens_of`, made for the same hours and ``untimed``; hours are
    starts of hours in seconds since 1970 UTC, both included. ``effort``, where given, is added
    to. Raises IntegrityError, UnavailableError.
    """
    storage = storage_at(vault) if isinstance(vault, str) else vault
    spent = effort or Effort()
    scope = _Scope(tokens, first_hour, last_hour, untimed)
    return [
        found
        for folder in folders(storage)
        for entry in Chain(storage, folder).entries()
        if _may_hold(entry, scope)
        for found in _in_segment(storage, entry, scope, spent)
    ]


def _may_hold(entry: Entry, scope: _Scope) -> bool:
    """Tell from the manifest whether a segment is worth opening."""
    in_span = scope.untimed or any(
        since <= scope.last and scope.first <= until for since, until in entry.spans.values()
    )
    return entry.segment is not None and in_span and bool(entry.keys.keys() & scope.tokens.keys())


def _in_segment(
    storage: Storage,
    entry: Entry,
    scope: _Scope,
    effort: Effort,
) -> list[Found]:
    segment = entry.segment
    assert segment is not None  # noqa: S101 - asked before
    rows = _index_rows(storage, segment.index, scope, effort)
    if rows.is_empty():
        return []
    places = rows.get_column("place").unique().sort().to_list()
    groups = sorted({place // FRAMES_A_GROUP for place in places})
    with storage.open(segment.data) as file, pq.ParquetFile(file) as data:
        table = data.read_row_groups(groups)
    effort.data_groups += len(groups)
    held = [group * FRAMES_A_GROUP + n for group in groups for n in range(FRAMES_A_GROUP)]
    frames = dict(zip(held, table.to_pylist(), strict=False))
    return [
        Found(
            key_id=mine.item(0, "key_id"),
            head=frames[place]["header"],
            encapsulated=frames[place]["encapsulated"],
            frame=frames[place]["frame"],
            ciphertext=frames[place]["ciphertext"],
            rows=mine,
        )
        for place in places
        if not (mine := rows.filter(place=place)).is_empty()
    ]


def _index_rows(
    storage: Storage,
    name: str,
    scope: _Scope,
    effort: Effort,
) -> pl.DataFrame:
    """Read the index's row groups whose tokens and hours can match, and keep what does."""
    with storage.open(name) as file, pq.ParquetFile(file) as index:
        metadata = index.metadata
        effort.segments += 1
        effort.index_groups_held += metadata.num_row_groups
        groups = [
            number
            for number in range(metadata.num_row_groups)
            if _overlaps(metadata.row_group(number), scope)
        ]
        effort.index_groups += len(groups)
        rows = pl.from_arrow(index.read_row_groups(groups))
    assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table is no series
    wanted = pl.any_horizontal(
        (pl.col("key_id") == key_id) & pl.col("token").is_in(list(tokens))
        for key_id, tokens in scope.tokens.items()
    )
    in_span = pl.col("hour").is_between(scope.first, scope.last)
    return rows.filter(wanted, in_span.fill_null(scope.untimed))


def _overlaps(group: pq.RowGroupMetaData, scope: _Scope) -> bool:
    token, hour = (group.column(number).statistics for number in (0, 1))
    if not token.has_min_max:  # records without an address
        return False
    return any(
        token.min <= one <= token.max for wanted in scope.tokens.values() for one in wanted
    ) and (
        scope.untimed
        or not hour.has_min_max
        or (hour.min <= scope.last and scope.first <= hour.max)
    )
