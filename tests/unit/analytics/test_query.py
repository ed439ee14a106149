"""Words are read, and what is no word of ours is one line that says what to write."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import analytics
from pipeline.analytics import ranges
from pipeline.analytics.parts import of_rows
from pipeline.errors import UsageError

GOOD: dict[str, Any] = {"site": "shop", "metrics": ["visitors"]}


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ({"site": None}, "site: "),
        ({"site": "a b"}, "site: "),
        ({"site": "x' OR 1"}, "site: "),
        ({"metric": ["visitors"]}, "metric: no such field"),
        ({"metrics": []}, "metrics: choose from visitors, "),
        ({"metrics": "visitors"}, "metrics: write a list"),
        ({"metrics": ["persons"]}, "metrics: choose from visitors, "),
        ({"metrics": ["vistors"]}, "metrics: visitors? Or choose from visitors, "),
        ({"dimensions": ["pgae"]}, "dimensions: no dimension pgae; page? Or goal"),
        ({"dimensions": ["name"]}, "dimensions: no dimension name; "),
        ({"dimensions": ["page", "browser", "country"]}, "dimensions: two at most"),
        ({"dimensions": ["page", "page"]}, "dimensions: two at most"),
        ({"dimensions": ["time:day", "time:week"]}, "dimensions: choose one of time:hour"),
        ({"filters": [["like", "page", ["/"]]]}, "filters: operators are is, is_not"),
        ({"filters": [["is", "page"]]}, "filters: each as"),
        ({"filters": [["is", "page", []]]}, "filters: 1 to 100 values"),
        ({"filters": [["is", "page", ["a\x00b"]]]}, "filters: a value has no control"),
        ({"filters": [["is", "page", ["\ud800"]]]}, "filters: a value has no control"),
        ({"filters": [["is", "page", ["x" * 3000]]]}, "filters: 1 to 100 values"),
        ({"filters": [["is", "time:day", ["2026-11-01"]]]}, "filters: choose times with date"),
        ({"filters": [["contains", "page", ["/a"]]]}, "filters: contains looks through"),
        ({"filters": [["is", "segment", ["views"]]]}, "filters: segment is or is_not one of"),
        ({"order": [["hits", "desc"]]}, "order: hits is not asked for"),
        ({"order": [["visitors", "down"]]}, "order: each as"),
        ({"limit": 0}, "limit: a number from 1"),
        ({"limit": True}, "limit: a number from 1"),
        ({"limit": 10_001}, "limit: a number from 1"),
        ({"after": 7}, "after: send what"),
        ({"compare": "previous_year"}, "compare: previous_period"),
        ({"compare": ["previous_period"]}, "compare: previous_period"),
        ({"date_range": "fortnight"}, "date_range: write days as"),
        ({"date_range": ["2026-11-01"]}, "date_range: write one of"),
        ({"date_range": ["2026-13-01", "2026-11-01"]}, "date_range: write days as"),
        ({"metrics": ["bytes"], "dimensions": ["page"]}, "metrics: bytes by page are not"),
        ({"metrics": ["visitors"], "dimensions": ["page", "browser"]},
         "dimensions: page with browser is not counted; there are page with next_page, "),
        ({"metrics": ["visitors"], "dimensions": ["page"],
          "filters": [["is", "browser", ["Firefox"]]]}, "dimensions: page with browser is not"),
        ({"metrics": ["hits"], "dimensions": ["page", "status"]},
         "dimensions: page with status is counted within a segment; filter segment is failed"),
        ({"metrics": ["visits"], "dimensions": ["status"]},
         "metrics: visits by status is not counted; visits are known by page, "),
        ({"metrics": ["visitors"], "dimensions": ["event", "screen"], "site": "shop.widget"},
         "dimensions: event with screen is not counted; there are page with event; "),
        ({"metrics": ["visitors"], "dimensions": ["next_page"]}, "dimensions: next_page goes"),
        ({"metrics": ["visitors"], "dimensions": ["entry_page"]}, "metrics: visitors by entry_"),
        ({"metrics": ["visitors"], "dimensions": ["click_path"]}, "metrics: visitors by click_"),
        ({"metrics": ["bounce_rate"], "dimensions": ["click_path"]}, "metrics: bounce_rate by cl"),
        ({"metrics": ["views_per_visit"], "dimensions": ["page"]}, "metrics: views_per_visit by"),
        ({"metrics": ["visits"], "dimensions": ["time:hour"]}, "dimensions: visits by hours is"),
        ({"metrics": ["visits"], "filters": [["is", "segment", ["bot"]]]}, "metrics: visits is of"),
        ({"metrics": ["pageviews"], "filters": [["is", "segment", ["failed"]]]},
         "metrics: pageviews are of the segment view"),
        ({"metrics": ["pageviews"], "filters": [["is", "audience", ["bot"]]]},
         "metrics: pageviews are of the segment view"),
        ({"metrics": ["visitors"], "filters": [["is", "page", ["/a", "/b"]]]},
         "metrics: visitors of several values of page cannot be added up"),
        ({"metrics": ["visitors"], "filters": [["is", "segment", ["view", "failed"]]]},
         "metrics: visitors of several segments cannot be added up"),
        ({"metrics": ["visits"], "site": "shop.widget"}, "metrics: visits is of page views"),
        ({"metrics": ["pageviews"], "site": "shop.widget"}, "metrics: a widget sends events"),
        ({"dimensions": ["page", "time:day"], "compare": "previous_period"}, "compare: a time"),
        ({"dimensions": ["time:hour"], "date_range": "90d"}, "date_range: hours are listed for"),
        ({"date_range": ["2027-01-01", "2027-01-02"]}, "date_range: it begins after today"),
        ({"date_range": ["2026-11-02", "2026-11-01"]}, "date_range: the first day is after"),
        ({"after": "bm9uc2Vuc2U="}, "after: this is no page"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_its_field(words: dict[str, Any], begins: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(GOOD | words)
    said = str(caught.value)
    assert said.startswith(begins)
    assert "\n" not in said
    assert len(said) < 400


def ask(words: dict[str, Any]) -> analytics.Answer:
    """Ask an engine that has nothing."""
    far = dict.fromkeys("first_day last_day first_hour last_hour newest_day".split())
    return analytics.ask(
        lambda _: [far],
        analytics.read(words),
        clock=lambda: dt.datetime(2026, 11, 29, tzinfo=dt.UTC),
        k=10,
        retention_days=100,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(
        ["page", "visitors", "is", "7d", "time:day", "desc", "contains", "segment"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            "site metrics date_range dimensions filters order limit after compare x".split()
        ),
        JSON,
    )
    | JSON
)
def test_any_json_is_a_question_or_one_line(asked: Any) -> None:  # noqa: ANN401
    said, query = None, None
    try:
        query = analytics.read(asked)
    except UsageError as error:
        said = str(error)
    assert said is None or ("\n" not in said and ": " in said)
    if query is not None:
        assert analytics.read(query.document()).document() == query.document()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_question_or_one_line(body: bytes) -> None:
    with pytest.raises(UsageError, match=r"\A[^\n]+\Z"):
        analytics.read(body)


def test_a_url_says_the_same_as_json() -> None:
    found = analytics.from_params(
        [
            ("site", "shop"),
            ("metrics", "visitors, views"),
            ("date_range", "2026-11-01,2026-11-07"),
            ("dimensions", "source,time:day"),
            ("filter", "channel=search|ai"),
            ("filter", "source~oo"),
            ("filters", '[["is_not", "source", ["a=b|c"]]]'),
            ("order", "views:asc,source"),
            ("limit", "7"),
            ("compare", ""),
        ]
    )
    assert found == analytics.read(
        {
            "site": "shop",
            "metrics": ["visitors", "views"],
            "date_range": ["2026-11-01", "2026-11-07"],
            "dimensions": ["source", "time:day"],
            "filters": [
                ["is_not", "source", ["a=b|c"]],
                ["is", "channel", ["search", "ai"]],
                ["contains", "source", ["oo"]],
            ],
            "order": [["views", "asc"], ["source", "asc"]],
            "limit": 7,
        }
    )
    assert found.named(found.dimensions) == ("source", "time:day")
    assert found.dimensions == ("referrer", "time:day")


@pytest.mark.parametrize(
    ("parameter", "begins"),
    [
        (("filter", "page"), "filter: write NAME=VALUE"),
        (("filters", "[["), "filters: write JSON"),
        (("limit", "many"), "limit: "),
        (("metrics", "hits"), "metrics: write it once"),
        (("colour", "red"), "colour: no such field"),
    ],
)
def test_a_wrong_parameter_is_one_line(parameter: tuple[str, str], begins: str) -> None:
    with pytest.raises(UsageError) as caught:
        analytics.from_params([("site", "shop"), ("metrics", "visitors"), parameter])
    assert str(caught.value).startswith(begins)


TODAY = dt.date(2026, 11, 29)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-11-29", "2026-11-29"),
        ("yesterday", "2026-11-28", "2026-11-28"),
        ("7d", "2026-11-22", "2026-11-28"),
        ("30d", "2026-10-30", "2026-11-28"),
        ("month", "2026-11-01", "2026-11-29"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("year", "2026-01-01", "2026-11-29"),
        ("12mo", "2025-11-01", "2026-10-31"),
        ("2mo", "2026-09-01", "2026-10-31"),
        ("9999d", "1999-07-15", "2026-11-28"),
    ],
)
def test_ranges_by_name(name: str, first: str, last: str) -> None:
    found = ranges.days(name, TODAY)
    assert (str(found.first), str(found.last)) == (first, last)


def test_ranges_end_today_at_the_latest_and_have_as_many_days_before() -> None:
    found = ranges.days((dt.date(2026, 11, 28), dt.date(2027, 1, 1)), TODAY)
    assert found == ranges.Days(dt.date(2026, 11, 28), TODAY)
    assert found.before() == ranges.Days(dt.date(2026, 11, 26), dt.date(2026, 11, 27))
    assert len(found) == 2


def test_pairs_are_those_of_the_policy() -> None:
    """One that a policy adds can be asked, and one that it leaves out cannot."""
    asked = analytics.read(GOOD | {"dimensions": ["page", "browser"]})
    with pytest.raises(UsageError, match="page with browser is not counted"):
        of_rows(asked)
    [part] = of_rows(asked, {"view": {"browser": ("page",)}})
    assert part.keys == (("page", "across_value"), ("browser", "value"))
    none: dict[str, dict[str, tuple[str, ...]]] = {}
    with pytest.raises(UsageError, match="visits by page is not counted"):
        of_rows(analytics.read(GOOD | {"metrics": ["visits"], "dimensions": ["page"]}), none)
