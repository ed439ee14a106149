"""Makes the three files of a segment, and what the manifest says of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipeline.vault.manifest import Count, Held, SegmentFiles
from pipeline.vault.segments import Segment, filter_file, footer, index_file

_GROUP: Final = ["site", "label", "ingest", "outcome", "reason"]


@dataclass(frozen=True, slots=True)
class Built:
    """A segment as the manifest names it, what it holds, and its files' bytes by name."""

    segment: SegmentFiles
    counts: tuple[Count, ...]
    held: tuple[Held, ...]
    files: dict[str, bytes] = field(repr=False)


def built(segment: Segment, stem: str) -> Built:
    """Return the files of a segment that has frames; their names begin with ``stem``."""
    rows = segment.index()
    data, index, filtering = segment.data_file(), index_file(rows), filter_file(rows)
    files = SegmentFiles(
        data=f"{stem}.data.parquet",
        data_sha256=_sha256(data),
        index=f"{stem}.index.parquet",
        index_sha256=_sha256(index),
        index_footer=len(footer(index)),
        index_footer_sha256=_sha256(footer(index)),
        filter=f"{stem}.filter",
        filter_sha256=_sha256(filtering),
        batches=segment.batches,
        frames=segment.frames,
        records=rows.height,
        bytes=segment.bytes,
    )
    named = {files.data: data, files.index: index, files.filter: filtering}
    return Built(files, counts_of(rows), held_by(rows), named)


def counts_of(rows: pl.DataFrame) -> tuple[Count, ...]:
    """Return how many of the index rows there are of each site, label, ingest and outcome."""
    counted = rows.group_by(_GROUP).agg(records=pl.len()).sort(_GROUP)
    return tuple(Count(**row) for row in counted.iter_rows(named=True))


def held_by(rows: pl.DataFrame) -> tuple[Held, ...]:
    """Return whose the index rows are: by sealing key and site, their number and hours."""
    hour = pl.col("hour")
    of_key = rows.group_by("key_id", "site").agg(
        records=pl.len(), untimed=hour.null_count(), first=hour.min(), last=hour.max()
    )
    return tuple(Held(**row) for row in of_key.sort("key_id", "site").iter_rows(named=True))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
