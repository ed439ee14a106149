"""Whatever equations determine is found, and nothing else is said to be."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.attack import linear
from pipeline.attack.linear import System, solved

PIECES = [f"{row}{column}" for row in "abc" for column in "xyz"]


def _table(values: dict[str, int]) -> System:
    """Return the sums of rows and columns; pieces that are not there are known to be nought."""
    system = System("a table")
    for side, at in (("slot", 0), ("column", 1)):
        for name in sorted({piece[at] for piece in values}):
            inside = [piece for piece in values if piece[at] == name]
            system.add(name, inside, sum(values[piece] for piece in inside), side)
    return system


def _told(system: System) -> dict[str, int]:
    return {one.whole.name: one.hits for one in solved(system)}


@given(values=st.dictionaries(st.sampled_from(PIECES), st.integers(1, 50), min_size=1))
def test_what_is_said_to_be_determined_is_true(values: dict[str, int]) -> None:
    for name, hits in _told(_table(values)).items():
        pieces = name.split(" and ")
        if set(pieces) <= set(values):
            assert hits == sum(values[piece] for piece in pieces)
        assert hits >= 0


def test_a_piece_that_two_sums_leave_alone_is_found() -> None:
    """Row a has x and y, row b has y alone: so y of a, and then x, are known."""
    told = _told(_table({"ax": 3, "ay": 4, "by": 5}))
    assert {name: told[name] for name in ("ax", "ay", "by")} == {"ax": 3, "ay": 4, "by": 5}


def test_a_full_table_gives_nothing_but_its_sums() -> None:
    values = {piece: 1 + at for at, piece in enumerate(PIECES)}
    told = _told(_table(values))
    assert not {name for name in told if name in values}
    assert not {" and ".join(two) for two in combinations(values, 2)} & told.keys()
    assert told["ax and ay and az"] == 6


def test_sums_of_two_are_found_where_neither_is_known() -> None:
    """Two rows cross two columns: each piece may be moved along, the sum of a row may not."""
    told = _told(_table({"ax": 1, "ay": 2, "bx": 3, "by": 4}))
    assert {"ax", "ay", "bx", "by"}.isdisjoint(told)
    assert (told["ax and ay"], told["ax and bx"]) == (3, 4)


def test_what_columns_leave_of_the_rows_that_they_lie_in_is_found() -> None:
    """Column x lies in rows a and b, which hold 6; 4 are of x, so 2 are of the others."""
    told = _told(_table({"ax": 2, "bx": 2, "ay": 1, "by": 1, "cy": 3, "cz": 9}))
    assert told["a and b less x"] == 2


def test_a_sum_of_nought_is_made_of_nothing() -> None:
    system = System("a table")
    system.add("a", ["ax", "ay"], 0, "slot")
    system.add("x", ["ax", "bx"], 5, "column")
    assert _told(system)["bx"] == 5


@pytest.mark.parametrize("totals", [(3, 4), (3, -1)])
def test_sums_that_contradict_each_other_are_told(totals: tuple[int, int]) -> None:
    system = System("a table")
    system.add("once", ["ax"], totals[0], "slot")
    system.add("again", ["ax"], totals[1], "column")
    assert any(one.hits < 0 or one.kind == "contradiction" for one in solved(system))


def test_a_system_that_is_too_large_is_left_out_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linear, "MOST_WORK", 1)
    system = _table({"ax": 3, "ay": 4, "by": 5})
    assert "ax" not in {one.whole.name for one in solved(system)}
    assert system.left_out
