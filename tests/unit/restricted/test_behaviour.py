"""A sign is on the rows from which on a visitor did what no person does, and on no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.restricted import behaviour
from pipeline.restricted.behaviour import Behaviour, Limits, load_limits

PLACE = ("shop", "live")
PAGE, ASSET, POST = ("/a?style.css", "GET"), ("/style.css?v=1", "GET"), ("/a", "POST")
Request = tuple[int, int, tuple[str | None, str | None]]
"""Visitor, time in seconds, target and method."""


def signs(
    watching: Behaviour, requests: Sequence[Request], place: tuple[str, str] = PLACE
) -> list[str | None]:
    frame = pl.DataFrame(
        [("human", visitor, time, method, target) for visitor, time, (target, method) in requests],
        schema={"audience": pl.String, "visitor": pl.UInt64, "time": pl.Int64,
                "method": pl.String, "target": pl.String},
        orient="row",
    )  # fmt: skip
    return watching.signs(place, frame).to_list()


def slow(limits: Limits, requests: Sequence[Request]) -> Iterator[str | None]:
    """The same, request after request, with dictionaries."""
    minute: dict[int, int] = defaultdict(int)
    in_minute: dict[int, int] = defaultdict(int)
    pages: dict[int, int] = defaultdict(int)
    served: set[int] = set()
    quick: set[int] = set()
    for visitor, time, (target, method) in requests:
        known = len(served) >= limits.visitors_with_assets
        asset = target is not None and target.partition("?")[0].endswith(".css")
        page = method == "GET" and not asset
        if time // 60 > minute[visitor]:
            minute[visitor], in_minute[visitor] = time // 60, 0
        in_minute[visitor] += page and time // 60 == minute[visitor]
        pages[visitor] += page
        if asset:
            served.add(visitor)
        if 0 < limits.pages_a_minute < in_minute[visitor]:
            quick.add(visitor)
        many = 0 < limits.pages_without_assets <= pages[visitor]
        if visitor in quick:
            yield "rate"
        else:
            yield "no assets" if many and known and visitor not in served else None


_visitors = st.integers(0, 4) | st.just(2**63 + 77)
_requests = st.lists(
    st.tuples(_visitors, st.integers(600, 900), st.sampled_from([PAGE, PAGE, ASSET, POST])),
    max_size=60,
)


@settings(max_examples=200)
@given(
    _requests,
    st.lists(st.integers(0, 60), max_size=4),
    st.builds(Limits, st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)),
)
@example([(1, 600, PAGE), (2, 600, ASSET)] * 9, [7], Limits(0, 3, 1))
def test_a_sign_follows_from_the_rows_before_however_they_are_cut_into_batches(
    requests: list[Request], cuts: list[int], limits: Limits
) -> None:
    watching, found = Behaviour(limits, places=128), []
    edges = [0, *sorted(cuts), len(requests)]
    for first, last in pairwise(edges):
        found += signs(watching, requests[first:last])
    assert found == list(slow(limits, requests))


def test_too_many_pages_in_a_minute_mark_the_rows_from_then_on() -> None:
    watching = Behaviour(Limits(3, 0, 0))
    assert signs(watching, [(1, 600 + at, PAGE) for at in range(5)]) == [None] * 3 + ["rate"] * 2
    later = [(1, 60_000, PAGE), (1, 60_001, ASSET), (2, 60_002, PAGE)]
    assert signs(watching, later) == ["rate", "rate", None]


def test_as_many_pages_over_two_minutes_are_a_persons() -> None:
    watching = Behaviour(Limits(3, 0, 0))
    assert signs(watching, [(1, 657 + at, PAGE) for at in range(6)]) == [None] * 6


def test_assets_and_posts_are_no_pages() -> None:
    watching = Behaviour(Limits(1, 0, 0))
    odd: list[Request] = [(1, 600, (None, "GET")), (1, 600, ("/a", None))]
    assert signs(watching, [(1, 600, ASSET), (1, 600, POST)] * 3 + odd[1:]) == [None] * 7
    assert signs(watching, odd[:1] * 2) == [None, "rate"]


def test_who_never_fetches_a_style_is_marked_where_others_are_sent_them() -> None:
    watching = Behaviour(Limits(0, 2, 2))
    alone: list[Request] = [(1, 600, PAGE)] * 3
    assert signs(watching, alone) == [None] * 3
    assert signs(watching, [(2, 600, ASSET), (2, 600, ASSET), (1, 600, PAGE)]) == [None] * 3
    assert signs(watching, [(3, 600, ASSET), (1, 600, PAGE)]) == [None, "no assets"]
    assert signs(watching, [(1, 600, ASSET), (1, 600, PAGE)]) == [None, None]
    assert signs(watching, [(4, 600, PAGE)] * 3, ("blog", "live")) == [None] * 3


def test_bots_are_not_watched() -> None:
    watching = Behaviour(Limits(1, 0, 0))
    frame = pl.DataFrame(
        {"audience": ["bot"] * 4, "visitor": [1] * 4, "time": [600] * 4, "method": ["GET"] * 4,
         "target": ["/a"] * 4},
        schema_overrides={"visitor": pl.UInt64},
    )  # fmt: skip
    assert watching.signs(PLACE, frame).to_list() == [None] * 4
    assert watching.signs(PLACE, frame.clear()).to_list() == []


def test_with_the_day_everything_is_forgotten() -> None:
    watching = Behaviour(Limits(2, 0, 1))
    requests: list[Request] = [(1, 600, PAGE)] * 3
    assert signs(watching, [*requests, (2, 600, ASSET)])[2] == "rate"
    watching.forget()
    assert signs(watching, requests[:2]) == [None, None]
    assert watching._sites == {PLACE: 0}


def test_of_two_who_share_a_place_the_later_takes_it() -> None:
    """The table never grows; who lost its place starts anew, and is never taken for the other."""
    watching = Behaviour(Limits(2, 0, 0))
    other = 1 + behaviour.PLACES
    before = watching._table.nbytes
    assert signs(watching, [(1, 600, PAGE)] * 3)[2] == "rate"
    assert signs(watching, [(other, 600, PAGE)] * 2) == [None, None]
    assert signs(watching, [(1, 600, PAGE)]) == [None]
    assert watching._table.nbytes == before


def test_sites_remembered_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behaviour, "_SITES_LIMIT", 3)
    watching = Behaviour(Limits(0, 1, 1))
    for number in range(10):
        signs(watching, [(1, 600, ASSET)], (f"site-{number}", "live"))
    assert len(watching._sites) <= 3


def test_settings_win_over_the_packaged_limits_and_nought_switches_off() -> None:
    packaged = load_limits()
    assert min(packaged.pages_a_minute, packaged.pages_without_assets) > 0
    given = load_limits({"pages_a_minute": 0, "pages_without_assets": None})
    assert given == Limits(0, packaged.pages_without_assets, packaged.visitors_with_assets)


def test_nothing_of_a_visitor_is_shown() -> None:
    assert repr(Behaviour(Limits(1, 1, 1))) == "Behaviour()"
