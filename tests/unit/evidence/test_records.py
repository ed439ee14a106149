"""Any text comes back from both files of records as it went in, and no cell is a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import IntegrityError, UsageError
from pipeline.evidence.records import (
    Column,
    columns_of,
    csv_head,
    csv_lines,
    frames,
    json_lines,
)
from pipeline.evidence.verify import verify
from pipeline.evidence.write import write
from tests.unit.evidence.material import SIGNER, contents

NASTY = (
    *("=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "'", "''", "'=1", "", " =1", "\x00=1"),
    *("\uff1d1", "\uff0b1", "\ufeff=1", "\u00a0=1", "\u0085=1", '"', '""', '"=1', ",=1", "a\r\nb"),
    *("\U0001f600", "\u0000", "\u2028", "\ud7ff", "\ue000", "\U0010ffff", "a\rb", "null", "\\"),
)
TEXTS = st.one_of(st.none(), st.sampled_from(NASTY), st.text(st.characters(codec="utf-8")))
INTEGERS = st.one_of(st.none(), st.integers(-(1 << 63), (1 << 63) - 1))
ROWS = st.lists(st.tuples(TEXTS, TEXTS, INTEGERS, st.sampled_from([None, True, False])))
SCHEMA = {"path": pl.String, "=x": pl.String, "time": pl.Int64, "bot": pl.Boolean}


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def undo(cell: str) -> str | None:
    """What README.txt says of a text's cell."""
    return None if cell == "" else cell.removeprefix("'")


@given(ROWS)
@example([(text, text, n, None) for n, text in enumerate(NASTY)])
def test_any_text_comes_back_from_the_csv(rows: list[tuple[object, ...]]) -> None:
    """With Python's own reader, and the one escape taken away."""
    data = csv_head(columns_of(frame(rows))) + csv_lines(frame(rows))
    head, *cells = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    assert head == ["path", "'=x", "time", "bot"]
    words = {"": None, "true": True, "false": False}
    read = [
        (undo(a), undo(b), int(time) if time else None, words[bot]) for a, b, time, bot in cells
    ]
    assert read == rows


@given(ROWS)
@example([(text, text, n, None) for n, text in enumerate(NASTY)])
def test_no_text_begins_like_a_formula(rows: list[tuple[object, ...]]) -> None:
    """Nor behind a blank or a sign that is not shown."""
    data = csv_lines(frame(rows)).decode()
    for row in csv.reader(io.StringIO(data, newline=""), strict=True):
        for cell in row[:2]:
            assert (
                not cell.lstrip()
                .lstrip("\x00\ufeff")
                .startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
            )


@given(ROWS, st.integers(1, 40))
@example([(text, text, n, None) for n, text in enumerate(NASTY)], 7)
def test_any_text_comes_back_from_the_json_lines(rows: list[tuple[object, ...]], size: int) -> None:
    """However the bytes are cut into chunks."""
    data = json_lines(frame(rows))
    lines = [orjson.loads(line) for line in data.split(b"\n")[:-1]]
    assert [tuple(line[name] for name in SCHEMA) for line in lines] == rows
    chunks = (data[n : n + size] for n in range(0, len(data), size))
    read = [row for part in frames(chunks, columns_of(frame(rows))) for row in part.rows()]
    assert read == rows


@settings(max_examples=25)
@given(ROWS)
def test_a_bundle_of_any_records_verifies(rows: list[tuple[object, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        assert write(path, contents(frame(rows)), SIGNER).records == len(rows)
        assert verify(path, str(SIGNER.verifier)).findings == ()


@given(st.binary())
@example(b"{}\n")
@example(b"5\n")
@example(b'{"a":"\\ud800"}\n')
@example(b'{"a":170141183460469231731687303715884105728}\n')
def test_any_other_bytes_are_refused(data: bytes) -> None:
    """No bytes make the verifier fail in another way than with a finding."""
    columns = (Column("a", "text"), Column("b", "integer"))
    try:
        read = list(frames(iter([data]), columns))
    except IntegrityError:
        return
    assert b"".join(map(json_lines, read)) == data


def test_unsigned_numbers_of_64_bits_are_whole() -> None:
    """A pseudonym may be above what a signed column holds."""
    rows = pl.DataFrame({"pseudonym": [(1 << 64) - 1, 0]}, schema={"pseudonym": pl.UInt64})
    [read] = frames(iter([json_lines(rows)]), columns_of(rows))
    assert csv_lines(read) == csv_lines(rows) == b"18446744073709551615\r\n0\r\n"


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Binary, pl.Datetime, pl.List(pl.String)])
def test_a_column_that_has_two_writings_is_refused_by_name(dtype: pl.DataType) -> None:
    with pytest.raises(UsageError, match="column raw"):
        columns_of(pl.DataFrame(schema={"raw": dtype}))
    with pytest.raises(UsageError, match="no column"):
        columns_of(pl.DataFrame())


def test_a_lone_surrogate_does_not_get_into_a_frame() -> None:
    """Polars holds valid UTF-8 alone, so no record is one that JSON could not say."""
    with pytest.raises(UnicodeEncodeError):
        pl.DataFrame({"path": ["\ud800"]})
