"""Who is in a part that three columns cut is counted as plain Python counts it."""

from __future__ import annotations

import random
from collections import defaultdict

import polars as pl
import pytest

from pipeline.release import parts

Row = tuple[int, int, int, int, int]
"""Window, visitor, v, w and r."""

PARTS = list(parts.subsets())


def some_rows(seed: int) -> list[Row]:
    chance = random.Random(seed)
    visitors, values = chance.randint(1, 12), chance.randint(1, 4)
    return [
        (
            chance.randrange(2),
            chance.randrange(visitors),
            chance.randrange(values),
            chance.randrange(values),
            chance.randrange(values),
        )
        for _ in range(chance.randint(1, 40))
    ]


def inside(row: Row, choice: Row, part: str) -> bool:
    """Return whether a row has the values that the part has, and lacks those that it lacks."""
    same = {side: row[2 + at] == choice[2 + at] for at, side in enumerate(parts.SIDES)}
    return row[0] == choice[0] and all(same[side] == (side in part) for side in parts.SIDES)


def choices_of(rows: list[Row]) -> pl.DataFrame:
    """Return all choices of three values that a window has, and what each choice of them has."""
    schema = {"window": pl.UInt32, **dict.fromkeys(parts.SIDES, pl.UInt32)}
    found = {
        (window, v, w, r)
        for window, _, v, _, _ in rows
        for at, _, _, w, _ in rows
        if at == window
        for again, _, _, _, r in rows
        if again == window
    }
    counts: dict[str, list[int]] = defaultdict(list)
    for window, *values in sorted(found):
        for some in PARTS:
            mine = [
                row
                for row in rows
                if row[0] == window
                and all(row[2 + parts.SIDES.index(s)] == values[parts.SIDES.index(s)] for s in some)
            ]
            counts[f"rows {some}"].append(len(mine))
            counts[f"visitors {some}"].append(len({row[1] for row in mine}))
    columns = {name: pl.Series(some, dtype=pl.Int64) for name, some in counts.items()}
    return pl.DataFrame(sorted(found), schema=schema, orient="row").with_columns(**columns)


@pytest.mark.parametrize("at_once", [1, 4_000_000])
@pytest.mark.parametrize("seed", range(30))
def test_too_few_in_a_part_are_found_and_no_others(
    seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_AT_ONCE", at_once)
    rows = some_rows(seed)
    schema = {"window": pl.UInt32, "visitor": pl.UInt32, **dict.fromkeys(parts.SIDES, pl.UInt32)}
    seen = pl.DataFrame(rows, schema=schema, orient="row").unique()
    choices = choices_of(rows)
    for part in PARTS:
        found = choices.with_columns(least=parts.at_least(part), height=parts.height(part))
        k = 3
        thin = set(parts.few(choices, seen, part, k).select("window", *parts.SIDES).iter_rows())
        named = found.select("window", *parts.SIDES, "least", "height")
        for window, v, w, r, least, height in named.iter_rows():
            mine = [row for row in rows if inside(row, (window, 0, v, w, r), part)]
            visitors = len({row[1] for row in mine})
            assert height == len(mine)
            assert least <= visitors
            assert ((window, v, w, r) in thin) == (visitors < k)
