"""Tokens find an address under any spelling, on one site and day, under the key of their day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keys.material import Tokeniser, canonical_address

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "spellings",
    [
        ("192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207"),
        ("2001:db8::1", "2001:DB8:0:0::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
    ],
)
def test_every_spelling_of_an_address_has_one_token(spellings: tuple[str, ...]) -> None:
    assert len({Tokeniser(KEY)("shop", 16_572, spelling) for spelling in spellings}) == 1


def test_tokens_differ_by_address_and_by_key() -> None:
    mine, other = (Tokeniser(key) for key in (KEY, KEY[::-1]))
    places = [("shop", 16_572, "192.0.2.7"), ("shop", 16_572, "192.0.2.8")]
    tokens = {mine(*places[0]), mine(*places[1]), other(*places[0])}
    assert len(tokens) == 3
    assert all(len(token) == 16 for token in tokens)


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
def test_any_text_has_a_token(text: str) -> None:
    assert len(Tokeniser(KEY)("shop", None, text)) == 16


def test_text_that_is_no_address_cannot_pass_for_one() -> None:
    assert len(canonical_address("abcd")) not in {4, 16}
    assert canonical_address("text abcd") != canonical_address("abcd")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "a1", "1", "1:a", "", "a-", "é"]),
            st.sampled_from([None, 0, 1, 11, -1, 16_572]),
            st.sampled_from(["192.0.2.7", "1", "", "1:", ":", "-:x", "::1"]),
        ),
        unique=True,
    )
)
def test_no_two_sites_days_and_addresses_share_a_token(
    places: list[tuple[str, int | None, str]],
) -> None:
    """Else one token would join what an address did on two sites, or in two days."""
    token = Tokeniser(KEY)
    assert len({token(*place) for place in places}) == len(places)
