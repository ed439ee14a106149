"""What was made null is gone from what is written, not merely marked."""

from __future__ import annotations

import io

import polars as pl
import pytest

from pipeline.nulls import blanked

CANARY = "canary@example.org of some length"
NUMBER = 0x1122334455667788


def written(rows: pl.DataFrame) -> bytes:
    sink = io.BytesIO()
    rows.write_ipc_stream(sink, compression="uncompressed")
    return sink.getvalue()


def masked() -> pl.DataFrame:
    return pl.DataFrame({"keep": [True, False, True], "n": [1, NUMBER, 2]}).select(
        text=pl.when("keep").then(pl.Series(["a", CANARY, "c"])),
        data=pl.when("keep").then(pl.Series([b"a", CANARY.encode(), b"c"])),
        number=pl.when("keep").then(pl.col("n").cast(pl.UInt64)),
        float=pl.when("keep").then(pl.col("n").cast(pl.Float64)),
        truth=pl.when("keep").then("keep"),
        whole=pl.Series(["x", "y", "z"]),
    )


def test_the_trap_is_real() -> None:
    """Should Polars ever write blanks itself, this room can go."""
    assert CANARY.encode() in written(masked())


@pytest.mark.parametrize("needle", [CANARY.encode(), NUMBER.to_bytes(8, "little")])
def test_nothing_lies_beneath_a_null(needle: bytes) -> None:
    assert needle not in written(blanked(masked()))


def test_the_rows_stay_equal() -> None:
    assert blanked(masked()).equals(masked())
    assert blanked(masked()).schema == masked().schema
    assert blanked(masked().clear()).equals(masked().clear())
