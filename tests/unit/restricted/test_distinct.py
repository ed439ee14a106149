"""Coding a column loses nothing, and a bounded memory changes no answer."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.distinct import LONGEST_KEY, Remembered, distinct


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)))
def test_codes_and_values_give_the_column_back(texts: list[str | None]) -> None:
    codes, values = distinct(pl.Series(texts, dtype=pl.String))
    assert codes.dtype == pl.UInt32
    assert len(set(values)) == len(values)
    assert [values[code] for code in codes] == texts


def test_a_column_of_several_chunks_or_a_slice_is_coded_whole() -> None:
    column = pl.Series(["a", "b"]).append(pl.Series(["b", None, "a"]))
    codes, values = distinct(column[1:])
    assert [values[code] for code in codes] == ["b", "b", None, "a"]


@given(st.lists(st.integers(0, 20)), st.integers(1, 8))
def test_a_small_memory_answers_like_none(keys: list[int], limit: int) -> None:
    remembered = Remembered(str, limit)
    assert [remembered(key) for key in keys] == [str(key) for key in keys]
    assert remembered.many(keys) == [str(key) for key in keys]
    assert len(remembered) <= max(2, limit)


def test_what_is_asked_for_again_is_not_computed_again() -> None:
    computed: list[int] = []

    def compute(key: int) -> int | None:
        computed.append(key)
        return None

    remembered = Remembered(compute, 4)
    remembered.many([1, 2, 3, 1, 2])
    assert computed == [1, 2, 3]
    remembered.many([4, 5, 6, 7])
    remembered.many([1])
    assert computed[-1] == 1, "forgotten once two generations have passed"
    remembered.clear()
    assert len(remembered) == 0


def test_a_memory_shows_nothing_of_what_it_holds() -> None:
    remembered = Remembered(str.upper, 4)
    remembered.many(["who-was-there"])
    assert "who" not in repr(remembered).lower()


def test_long_texts_are_answered_and_not_remembered() -> None:
    """Entries are counted, not bytes: 100,000 targets of 64 KiB would fill the memory."""
    remembered: Remembered[str, int] = Remembered(len, 4)
    longest, longer = "x" * LONGEST_KEY, "x" * (LONGEST_KEY + 1)
    assert remembered.many([longer, longest, longer]) == [1_025, 1_024, 1_025]
    assert remembered(longer) == 1_025
    assert len(remembered) == 1
