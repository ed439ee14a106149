"""Everything that a page shows is in its URL, and comes back out of it."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.views.cards import TABS
from pipeline.views.view import FILTERS, METRICS, PERIODS, Filter, View, read

_values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)
_days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
_spans = st.tuples(_days, _days).map(lambda two: (min(two), max(two)))


@st.composite
def _views(draw: st.DrawFn) -> View:
    chosen = draw(st.sets(st.tuples(st.sampled_from(list(FILTERS)), st.booleans()), max_size=3))
    filters = tuple(
        Filter(dimension, tuple(draw(st.lists(_values, min_size=1, max_size=3))), negated)
        for dimension, negated in sorted(chosen)
    )
    tabs = {card: draw(st.sampled_from(names)) for card, names in TABS.items()}
    return View(
        "shop",
        draw(st.sampled_from(list(PERIODS)) | _spans),
        draw(st.booleans()),
        draw(st.sampled_from(list(METRICS))),
        filters,
        {card: tab for card, tab in tabs.items() if tab != TABS[card][0]},
        draw(st.booleans()),
    )


@given(_views())
def test_a_url_says_its_view(view: View) -> None:
    parts = urlsplit(view.url())
    assert parts.path == "/sites/shop"
    assert read("shop", parse_qsl(parts.query, keep_blank_values=True), TABS) == view


def test_the_usual_page_has_a_short_address() -> None:
    assert View("shop").url() == "/sites/shop"
    assert View("a b/c").url() == "/sites/a%20b%2Fc"


@pytest.mark.parametrize(
    "query",
    [
        "period=8d", "metric=money", "from=yesterday", "from=2026-11-07&to=2026-11-01",
        "pages=nothing", "sort=up", "country=", f"page={'a' * 501}", "visit_role=bounce",
        "&".join(f"country=C{n}" for n in range(21)),
    ],
)  # fmt: skip
def test_an_address_that_asks_for_nothing_known_is_refused(query: str) -> None:
    with pytest.raises(UsageError) as caught:
        read("shop", parse_qsl(query, keep_blank_values=True), TABS)
    assert "\n" not in str(caught.value)


def test_clicking_a_value_takes_the_place_of_its_dimension_and_leaves_others() -> None:
    view = View("shop").narrowed("country", "DE").narrowed("page", "/a").narrowed("country", "AT")
    assert view.query_filters() == [["is", "page", ["/a"]], ["is", "country", ["AT"]]]
    assert view.holds("country", "AT")
    assert not view.holds("country", "DE")
    turned = view.flipped(view.filters[0])
    assert turned.query_filters()[0] == ["is_not", "page", ["/a"]]
    assert turned.without(turned.filters[0]).url() == "/sites/shop?country=AT"


def test_another_site_has_other_pages_and_so_no_filters() -> None:
    view = View("shop", "7d", tabs={"pages": "exit"}).narrowed("page", "/a")
    assert view.of("blog").url() == "/sites/blog?period=7d&pages=exit"
