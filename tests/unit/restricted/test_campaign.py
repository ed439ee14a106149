"""Of a campaign only words are said, and of a click only that there was an id."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.campaign import CLICK_ID, HIDDEN, NO_CAMPAIGN, SEPARATOR, Campaigns
from pipeline.restricted.scrub import load_scrubber

CAMPAIGNS = Campaigns(load_scrubber().page)


@pytest.mark.parametrize(
    ("target", "campaign"),
    [
        (None, "(none)"), ("", "(none)"), ("/a", "(none)"), ("/a?b=c", "(none)"),
        ("/utm_source=x", "(none)"), ("/a#?utm_source=x", "(none)"),
        ("/a?utm_source=newsletter&utm_medium=email&utm_campaign=spring-sale",
         "newsletter / email / spring-sale"),
        ("/a?utm_campaign=Spring+Sale&utm_medium=E-Mail&utm_source=Newsletter",
         "newsletter / e-mail / spring-sale"),
        ("/a?utm_campaign=Spring%20Sale", "- / - / spring-sale"),
        ("/a?x=1;utm_source=x;y", "x / - / -"),
        ("/a?UTM_SOURCE=x", "x / - / -"), ("/a?utm_source=x#utm_medium=y", "x / - / -"),
        ("/a?utm_source=first&utm_source=second", "first / - / -"),
        ("/a?utm_source=&utm_medium=", "(none)"),
        ("/a?utm_content=alice&utm_term=bob&utm_id=7", "(none)"),
        ("/a?gclid=Cj0KCQ&x=1", "(click id)"), ("/a?fbclid=IwAR0", "(click id)"),
        ("/a?msclkid=1f2e", "(click id)"), ("/a?gclid=", "(none)"), ("/a?xgclid=1", "(none)"),
        ("/a?utm_source=google&utm_medium=cpc&gclid=Cj0K", "google / cpc / -"),
        # One number, of two digits or a year.
        ("/a?utm_campaign=q3-sale", "- / - / q3-sale"),
        ("/a?utm_campaign=2026-sale", "- / - / 2026-sale"),
        ("/a?utm_campaign=sale-1234", "- / - / :value"),
        ("/a?utm_campaign=sale-12-31", "- / - / :value"),
        ("/a?utm_campaign=20260501", "- / - / :value"), ("/a?utm_campaign=12", "- / - / :value"),
        ("/a?utm_campaign=customer-88231", "- / - / :value"),
        # What the rules for pages find.
        ("/a?utm_source=alice@example.com", ":value / - / -"),
        ("/a?utm_source=alice%40example.com", ":value / - / -"),
        ("/a?utm_source=alice%2540example.com", ":value / - / -"),
        ("/a?utm_source=alice-at-example.com", ":value / - / -"),
        ("/a?utm_source=alice_at_example_com", ":value / - / -"),
        ("/a?utm_source=192.0.2.7", ":value / - / -"), ("/a?utm_source=c0000207", ":value / - / -"),
        ("/a?utm_source=%EF%BC%91%EF%BC%99%EF%BC%92", ":value / - / -"),
        ("/a?utm_medium=eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "- / :value / -"),
        ("/a?utm_campaign=d41d8cd98f00b204e9800998ecf8427e", "- / - / :value"),
        ("/a?utm_campaign=qkzxvwjqxzkpwq", "- / - / :value"),
        ("/a?utm_campaign=../../etc", "- / - / :value"), ("/a?utm_campaign=a/b", "- / - / :value"),
        ("/a?utm_campaign=" + "x" * 41, "- / - / :value"),
        ("/a?utm_campaign=" + "word-" * 60, "- / - / :value"),
        ("/a?utm_campaign=h%C3%A9t%C3%A9", "- / - / :value"), ("/a?utm_source=-", ":value / - / -"),
        ("/a?utm_source=+++", ":value / - / -"),
    ],
)  # fmt: skip
def test_campaigns(target: str | None, campaign: str) -> None:
    assert CAMPAIGNS.describe(target) == campaign


def test_a_column_is_what_each_target_says_alone() -> None:
    targets = ["/a", None, "/?utm_source=x", "/b?gclid=1", "/?utm_source=x", "?", "/?UTM_source=y"]
    column = CAMPAIGNS.column(pl.Series("target", targets, dtype=pl.String))
    assert column.name == "campaign"
    assert column.to_list() == [CAMPAIGNS.describe(target) for target in targets]


def test_no_targets_give_no_campaigns() -> None:
    assert CAMPAIGNS.column(pl.Series([], dtype=pl.String)).to_list() == []


_value = st.text(max_size=60) | st.from_regex(r"[a-z0-9%+_.-]{0,50}", fullmatch=True)


@given(st.lists(st.tuples(st.sampled_from(["utm_source", "utm_medium", "utm_campaign", "gclid",
                                           "x"]), _value), max_size=5))  # fmt: skip
def test_only_words_are_ever_said(pairs: list[tuple[str, str]]) -> None:
    target = "/a?" + "&".join(f"{key}={value}" for key, value in pairs)
    said = CAMPAIGNS.describe(target)
    assert CAMPAIGNS.column(pl.Series([target])).to_list() == [said]
    if said in {NO_CAMPAIGN, CLICK_ID}:
        return
    parts = said.split(SEPARATOR)
    assert len(parts) == 3
    for part in parts:
        assert part in {"-", HIDDEN} or (part.isascii() and part.islower() and len(part) <= 40)
        assert sum(map(str.isdigit, part)) <= 4


def test_what_a_site_denies_is_no_campaign_either() -> None:
    targets = pl.Series(["/a?utm_source=news&utm_medium=email&gclid=x", "/b?gclid=x", "/c"])
    for hidden, wanted in (
        (frozenset[str](), ["news / email / -", "(click id)", "(none)"]),
        (frozenset({"utm_source"}), ["- / email / -", "(click id)", "(none)"]),
        (frozenset(CAMPAIGNS.keys), ["(none)", "(none)", "(none)"]),
    ):
        assert CAMPAIGNS.column(targets, hidden).to_list() == wanted
