"""A mask tells kind and length class, and two values of the same have the same mask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RefusedError
from pipeline.scope import FIELDS
from pipeline.web.pages.masks import OPEN, is_open, mask
from pipeline.web.wording import left, on_pages

MASKED = sorted(set(FIELDS) - OPEN)


@given(st.sampled_from(MASKED), st.text(min_size=1, max_size=300))
def test_a_mask_is_one_of_a_handful_whatever_the_value(field: str, value: str) -> None:
    lengths = {"up to 16", "17 to 64", "65 to 256", "over 256"}
    said = mask(field, value)
    if field == "address":
        assert said in {"address", "IPv4 address", "IPv6 address"}
    else:
        assert said.rpartition(", ")[2] in lengths
        assert said.count(",") == 1


@pytest.mark.parametrize("field", MASKED)
def test_what_comes_from_a_line_is_masked(field: str) -> None:
    assert not is_open(field, "anything")


def test_only_usual_methods_are_open() -> None:
    assert is_open("method", "GET")
    assert not is_open("method", "SEARCH someone@example.com")


def test_a_refusal_names_the_page_and_not_the_command() -> None:
    said = on_pages(
        RefusedError("ask for it with `partywall case request`, then see `partywall case show`")
    )
    assert said == "Ask for it with the form on the case's page, then see the case's page."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "over"), (0, "over"), (59, "under a minute"), (60, "1 min"), (3600, "1 h 0 min"),
     (90_000, "1 d 1 h")],
)  # fmt: skip
def test_a_span_is_told_in_its_two_largest_units(seconds: int, said: str) -> None:
    assert left(seconds) == said
