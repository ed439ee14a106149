"""A week's numbers are those that were released, and what was not is not 0."""

from __future__ import annotations

import datetime as dt

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.queries import QueryFn
from pipeline.digest.as_json import digest_json
from pipeline.digest.contents import Digest, Number, digest
from pipeline.digest.page import as_page
from pipeline.digest.series import newest, sites
from pipeline.digest.text import as_text
from pipeline.digest.weeks import Week
from pipeline.errors import UsageError
from tests.support.released import Released, roles
from tests.unit.digest.conftest import WEEK, fill

DAY = dt.timedelta(days=1)


def made(query: QueryFn) -> Digest:
    return digest(query, "shop", WEEK, 10, None)


def number(found: Digest, name: str) -> Number:
    (one,) = (n for n in found.numbers if n.name == name)
    return one


def test_a_week_beside_the_one_before(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.before.first, WEEK.last)
    found = made(query)
    values = {n.name: (n.value, n.before, n.days, n.both) for n in found.numbers}
    assert values == {
        "page views": (1400, 1400, 7, 7),
        "visits": (560, 560, 7, 7),
        "visitor-days": (700, 700, 7, 7),
        "bounce rate": (3 / 8, 3 / 8, 7, 7),
        "failed share of requests": (1 / 16, 1 / 16, 7, 7),
        "requests of bots": (700, 700, 7, 7),
    }
    assert found.pages == (("/a", 840), ("/<b>", 280))
    assert found.sources == (("search.example", 280),)
    assert found.failed == (("/gone", 280),)
    assert found.alerts == ()


def test_a_day_that_is_not_shown_is_left_out_of_both_weeks(client: Client, query: QueryFn) -> None:
    """Six days against the same six: the change is none, and not a seventh less."""
    fill(Released(client), WEEK.before.first, WEEK.last, hidden=(WEEK.last,))
    views = number(made(query), "page views")
    assert (views.value, views.days, views.now, views.before, views.both) == (
        1200,
        6,
        1200,
        1200,
        6,
    )
    text = as_text(made(query))
    assert "6 of 7 days; compared on 6" in text
    assert "as before" in text


def test_visits_are_known_where_their_parts_are_shown(client: Client, query: QueryFn) -> None:
    """Bounces that stand beside (other) alone are no visits; with nothing hidden they are all."""
    rows = Released(client)
    fill(rows, WEEK.first, WEEK.last - 2 * DAY)
    saturday, sunday = (dt.datetime.combine(WEEK.last - n * DAY, dt.time(), dt.UTC) for n in (1, 0))
    rows.pairs(saturday, "view", "segment", "role", roles({"bounce": 30, "(other)": 170}))
    rows.pairs(sunday, "view", "segment", "role", roles({"bounce": 20}))
    rows.write()
    visits = number(made(query), "visits")
    assert (visits.value, visits.days) == (5 * 80 + 20, 6)


def test_a_week_of_which_nothing_is_shown_has_no_zero(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.before.first, WEEK.before.last)
    found = made(query)
    assert not found.shown
    assert [n.value for n in found.numbers] == [None] * 6
    assert " 0" not in as_text(found).partition("Every number")[0].partition("UTC")[2]
    assert {n["state"] for n in digest_json(found)["numbers"]} == {"not_shown"}


def test_tenfold_traffic_is_told_in_every_form(client: Client, query: QueryFn) -> None:
    rows = Released(client)
    fill(rows, WEEK.first - 56 * DAY, WEEK.last - DAY)
    last = dt.datetime.combine(WEEK.last, dt.time(), dt.UTC)
    rows.segments(last, view=2000, failed=40, request=400, bot=100)
    rows.write()
    found = made(query)
    assert [(a.metric, a.day, a.found.usual) for a in found.alerts] == [
        ("page_views", WEEK.last, 200.0)
    ]
    line = "shop, Sunday 22 November: page views 2,000, where 200 is usual (median of 8 weeks)"
    assert line in as_text(found)
    assert line in as_page(found)
    assert digest_json(found)["alerts"][0]["text"] == line


def test_the_page_runs_and_loads_nothing_that_a_value_says(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.first, WEEK.last)
    page = as_page(made(query))
    assert "/&lt;b&gt;" in page
    assert "<b>" not in page
    assert "http" not in page
    assert "src=" not in page


def test_every_form_says_by_whose_clock_the_week_is(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.first, WEEK.last)
    found = digest(query, "shop", WEEK, 10, None, "Pacific/Honolulu")
    assert as_text(found).startswith("shop: 16 Nov to 22 Nov 2026 (2026-W47), Pacific/Honolulu\n")
    assert "22 Nov 2026, Pacific/Honolulu</h1>" in as_page(found)
    assert digest_json(found)["zone"] == "Pacific/Honolulu"
    assert digest_json(made(query))["zone"] == "UTC"


def test_it_says_what_k_lacks(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.first, WEEK.last)
    found = digest(query, "shop", WEEK, 1, "not anonymous: with k = 1 …")
    assert "not anonymous" in as_text(found)
    assert "not anonymous" in as_page(found)
    assert digest_json(found)["anonymous"] is False
    assert orjson.loads(orjson.dumps(digest_json(found)))["k"] == 1


def test_sites_and_their_newest_day(client: Client, query: QueryFn) -> None:
    fill(Released(client), WEEK.first, WEEK.last)
    chat = Released(client, "shop.widget")
    chat.traffic(dt.datetime(2026, 11, 16, tzinfo=dt.UTC), human=50)
    chat.write()
    assert sites(query) == ("shop",)
    assert newest(query, "shop") == WEEK.last
    assert newest(query, "nowhere") is None


@pytest.mark.parametrize("name", ["2026-W54", "2026-47", "W47", "2026-W00", "٢٠٢٦-W47", ""])
def test_a_week_s_name_has_one_shape(name: str) -> None:
    with pytest.raises(UsageError, match="2026-W47"):
        Week.named(name)


def test_weeks_are_those_of_iso_8601() -> None:
    assert (WEEK.first, WEEK.last) == (dt.date(2026, 11, 16), dt.date(2026, 11, 22))
    assert str(Week.of(dt.date(2027, 1, 1))) == "2026-W53"
    assert str(WEEK.before) == "2026-W46"
