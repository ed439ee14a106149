"""Merged indexes give every row of theirs in order, a part at a time, whoever filled the day."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.vault import merging, segments
from pipeline.vault.merging import merged, rows_of
from pipeline.vault.segments import INDEX_SCHEMA, SORTED, VOLUME_SCHEMA, index_file, indexed

TOKENS = [None, b"\x00" * 16, b"\x00" * 15 + b"\x01", b"\x7f" * 16, b"\xff" * 16]
HOUR = 3600
ORDER = [*SORTED[:2], "data", *SORTED[2:]]

Row = tuple[bytes | None, int | None]


def index(rows: list[Row]) -> pl.DataFrame:
    """Index rows of a segment: each in a place of its own, texts of few values."""
    count = len(rows)
    return pl.DataFrame(
        {
            "token": pl.Series([token for token, _ in rows], dtype=pl.Binary),
            "hour": pl.Series([hour for _, hour in rows], dtype=pl.Int64),
            "place": pl.int_range(count, dtype=pl.UInt32, eager=True) // 3,
            "row": pl.int_range(count, dtype=pl.UInt32, eager=True) % 3,
            "offset": pl.int_range(count, dtype=pl.UInt64, eager=True),
            "line": pl.zeros(count, pl.UInt32, eager=True),
            "policy": pl.ones(count, pl.UInt16, eager=True),
            "reason": pl.Series([None] * count, dtype=pl.String),
        }
    ).with_columns(
        **{name: pl.lit(name) for name in ("key_id", "partition", "label", "ingest", "format")},
        site=pl.format("site{}", pl.col("offset") % 2),
        outcome=pl.lit("event"),
    ).select(INDEX_SCHEMA.names).sort(SORTED, nulls_last=True)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.one_of(st.sampled_from(TOKENS), st.binary(min_size=16, max_size=16)),
                st.sampled_from([None, 0, HOUR, 2 * HOUR, 10**9 * HOUR]),
            ),
            min_size=1,
            max_size=40,
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([2, 7, 1_000]),
)
def test_merged_is_sorted_and_whole(parts: list[list[Row]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "ROWS", most)
        patch.setattr(segments, "index_rows_a_group", lambda _: 4)
        rows = {f"segments/{n}.data.parquet": index(part) for n, part in enumerate(parts)}
        files = {name: index_file(part) for name, part in rows.items()}
        total = sum(map(len, parts))
        found = list(merged(files, total))
        volume = indexed(found, total, VOLUME_SCHEMA)
        again = pl.concat(rows_of(volume))
    expected = pl.concat(part.with_columns(data=pl.lit(name)) for name, part in rows.items()).sort(
        ORDER, nulls_last=True
    )
    texts = pl.col(pl.Categorical).cast(pl.String)
    assert pl.concat(found).with_columns(texts).equals(expected)
    assert again.with_columns(texts).equals(expected)


@pytest.mark.parametrize("token", [b"\x07" * 16, None], ids=["one address", "no address"])
def test_a_flood_of_one_is_held_by_hours(monkeypatch: pytest.MonkeyPatch, token: bytes) -> None:
    monkeypatch.setattr(merging, "ROWS", 100)
    monkeypatch.setattr(segments, "index_rows_a_group", lambda _: 10)
    files = {
        f"{n}.data.parquet": index_file(index([(token, n // 4 * HOUR)] * 20)) for n in range(40)
    }
    found = list(merged(files, 800))
    assert sum(part.height for part in found) == 800
    assert max(part.height for part in found) <= 100
