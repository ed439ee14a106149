"""The allow-list of door 1 is what the schema file says, and nothing else can be written."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import declarations, events
from pipeline.errors import IntegrityError, SettingsError
from pipeline.events import EMPTY, SCHEMA, EventsHeader, decode, decode_header, encode

HEADER = EventsHeader("logs.web:3", 17, "live", 1_800_000_000)
_VALUES: dict[pl.DataType, st.SearchStrategy[object]] = {
    pl.UInt64(): st.integers(0, 2**64 - 1),
    pl.UInt32(): st.integers(0, 2**32 - 1),
    pl.UInt16(): st.integers(0, 2**16 - 1),
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.String(): st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
}
_row = st.tuples(*(_VALUES[dtype] for dtype in SCHEMA.values()))
_header = st.builds(
    EventsHeader,
    st.from_regex(r"[a-z.]{1,9}:[0-9]{1,3}", fullmatch=True),
    st.integers(0, 2**62),
    st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    st.none() | st.integers(0, 2**40),
    st.booleans(),
)


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


ROW = frame([tuple(0 if dtype != pl.String else "x" for dtype in SCHEMA.values())])


@settings(max_examples=50)
@given(_header, st.lists(_row, max_size=5))
def test_what_is_written_is_read(header: EventsHeader, rows: list[tuple[object, ...]]) -> None:
    message = encode(header, frame(rows))
    found, batch = decode(message)
    assert found == decode_header(message) == header
    assert batch.equals(frame(rows))
    assert dict(batch.schema) == SCHEMA


def test_the_schema_is_the_file() -> None:
    fields = declarations.load("events/event.yaml")["fields"]
    assert list(SCHEMA) == list(fields)
    assert all(fields[name].get("about") and fields[name].get("purpose") for name in SCHEMA)


def test_no_field_is_raw() -> None:
    """Whoever adds one of these to the file has this test to argue with."""
    raw = {"address", "ip", "client", "agent", "user_agent", "user", "cookie", "query", "target",
           "url", "message", "raw", "text", "host", "email", "session", "ingest"}  # fmt: skip
    assert not raw & set(SCHEMA)
    assert {name for name, dtype in SCHEMA.items() if dtype == pl.Binary} == set()


@pytest.mark.parametrize(
    "batch",
    [
        ROW.with_columns(address=pl.lit("192.0.2.7")),
        ROW.drop("page"),
        ROW.rename({"page": "target"}),
        ROW.with_columns(pl.col("bytes").cast(pl.Int64)),
        ROW.select(*reversed(SCHEMA)),
        pl.DataFrame(),
    ],
    ids=["one more", "one less", "another name", "another type", "another order", "none"],
)
def test_other_columns_are_neither_written_nor_read(batch: pl.DataFrame) -> None:
    if dict(batch.schema) == SCHEMA:
        assert list(batch.columns) != list(SCHEMA)
        batch = batch.with_columns(more=1)
    with pytest.raises(IntegrityError, match="not an event batch"):
        encode(HEADER, batch)
    smuggled = encode(HEADER, EMPTY).partition(b"\n")[0] + b"\n" + events.to_ipc(batch)
    with pytest.raises(IntegrityError, match="not an event batch"):
        decode(smuggled)


@settings(max_examples=200)
@given(st.binary(max_size=80), st.integers(0, 2000))
def test_damage_is_noticed(noise: bytes, cut: int) -> None:
    """Any bytes are refused by the one error; of a message cut short, too."""
    whole = encode(HEADER, ROW)
    head, _, _ = whole.partition(b"\n")
    for message in (noise, head + b"\n" + noise, whole[: min(cut, len(whole) - 60)]):
        with pytest.raises(IntegrityError, match=r"not an event batch|are damaged"):
            decode(message)


@pytest.mark.parametrize(
    ("dimensions", "says"),
    [
        ({"weather": {}}, "weather is no field of text"),
        ({"bytes": {}}, "bytes is no field of text"),
        ({"site": {}}, "site is told apart in every table already"),
        ({"audience": {}}, "audience is told apart in every table already"),
        ({"page": {"witin": "site"}}, "page takes purpose, and within where it needs one"),
        ({"page": {"within": "weather"}}, "page is within weather, which is no dimension"),
        ({"page": {"within": "page"}}, "page is within page, which must stand before it"),
        (
            {"referrer": {"within": "referrer_kind"}, "referrer_kind": {}},
            "referrer is within referrer_kind, which must stand before it",
        ),
        (
            {"event": {}, "detail": {"within": "event"}, "locale": {"within": "detail"}},
            "locale is within detail, which is within event: name that instead",
        ),
    ],
)
def test_a_dimension_that_cannot_be_protected_is_refused_by_name(
    dimensions: dict[str, dict[str, str]], says: str
) -> None:
    document = {
        **declarations.load("events/event.yaml"),
        "dimensions": {n: {"purpose": "statistics", **spec} for n, spec in dimensions.items()},
    }
    with pytest.raises(SettingsError) as refused:
        events.nesting(document)
    assert str(refused.value).startswith(f"schemas/events/event.yaml: dimension {says}")


def test_a_dimension_without_a_purpose_is_refused() -> None:
    document = {**declarations.load("events/event.yaml"), "dimensions": {"page": {}}}
    with pytest.raises(SettingsError, match="dimension page takes purpose"):
        events.nesting(document)


def test_nothing_lies_beneath_a_null() -> None:
    """A mask empties a value; Arrow would write the bytes under it all the same."""
    rows = pl.concat([ROW] * 40).with_columns(
        page=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("/secret-secret-secret"))
    )
    rows = rows.with_columns(page=pl.when(pl.lit(value=False)).then("page"))
    sink: bytes = events.to_ipc(rows)
    assert b"secret" not in sink


def test_a_messages_dictionary_holds_the_texts_of_its_rows_and_no_others() -> None:
    """All partitions' rows, and values refused for a purpose, share the codes they come from."""
    codes = pl.Categorical(pl.Categories.random())
    rows = pl.concat([ROW] * 3).with_columns(page=pl.Series(["/a", "/refused", "/elsewhere"]))
    coded = rows.with_columns(pl.col(pl.String).cast(codes))
    kept = coded.head(2).with_columns(
        page=pl.when(pl.col("page") == "/refused").then(pl.lit("/", codes)).otherwise("page")
    )
    table = pa.ipc.open_stream(events.to_ipc(kept)).read_all()
    assert sorted(table["page"].chunk(0).dictionary.to_pylist()) == ["/", "/a"]
