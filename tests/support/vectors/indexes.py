"""Messages whose index is not what it should be, sealed by somebody who may seal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import polars as pl
import pyarrow as pa

from pipeline.sealed import INDEX
from tests.support.vectors.parts import BASE, HOUR, START, Case, Values, frame_of, stream

_TRUE: Final = frame_of(BASE.rows)

_TYPES: Final[dict[str, tuple[pl.DataType, ...]]] = {
    "offset": (pl.Int64(), pl.UInt32(), pl.Float64()),
    "line": (pl.UInt64(), pl.Int32()),
    "site": (pl.Binary(), pl.Categorical()),
    "label": (pl.Binary(),),
    "ingest": (pl.Binary(),),
    "format": (pl.Binary(),),
    "outcome": (pl.Categorical(), pl.Enum(["event", "rejected", "ignored"])),
    "reason": (pl.Binary(),),
    "policy": (pl.UInt32(), pl.Int16(), pl.UInt8()),
    "hour": (pl.Int32(), pl.UInt64(), pl.Datetime("us"), pl.Float64()),
    "token": (pl.List(pl.UInt8()), pl.Array(pl.UInt8(), 16)),
}


def cases() -> Iterator[Case]:
    """Yield messages with indexes that lie, lack or damage."""
    yield from _columns()
    yield from _rows()
    yield from _nulls()
    yield from _values()
    yield from _streams()


def _with(comment: str, flag: str, rows: pl.DataFrame) -> Case:
    """The header tells the truth of BASE; the index is another."""
    return _bytes(comment, flag, stream(rows))


def _bytes(comment: str, flag: str, index: bytes) -> Case:
    return Case(f"index: {comment}", (flag,), replace(BASE, index=index).message(), "index")


def _columns() -> Iterator[Case]:
    for name in INDEX:
        yield _with(f"no {name}", "IndexColumns", _TRUE.drop(name))
    yield _with("a column under another name", "IndexColumns", _TRUE.rename({"site": "Site"}))
    yield _with("a column more", "IndexColumns", _TRUE.with_columns(agent=pl.lit("x")))
    yield _with("columns in another order", "IndexColumns", _TRUE.select(*reversed(INDEX)))
    yield _with("two columns exchanged", "IndexColumns", _TRUE.select(
        "offset", "line", "label", "site", *list(INDEX)[4:]))  # fmt: skip
    for name, types in _TYPES.items():
        for dtype in types:
            empty = pl.lit(None, dtype)
            nested = isinstance(dtype, (pl.List, pl.Array))
            column = empty if nested else pl.col(name).cast(dtype)
            rows = _TRUE.with_columns(column.alias(name))
            yield _with(f"{name} as {dtype}", "IndexTypes", rows)


def _rows() -> Iterator[Case]:
    def pick(comment: str, *numbers: int) -> Case:
        return _with(comment, "IndexRows", _TRUE[list(numbers)])

    yield pick("a row missing", 0, 1, 2, 4)
    yield pick("the first row missing", 1, 2, 3, 4)
    yield pick("the last row missing", 0, 1, 2, 3)
    yield pick("a row twice", 0, 1, 1, 2, 3, 4)
    yield pick("a row twice and another missing", 0, 1, 1, 3, 4)
    yield pick("two rows exchanged", 0, 2, 1, 3, 4)
    yield pick("rows in reverse", 4, 3, 2, 1, 0)
    yield pick("first and last exchanged", 4, 1, 2, 3, 0)
    yield pick("no rows")
    lines: Sequence[tuple[str, Values]] = (
        ("a line of one offset not in order", {"offset": 9, "line": 1}),
        ("an offset behind the last", {"offset": 13, "line": 0}),
        ("an offset before the first", {"offset": 6, "line": 0}),
    )
    for comment, values in lines:
        changed = [*BASE.rows[:2], BASE.rows[2] | values, *BASE.rows[3:]]
        yield _with(comment, "IndexRows", frame_of(changed))


def _nulls() -> Iterator[Case]:
    for number, name in enumerate(INDEX):
        if name not in {"reason", "hour", "token"}:
            rows = [*BASE.rows]
            at = 1 + number % 4
            rows[at] = rows[at] | {name: None}
            yield _with(f"{name} null in row {at}", "IndexNull", frame_of(rows))


def _values() -> Iterator[Case]:
    def change(comment: str, flag: str, number: int, **values: object) -> Case:
        rows = [*BASE.rows]
        rows[number] = rows[number] | values
        return _with(comment, flag, frame_of(rows))

    for length in (0, 1, 15, 17, 32):
        token = bytes(range(length))
        yield change(f"a token of {length} bytes", "TokenLength", 1, token=token)
    yield change("an hour that is none", "IndexHour", 0, hour=START + 1)
    between = [*BASE.rows[:2], BASE.rows[3] | {"offset": 8, "hour": START + 1800}, *BASE.rows[3:]]
    plan = replace(BASE, rows=between, frames=((b"a", b"b", b"c"), (b"d", b"e")))
    yield Case(
        "index: an hour that is none, within the span", ("IndexHour",), plan.message(), "index"
    )
    yield change("an hour before the site's span", "SpansLie", 0, hour=START - HOUR)
    yield change("an hour behind the site's span", "SpansLie", 3, hour=START + 3 * HOUR)
    yield change("a line of a site the header does not name", "SpansLie", 1, site="docs")
    yield change("a line without a time that the header does not tell", "SpansLie", 1, hour=None)
    yield change("a line with a time that the header calls untimed", "SpansLie", 2, hour=START)
    yield change("an untimed line of another site", "SpansLie", 2, site="shop")


def _streams() -> Iterator[Case]:
    true = stream(_TRUE)
    other = stream(_TRUE.with_columns(offset=pl.col("offset") + 100))
    for comment, index in (
        ("of another batch", other),
        ("empty", b""),
        ("no Arrow stream", b"index" * 20),
        ("a schema without rows", true[: true.index(b"\xff\xff\xff\xff", 8)]),
        ("cut in the middle", true[: len(true) // 2]),
        ("cut a byte short", true[:-9]),
        ("with a byte behind", true + b"\x00"),
        ("twice", true + true),
        ("as a Parquet file", _parquet()),
        ("as an Arrow file", _file()),
    ):
        yield _bytes(comment, "IndexStream", index)
    for comment, old, new in (
        ("a buffer said to be huge", b"\x28\xb5\x2f\xfd", None),
        ("a text that is no UTF-8", b"web-1", b"web\xff1"),
    ):
        at = true.index(old) if old in true else len(true) // 2
        if new is None:  # eight bytes before a compressed buffer give its length
            damaged = true[: at - 8] + (2**60).to_bytes(8, "little") + true[at:]
        else:
            damaged = _uncompressed().replace(old, new)
        yield _bytes(comment, "IndexStream", damaged)


def _uncompressed() -> bytes:
    sink = io.BytesIO()
    _TRUE.write_ipc_stream(sink, compression="uncompressed")
    return sink.getvalue()


def _parquet() -> bytes:
    sink = io.BytesIO()
    _TRUE.write_parquet(sink)
    return sink.getvalue()


def _file() -> bytes:
    sink = io.BytesIO()
    table = _TRUE.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
