"""What can be searched at once: a volume, or a segment that is in none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.investigations.segments import Effort, Indexed, Sought, index_rows
from pipeline.vault.manifest import HOLD, Entry, Held, folders, held_folders
from pipeline.vault.standing import Standing
from pipeline.vault.storage import Storage
from pipeline.vault.together import together
from pipeline.vault.volumes import Volume

ROWS: Final = pl.Schema(
    {
        "token": pl.Binary(),
        "hour": pl.Int64(),
        "key_id": pl.String(),
        "place": pl.UInt32(),
        "row": pl.UInt32(),
        "partition": pl.String(),
        "offset": pl.UInt64(),
        "line": pl.UInt32(),
        "site": pl.String(),
        "label": pl.String(),
        "ingest": pl.String(),
        "format": pl.String(),
        "outcome": pl.String(),
        "reason": pl.String(),
        "policy": pl.UInt16(),
        "folder": pl.String(),
        "data": pl.String(),
    }
)
"""Columns of what is found: those of ``vault.segments.INDEX_SCHEMA``, and where a record lies.

``folder`` is that of the chain it came by, ``data`` the name of its segment's data file. A copy
that a legal hold keeps has the folder and partition of what it is a copy of, and the hold's
``key_id``.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A volume or an entry of a chain, and the chain's folder."""

    folder: str
    one: Volume | Entry

    @property
    def held(self) -> tuple[Held, ...]:
        """What it holds, by sealing key and site."""
        return self.one.held

    @property
    def indexed(self) -> Indexed | None:
        """Return what is searched; None where no record is left."""
        return self.one.files if isinstance(self.one, Volume) else self.one.segment

    def placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Say of index rows where they lie; copies are named after what they are copies of."""
        if isinstance(self.one, Volume):
            data = pl.concat_str(pl.lit(f"{self.folder}/"), "data")
        else:
            assert self.one.segment is not None  # noqa: S101 - its index has the rows
            data = pl.lit(self.one.segment.data)
        origin = pl.col("partition").str.split_exact("/", 1)
        copied = {
            "folder": origin.struct.field("field_0"),
            "partition": origin.struct.field("field_1"),
        }
        held = self.folder.startswith(HOLD)
        told = copied if held else {"folder": pl.lit(self.folder)}
        return rows.with_columns(**told, data=data).select(ROWS.names())


def parts_of(storage: Storage, sought: Sought, *, bound: bool) -> list[Part]:
    """Return what covers all chains and may hold what is sought; raises IntegrityError.

    ``bound`` takes volumes where there are any, else each entry comes by itself: volumes are in the
    order of their tokens, so that a scan by hours would read all of one for each of its windows.
    """

    def may_hold(part: Volume | Entry) -> bool:
        return any(map(sought.may_be_in, part.held))

    return [
        Part(folder, part)
        for folder in (*folders(storage), *held_folders(storage))
        for part in Standing.of(storage, folder).parts(lambda v: bound or not may_hold(v))
        if may_hold(part)
    ]


def rows_in(
    storage: Storage, parts: Sequence[Part], sought: Sought, effort: Effort
) -> list[pl.DataFrame]:
    """Return the rows of these parts that are sought, columns ROWS, in no order.

    Raises IntegrityError, UnavailableError.
    """

    def search(part: Part) -> tuple[pl.DataFrame, Effort]:
        spent, indexed = Effort(), part.indexed
        if indexed is None or not any(map(sought.may_be_in, part.held)):
            return pl.DataFrame(), spent
        rows = index_rows(storage, indexed, sought.under(part.one.keys), spent)
        return part.placed(rows) if not rows.is_empty() else rows, spent

    # A scan reads whole files: one at a time fills the disk's line, and memory with no more.
    searched = map(search, parts) if sought.tokens is None else together(search, parts)
    found = []
    for rows, spent in searched:
        effort.add(spent)
        if not rows.is_empty():
            found.append(rows)
    return found
