"""Which cells three pairs would betray together, as plain Python works it out."""

from __future__ import annotations

import random
from itertools import product

import polars as pl
import pytest

from pipeline.release.sums import Sums
from pipeline.release.triangles import triangles

K = 2
SIDES = "vwr"
Row = tuple[int, int, int, int, int]
"""Window, visitor, v, w and r."""


def some_rows(seed: int) -> list[Row]:
    chance = random.Random(seed)
    visitors, values = chance.randint(8, 60), chance.randint(1, 3)

    def value() -> int:
        return min(chance.randrange(values), chance.randrange(values))

    return [
        (chance.randrange(2), chance.randrange(visitors), value(), value(), value())
        for _ in range(chance.randint(8, 120))
    ]


def unsafe(rows: list[Row], window: int, choice: tuple[int, ...]) -> bool:
    """Return whether one of the four sets may stand for one to K - 1 visitors."""

    def having(sides: str) -> list[Row]:
        of = [SIDES.index(side) for side in sides]
        return [
            row for row in rows if row[0] == window and all(row[2 + i] == choice[i] for i in of)
        ]

    def visitors(sides: str) -> int:
        return len({row[1] for row in having(sides)})

    def only(sides: str) -> int:
        others = [SIDES.index(side) for side in SIDES if side not in sides]
        return sum(all(row[2 + i] != choice[i] for i in others) for row in having(sides))

    everything = visitors("vwr")
    sure = {
        ("vw", "r"): (visitors("vw") - everything, visitors("r") - visitors("vr") - visitors("wr")),
        ("vr", "w"): (visitors("vr") - everything, visitors("w") - visitors("vw") - visitors("wr")),
        ("wr", "v"): (visitors("wr") - everything, visitors("v") - visitors("vw") - visitors("vr")),
        ("vwr", ""): (everything, visitors("") - sum(map(visitors, SIDES))),
    }
    return any(max(counts) < K and sum(map(only, parts)) for parts, counts in sure.items())


def barred(rows: list[Row], *, empty: bool) -> set[tuple[int, ...]]:
    found: set[tuple[int, ...]] = set()
    for window in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == window]
        values = [{row[2 + side] for row in mine} for side in range(3)]
        if any(len(some) == 1 for some in values):
            continue
        told = {(row[2], row[3]) for row in mine}
        for choice in product(*values):
            if (empty or choice[:2] in told) and unsafe(rows, window, choice):
                found.add((window, *choice[:2]))
    return found


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_cells_that_two_other_pairs_would_betray_are_barred_and_no_others(
    seed: int, empty: bool
) -> None:
    rows = some_rows(seed)
    schema = dict.fromkeys(["window", "visitor", "page", "channel", "role"], pl.UInt32)
    sums = Sums(pl.DataFrame(rows, schema=schema, orient="row"), pl.col)
    found = triangles(sums, "page", "channel", "role", K, empty=empty)
    assert set(found.iter_rows()) == barred(rows, empty=empty)


def test_some_of_these_sites_have_cells_to_hide_and_some_to_tell() -> None:
    of_all = [(rows, barred(rows, empty=True)) for rows in map(some_rows, range(40))]
    assert any(found for _, found in of_all)
    assert any(len(found) < len({row[2:4] for row in rows}) for rows, found in of_all)
