"""Cells and rollups are read as they were written, and no other columns cross door 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import events
from pipeline.errors import IntegrityError
from pipeline.rows import (
    CELLS,
    COUNTS,
    MINUTES,
    OTHER,
    TABLES,
    CellsHeader,
    RollupsHeader,
    decode_cells,
    decode_rollups,
    decode_statement,
    framed,
    pack_minutes,
)
from tests.support.messages import encode_cells, encode_rollups

_count = st.integers(0, 2**64 - 1)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
_VALUES = {
    pl.UInt64(): _count,
    pl.UInt16(): st.integers(0, 2**16 - 1),
    pl.UInt8(): st.integers(0, 2**8 - 1),
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.String(): _text,
}
_cells_header = st.builds(
    CellsHeader,
    st.integers(0, 63),
    st.integers(0, 2**62),
    st.integers(0, 2**40),
    st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    st.none() | st.integers(0, 2**62),
    st.booleans(),
)


def schema(table: str) -> dict[str, pl.DataType]:
    return {**TABLES[table], "revision": pl.UInt64()}


def rows_of(columns: dict[str, pl.DataType]) -> st.SearchStrategy[pl.DataFrame]:
    row = st.tuples(*(_VALUES[dtype] for dtype in columns.values()))
    return st.lists(row, max_size=4).map(lambda r: pl.DataFrame(r, schema=columns, orient="row"))


@settings(max_examples=50)
@given(_cells_header, rows_of(CELLS))
def test_cells_are_read_as_written(header: CellsHeader, rows: pl.DataFrame) -> None:
    found, batch = decode_cells(encode_cells(header, rows))
    assert found == header
    assert batch.equals(rows)


@settings(max_examples=50)
@given(_cells_header, rows_of(MINUTES))
def test_minutes_are_read_as_written(header: CellsHeader, rows: pl.DataFrame) -> None:
    header = replace(header, minutes=True)
    found, batch = decode_cells(framed(header, pack_minutes(rows)))
    assert found == header
    assert batch.equals(rows)


def test_a_message_from_before_there_were_minutes_is_of_hours() -> None:
    message = encode_cells(CellsHeader(1, 2, 3, "live", None), pl.DataFrame(schema=CELLS))
    old = message.replace(b',"minutes":false', b"")
    assert old != message
    assert decode_cells(old)[0] == CellsHeader(1, 2, 3, "live", None)


@settings(max_examples=50)
@given(st.data(), st.sampled_from(sorted(TABLES)), st.booleans())
def test_rollups_are_read_as_written(data: st.DataObject, table: str, finished: bool) -> None:
    rows = data.draw(rows_of(schema(table)))
    header = RollupsHeader(table, "live", 3, finished)
    found, batch = decode_rollups(encode_rollups(header, rows))
    assert found == header
    assert batch.equals(rows)


def test_nothing_of_a_visitor_crosses_door_2() -> None:
    for columns in TABLES.values():
        assert "visitor" not in columns
        assert {name for name, dtype in columns.items() if dtype == pl.String} <= {
            "site", "audience", "segment", "dimension", "value", "across", "across_value",
            "status_class", "response_time",
        }  # fmt: skip
        assert {name for name, dtype in columns.items() if dtype == pl.UInt64} <= set(COUNTS)


def test_cells_hold_the_dimensions_and_no_more() -> None:
    assert set(CELLS) == {"site", "hour", "segment", "visitor", "second", "hits", "bytes"} | set(
        events.DIMENSIONS
    )


Write = Callable[[pl.DataFrame], bytes]
_WRITERS: list[tuple[Write, Callable[[bytes], object], dict[str, pl.DataType]]] = [
    (lambda r: encode_cells(CellsHeader(0, 0, 0, "live", None), r), decode_cells, CELLS),
    (lambda r: framed(CellsHeader(0, 0, 0, "live", None, minutes=True), pack_minutes(r)),
     decode_cells, MINUTES),
    *(
        (lambda r, t=table: encode_rollups(RollupsHeader(t, "live", 0), r), decode_rollups,
         schema(table))
        for table in TABLES
    ),
]  # fmt: skip


@pytest.mark.parametrize(("write", "read", "columns"), _WRITERS)
def test_other_columns_neither_leave_nor_enter(
    write: Write, read: Callable[[bytes], object], columns: dict[str, pl.DataType]
) -> None:
    right = pl.DataFrame(schema=columns)
    head = write(right).partition(b"\n")[0] + b"\n"
    wrong = [
        right.with_columns(agent=pl.lit("Mozilla/5.0")),
        right.drop("hits"),
        right.with_columns(pl.col("hits").cast(pl.Int64)),
        pl.DataFrame(),
    ]
    for rows in wrong:
        with pytest.raises(IntegrityError, match="do not belong"):
            write(rows)
        with pytest.raises(IntegrityError, match="do not belong"):
            read(head + events.to_ipc(rows))


def test_a_strange_column_is_not_quoted() -> None:
    head = encode_cells(CellsHeader(0, 0, 0, "live", None), pl.DataFrame(schema=CELLS))
    strange = head.partition(b"\n")[0] + b"\n" + events.to_ipc(pl.DataFrame({"alice": [1]}))
    with pytest.raises(IntegrityError) as caught:
        decode_cells(strange)
    assert "alice" not in str(caught.value)


@pytest.mark.parametrize("read", [decode_cells, decode_rollups])
@pytest.mark.parametrize(
    "message",
    [b"", b"\n", b"{}", b"{}\n", b"[]\n", b"7\nx", b'{"origin":1}\nx', b"\xff\xfe\nx", b"{\n{"],
)
def test_damage_is_told_by_one_error(read: Callable[[bytes], object], message: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(message)


def test_a_head_of_other_names_is_damage() -> None:
    body = events.to_ipc(pl.DataFrame(schema=CELLS))
    for head in (b'{"alice":1}', b"[1]", b"null", b'"alice"', b"{}"):
        for read in (decode_cells, decode_rollups):
            with pytest.raises(IntegrityError) as caught:
                read(head + b"\n" + body)
            assert "alice" not in str(caught.value)
    unknown = b'{"table":"people","ingest":"live","origin":0}\n' + body
    with pytest.raises(IntegrityError):
        decode_rollups(unknown)


def test_other_is_no_value_of_a_page() -> None:
    assert not OTHER.startswith("/")


@pytest.mark.parametrize("message", [b"", b"{", b"7", b'{"ingest": "live"}', b"\xff"])
def test_an_account_that_is_damaged_is_refused(message: bytes) -> None:
    with pytest.raises(IntegrityError, match="an account is damaged"):
        decode_statement(message)
