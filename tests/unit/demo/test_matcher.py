"""The one-pass search finds exactly what searching for one pattern after another finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.canaries import DIGITS, Pattern
from pipeline.demo.matcher import Matcher


@given(
    st.lists(st.binary(min_size=4, max_size=9), min_size=1, max_size=8),
    st.lists(st.binary(max_size=12), max_size=12),
    st.data(),
)
def test_finds_every_occurrence_and_nothing_else(
    patterns: list[bytes], filler: list[bytes], data: st.DataObject
) -> None:
    """Overlaps, repeats, shared anchors and both ends of the data included."""
    pieces = data.draw(st.permutations([*patterns, *filler]))
    haystack = b"".join(pieces)
    naive = {
        (at, index)
        for index, pattern in enumerate(patterns)
        for at in range(len(haystack))
        if haystack.startswith(pattern, at)
    }
    matcher = Matcher([Pattern("text", pattern) for pattern in patterns], width=4)
    found = list(matcher.find(haystack))
    assert set(found) == naive
    assert len(found) == len(naive)


def test_long_data_is_searched_to_its_end() -> None:
    """No round of the scan drops the bytes at its edge."""
    matcher = Matcher([Pattern("text", b"needle-in-hay")])
    for at in (0, 8 * (1 << 15) - 5, 8 * (1 << 15), 1_000_003):
        haystack = bytearray(1_000_016)
        haystack[at : at + 13] = b"needle-in-hay"
        assert list(matcher.find(bytes(haystack))) == [(at, 0)]


def test_a_number_within_a_longer_number_is_another() -> None:
    """Digits of a digest hold nobody's address."""
    matcher = Matcher([Pattern("integer text", b"3323068417", DIGITS)])
    assert not list(matcher.find(b"id=13323068417, 33230684170"))
    assert list(matcher.find(b"ip:3323068417,")) == [(3, 0)]


def test_no_patterns_find_nothing() -> None:
    """A search without plants is no error."""
    assert not list(Matcher([]).find(b"whatever there is"))


def test_a_pattern_shorter_than_its_anchor_is_refused() -> None:
    """It would be found by chance, or not at all."""
    with pytest.raises(ValueError, match="at least 8"):
        Matcher([Pattern("text", b"short")])
