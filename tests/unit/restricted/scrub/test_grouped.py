"""Numbers in groups are told from dates, versions and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.scrub.grouped import without_addresses, without_cards, without_phones

ORDINARY = [
    "2014-05-17", "2014/05/17", "2014/05/1234", "17/05/2014", "2014/05", "2010-2013", "1983_1999",
    "logstash-1.3.2", "jquery-1.10.2", "1024x768", "120x120", "cve-2014-0160", "CVE_2014-1234",
    "add-a-face", "be-a-bee", "cafe-2013-2014", "a1-b2", "1234/5678", "top-10-of-2014", "3.14159",
    "b2b-and-e2e", "ec2-m1-large", "feed.2.0.xml", "2014-05-17T10:30",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_stay(text: str) -> None:
    for without in (without_phones, without_cards, without_addresses):
        assert without(text, ":gone") == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("+49 (30) 555-0143", ":gone"),
        ("tel202-555-0143x12", "tel:gonex12"),
        ("2014-05-17-202-555-0143", "2014-05-17-:gone"),
        ("202.555.0143-2014.05.17", ":gone-2014.05.17"),
        ("2014/05/17/202/555/0143", "2014/05/17/:gone"),
        ("1984-03-12", ":gone"),
        ("2014-05-32", ":gone"),
    ],
)
def test_a_number_beside_a_day_goes_and_the_day_stays(text: str, left: str) -> None:
    assert without_phones(text, ":gone") == left


@given(st.text("0123456789abcdefABCDEF-._:/ +(", max_size=40))
def test_what_is_left_holds_nothing_to_take(text: str) -> None:
    """Once is enough: nobody can hide a number in another."""
    for without in (without_phones, without_cards, without_addresses):
        once = without(text, "!!!!")
        assert without(once, "!!!!") == once
