"""A source whose lines are mostly rejected is named, and the others have nothing to do with it."""

from __future__ import annotations

from pipeline.apps import rejects
from pipeline.apps.rejects import RejectLimit
from tests.support import door

SHOP, BLOG = ("shop", "web-1"), ("blog", "web-2")


def test_a_source_over_the_limit_is_named_by_its_site() -> None:
    limit = RejectLimit(0.5, 100)
    assert limit.excess({SHOP: (100, 50)}) is None
    said = limit.excess({SHOP: (100, 51)})
    assert said is not None
    assert "site shop, source web-1: 51 of the last 100 lines" in said


def test_rejects_of_one_source_do_not_count_for_another() -> None:
    """Over all together, these would be 90 of 150."""
    limit = RejectLimit(0.5, 100)
    for _ in range(5):
        assert limit.excess({SHOP: (60, 0), BLOG: (9, 9)}) is None


def test_a_small_bad_source_does_not_hide_behind_a_large_good_one() -> None:
    limit = RejectLimit(0.5, 100)
    said = [limit.excess({SHOP: (1_000, 0), BLOG: (10, 10)}) for _ in range(10)]
    assert said[:9] == [None] * 9
    assert "site blog" in (said[9] or "")


def test_a_full_window_is_awaited_and_the_oldest_lines_are_forgotten() -> None:
    limit = RejectLimit(0.5, 100)
    assert limit.excess({SHOP: (99, 99)}) is None
    assert RejectLimit(0.5, 100).excess({SHOP: (100, 100)}) is not None
    good = RejectLimit(0.5, 100)
    good.excess({SHOP: (100, 40)})
    for _ in range(4):
        assert good.excess({SHOP: (50, 20)}) is None
    assert good.excess({SHOP: (100, 60)}) is not None, "no credit from long ago"


def test_an_alarm_is_not_repeated_for_each_batch() -> None:
    limit = RejectLimit(0.5, 100)
    said = [limit.excess({SHOP: (20, 20)}) for _ in range(10)]
    assert [one is not None for one in said] == [False] * 4 + [True] + [False] * 4 + [True]


def test_made_up_sources_do_not_fill_the_memory() -> None:
    limit = RejectLimit(0.5, 100)
    for n in range(3 * rejects.MOST_SOURCES):
        limit.excess({("shop", f"s{n}"): (1, 1)})
    assert len(limit._windows) == rejects.MOST_SOURCES


def test_a_crossing_counts_rejects_by_site_and_source() -> None:
    made = door.splitter(sites=["shop", "blog"])
    headers = [[("site", b"shop"), ("source", b"a")], [("site", b"blog")], [("site", b"made-up")]]
    crossing = door.carry(made, door.messages([b"no\nno\n", b"\n", b"no"], headers))
    assert crossing.sources == {("shop", "a"): (2, 2), ("blog", "kafka"): (1, 0)}
