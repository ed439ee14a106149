"""What is hidden of a column gets what it lacks, from few values, or all that there are."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.release.covering import cover

OFFERS = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 7)), st.integers(0, 6), min_size=1
)
"""(column, value) → how many visitors the value has there."""


@given(OFFERS, st.lists(st.integers(1, 9), min_size=6, max_size=6), st.integers(0, 99))
def test_each_column_has_what_it_lacks_or_all_there_is(
    offers: dict[tuple[int, int], int], lacks: list[int], seed: int
) -> None:
    rng = random.Random(seed)
    costs = {value: rng.randrange(20) for _, value in offers}
    candidates = [
        (column, value, lacks[column], has, costs[value], f"/{value}")
        for (column, value), has in offers.items()
    ]
    chosen = cover(candidates)
    assert len(set(chosen)) == len(chosen)
    for column in {column for column, _ in offers}:
        mine = {value: has for (at, value), has in offers.items() if at == column}
        given = sum(has for value, has in mine.items() if value in chosen)
        assert given >= lacks[column] or mine.keys() <= set(chosen)
    rng.shuffle(candidates)
    assert set(cover(candidates)) == set(chosen)


def test_one_value_that_fills_many_columns_goes_before_one_for_each() -> None:
    alone = [(column, column, 3, 4, 10, f"/{column}") for column in range(1, 6)]
    hub = [(column, 0, 3, 4, 20, "/hub") for column in range(1, 6)]
    assert cover([*alone, *hub]) == [0]
