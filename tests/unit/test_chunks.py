"""Chunks hold everything once, in order, and no more than they may but for a single large item."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.chunks import chunks


@given(st.lists(st.integers(0, 9)), st.integers(1, 12))
def test_chunks_are_as_large_as_they_may_be(items: list[int], most: int) -> None:
    found = list(chunks(items, int, most))
    assert [item for chunk in found for item in chunk] == items
    assert all(chunk and (len(chunk) == 1 or sum(chunk) <= most) for chunk in found)
    assert all(sum(one) + two[0] > most for one, two in pairwise(found))
