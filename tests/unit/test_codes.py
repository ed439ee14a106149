"""Texts keep what they say when another dictionary codes them."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline import codes as module
from pipeline.codes import Codes
from pipeline.events import from_ipc, to_ipc

ROWS = pl.DataFrame(
    {
        "page": ["/b", None, "/a", "/b", ""],
        "kind": ["direct", "/a", None, "", "(other)"],
        "hits": [1, 2, 3, 4, 5],
    }
)


@pytest.fixture(autouse=True, params=[0, 8_000])
def _many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with many rows, and as with few."""
    monkeypatch.setattr(module, "_MANY", request.param)


@pytest.mark.parametrize("coded", [True, False])
def test_texts_of_a_message_are_the_same_in_a_states_own_codes(coded: bool) -> None:
    codes = Codes()
    rows = codes.recoded(from_ipc(to_ipc(ROWS), coded=coded))
    assert rows.schema["page"] == rows.schema["kind"] == codes.dtype
    assert rows.with_columns(pl.col("page", "kind").cast(pl.String)).equals(ROWS)
    again = Codes().recoded(rows)
    assert again.with_columns(pl.col("page", "kind").cast(pl.String)).equals(ROWS)


def test_columns_without_rows_or_without_texts_are_recoded_too() -> None:
    first, second = Codes(), Codes()
    for rows in (
        ROWS.clear(),
        ROWS.select("hits"),
        ROWS.with_columns(page=pl.lit(None, pl.String)),
    ):
        coded = second.recoded(first.recoded(rows))
        assert coded.with_columns(pl.col(pl.Categorical).cast(pl.String)).equals(rows)
