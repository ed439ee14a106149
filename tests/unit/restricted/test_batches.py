"""Event rows on their way to the partitions: whole, in order, and with an honest watermark."""

from __future__ import annotations

import random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline import events
from pipeline.events import EventsHeader
from pipeline.kafka.sizing import TARGET_BYTES
from pipeline.restricted import batches

NOW = 1_800_000_000
times = st.lists(st.integers(NOW - 90_000, NOW + 86_400), min_size=1, max_size=40)


@given(times)
def test_a_watermark_is_never_past_now(found: list[int]) -> None:
    """A line may be dated a day ahead; said aloud, it would close every window still open."""
    mark = batches.watermark(pl.Series(found, dtype=pl.Int64), NOW)
    assert mark is not None
    assert mark <= NOW


@given(st.integers(1, 90_000))
def test_one_machine_ahead_does_not_close_the_windows_of_all(ahead: int) -> None:
    slow = [NOW - 90_000] * 19
    mark = batches.watermark(pl.Series([*slow, NOW - 90_000 + ahead], dtype=pl.Int64), NOW)
    assert mark == NOW - 90_000


def test_nothing_says_nothing_of_time() -> None:
    assert batches.watermark(pl.Series([], dtype=pl.Int64), NOW) is None
    assert batches.watermark(pl.Series([], dtype=pl.Int64), NOW, NOW) is None


@given(found=st.lists(st.integers(0, 2 * NOW), min_size=1), said=st.integers(0, 2 * NOW))
def test_a_watermark_is_never_past_what_the_shipper_said(found: list[int], said: int) -> None:
    """Nor is a time that lies ahead believed because a shipper says it."""
    times = pl.Series(found, dtype=pl.Int64)
    mark = batches.watermark(times, NOW, said)
    plain = batches.watermark(times, NOW)
    assert plain is not None
    assert mark == min(plain, said)


def rows(count: int, page_bytes: int) -> pl.DataFrame:
    draw = random.Random(5)
    pages = [f"/{draw.randbytes(page_bytes // 2).hex()}" for _ in range(count)]
    frame = pl.DataFrame({"offset": range(count), "visitor": range(count), "page": pages})
    missing = {n: t for n, t in events.SCHEMA.items() if n not in frame.columns}
    return frame.with_columns(
        pl.lit("" if t == pl.String else 0, t).alias(n) for n, t in missing.items()
    ).select(pl.col(n).cast(t) for n, t in events.SCHEMA.items())


def test_each_row_is_sent_once_to_its_visitors_partition_and_the_last_message_speaks() -> None:
    """Rows that do not fit one message: only its last may say how far the source has come."""
    header = EventsHeader("logs.web:0", 9_999, "live", NOW, end=True)
    made = batches.messages(header, rows(9_000, 900), 4)
    assert len(made) > 4
    assert all(len(message) <= TARGET_BYTES + 1_000 for _, message in made)
    found = []
    for partition in range(4):
        mine = [events.decode(message) for where, message in made if where == partition]
        *before, (last, _) = mine
        assert last == header
        assert all(not head.end and head.watermark is None for head, _ in before)
        reach = -1
        for head, part in mine:
            offsets: list[int] = part["offset"].to_list()
            assert all(reach < at <= head.last_offset for at in offsets)
            reach = head.last_offset
            assert set(part["visitor"] % 4) <= {partition}
            found += offsets
    assert sorted(found) == list(range(9_000))
