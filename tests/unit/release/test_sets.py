"""Which cell gives way is decided by what anybody could see, never by how texts are coded."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.codes import Codes
from pipeline.release.sets import smallest


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_the_fewest_visitors_give_way_then_the_first_value_with_all_its_parents(
    order: list[int],
) -> None:
    codes = Codes()
    texts = pl.DataFrame({"value": ["b", "a", "a", "c"]}).select(codes.encode(pl.col("value")))
    cells = texts.with_columns(
        space=pl.lit(0, pl.UInt32),
        visitors=pl.Series([2, 2, 2, 3], dtype=pl.UInt32),
        cell=pl.Series([10, 12, 11, 13], dtype=pl.UInt64),
    )
    assert set(smallest(cells[order], "space", codes)) == {11, 12}
