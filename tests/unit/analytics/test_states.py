"""An empty cell says why it is empty: zero, withheld, expired, not yet closed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from pipeline import analytics
from pipeline.clickhouse.queries import Reader
from tests.support.released_cells import Cells

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)


def at(day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, tzinfo=dt.UTC)


def released() -> Cells:
    """The 20th shows everything, the 21st folds some pages, the 28th is the newest day.

    Of the 29th there are hours up to nine; on the 22nd nothing could be shown.
    """
    cells = Cells()
    for day in (20, 21, 28):
        here = {"site": "shop", "window_start": at(day)}
        cells.add("traffic_daily", **here, audience="human", hits=90)
        view = here | {"segment": "view"}
        cells.add("segment_daily", **view, hits=60, visitors=20)
        rest = "/a" if day == 20 else "(other)"
        for value, hits, visitors in (("/", 40, 15), (rest, 20, 11)):
            page = view | {"dimension": "page", "value": value}
            cells.add("segment_breakdown_daily", **page, hits=hits, visitors=visitors)
        for role, hits in (("entry", 20), ("bounce", 20), ("exit", 20)):
            cells.add("pair_daily", **view, dimension="page", value="/", across="role",
                      across_value=role, hits=hits, visitors=12)  # fmt: skip
        cells.add("pair_daily", **view, dimension="page", value="/a", across="role",
                  across_value="(other)", hits=12, visitors=12)  # fmt: skip
    for hour in range(10):
        here = {"site": "shop", "window_start": at(29, hour)}
        cells.add("traffic_hourly", **here, audience="human", hits=30)
        cells.add("segment_hourly", **here, segment="view", hits=20, visitors=10)
    return cells


@pytest.fixture(scope="module")
def reader(engine: tuple[Client, Reader]) -> Reader:
    released().insert(engine[0])
    return engine[1]


def ask(reader: Reader, first: int, last: int, *, now: dt.datetime = NOW, kept: int = 1100,
        **words: Any) -> analytics.Answer:  # noqa: ANN401  # fmt: skip
    days = [f"2026-11-{first:02d}", f"2026-11-{last:02d}"]
    query = analytics.read({"site": "shop", "date_range": days, **words})
    return analytics.ask(reader.rows, query, clock=lambda: now, k=10, retention_days=kept)


def states(line: analytics.Line) -> list[str]:
    return [cell.state for cell in line.cells]


def test_zero_only_where_everything_is_shown(reader: Reader) -> None:
    page: dict[str, Any] = {
        "metrics": ["pageviews", "visitors"],
        "filters": [["is", "page", ["/none"]]],
    }
    assert states(ask(reader, 20, 20, **page).totals) == ["zero", "zero"]
    assert [cell.number for cell in ask(reader, 20, 20, **page).totals.cells] == [0, 0]
    for first, last in ((21, 21), (20, 21), (22, 22), (20, 22)):
        found = ask(reader, first, last, **page).totals
        assert states(found) == ["withheld", "withheld"], (first, last)
        assert [cell.number for cell in found.cells] == [None, None]


def test_a_value_that_was_asked_for_has_a_row_that_says_so(reader: Reader) -> None:
    words: dict[str, Any] = {"metrics": ["pageviews"], "dimensions": ["page"],
             "filters": [["is", "page", ["/", "/none"]]]}  # fmt: skip
    assert [(line.dimensions, states(line)) for line in ask(reader, 20, 20, **words).lines] == [
        (("/",), ["value"]),
        (("/none",), ["zero"]),
    ]
    assert states(ask(reader, 21, 21, **words).lines[1]) == ["withheld"]


def test_a_day_of_which_nothing_could_be_shown_is_withheld(reader: Reader) -> None:
    found = ask(reader, 20, 22, metrics=["visitors", "hits"], dimensions=["time:day"])
    assert [states(line)[0] for line in found.lines] == ["value", "value", "withheld"]


def test_days_and_hours_that_have_not_been_released(reader: Reader) -> None:
    found = ask(reader, 28, 29, metrics=["visitors", "pageviews"], dimensions=["time:day"])
    assert [states(line) for line in found.lines] == [
        ["value", "value"],
        ["not_yet_closed", "value"],  # hours add up to views, and not to visitors
    ]
    hours = ask(reader, 29, 29, metrics=["visitors"], dimensions=["time:hour"]).lines
    assert [states(line)[0] for line in hours] == ["value"] * 10 + ["not_yet_closed"] * 14
    visits = ask(reader, 29, 29, metrics=["visits"]).totals
    assert states(visits) == ["not_yet_closed"]


def test_hours_still_to_come_are_not_withheld_where_their_day_was_released(reader: Reader) -> None:
    """An ingest that has ended closes its day, and the day goes on all the same."""
    noon = at(28, 12) + dt.timedelta(minutes=30)
    hours = ask(reader, 28, 28, metrics=["visitors"], dimensions=["time:hour"], now=noon).lines
    assert [states(line)[0] for line in hours] == ["withheld"] * 12 + ["not_yet_closed"] * 12


def test_a_silent_site_is_not_open_for_ever(reader: Reader) -> None:
    """Two days after a day's end whatever could be released of it has been."""
    later = NOW + dt.timedelta(days=9)
    found = ask(reader, 28, 30, metrics=["visitors"], dimensions=["time:day"], now=later)
    assert [states(line)[0] for line in found.lines] == ["value", "withheld", "withheld"]


def test_what_retention_took_is_expired_and_what_came_late_is_there(reader: Reader) -> None:
    found = ask(reader, 19, 21, metrics=["visitors"], dimensions=["time:day"], kept=7)
    assert [states(line)[0] for line in found.lines] == ["expired", "value", "value"]
    assert any("past their retention" in note for note in found.notes)


def test_metrics_of_visits_are_withheld_where_less_than_half_is_told(reader: Reader) -> None:
    words: dict[str, Any] = {
        "metrics": ["pageviews", "visits", "bounce_rate"],
        "dimensions": ["page"],
    }
    found = {line.dimensions[0]: states(line) for line in ask(reader, 20, 21, **words).lines}
    assert found["/"] == ["value", "value", "value"]
    assert found["/a"] == ["value", "withheld", "withheld"]


def test_numbers_over_days_are_called_what_they_are(reader: Reader) -> None:
    several = ask(reader, 20, 21, metrics=["visitors"])
    assert any("visitor_days" in note for note in several.notes)
    assert not any("visitor_days" in note for note in ask(reader, 20, 20).notes)
    by_name = ask(reader, 20, 21, metrics=["visitor_days"])
    assert by_name.metrics == ("visitor_days",)
    assert by_name.totals.cells == several.totals.cells


def test_visitors_of_rows_are_not_added_up(reader: Reader) -> None:
    """A visitor of two pages is one visitor of the site, and would be two of the pages."""
    grouped = ask(reader, 20, 20, metrics=["visitors"], dimensions=["page"])
    assert [line.cells[0].number for line in grouped.lines] == [15, 11]
    assert grouped.totals.cells[0].number == 20
    some = ask(
        reader, 20, 20, metrics=["visitors"], dimensions=["page"],
        filters=[["is", "page", ["/", "/a"]]],
    )  # fmt: skip
    assert some.totals.cells[0] == (None, "withheld", None)
    assert any("cannot be added up" in note for note in some.notes)


def test_other_is_a_row_and_says_what_it_is(reader: Reader) -> None:
    found = ask(reader, 21, 21, metrics=["pageviews"], dimensions=["page"])
    assert found.lines[-1].dimensions == ("(other)",)
    assert any(note.startswith("(other) adds up what fewer than 10") for note in found.notes)
    assert not any("(other)" in note for note in ask(reader, 20, 20, dimensions=["page"]).notes)


def test_k_of_one_is_called_not_anonymous(reader: Reader) -> None:
    query = analytics.read({"site": "shop"})
    found = analytics.ask(reader.rows, query, clock=lambda: NOW, k=1, retention_days=10)
    assert found.notes[0].startswith("not anonymous")


def test_all_is_from_the_first_day_to_the_last(reader: Reader) -> None:
    query = analytics.read({"site": "shop", "date_range": "all"})
    found = analytics.ask(reader.rows, query, clock=lambda: NOW, k=10, retention_days=10)
    assert found.document()["date_range"] == ["2026-11-20", "2026-11-29"]


def test_a_site_without_numbers_has_none(reader: Reader) -> None:
    query = analytics.read({"site": "nobody", "dimensions": ["page"], "date_range": "all"})
    found = analytics.ask(reader.rows, query, clock=lambda: NOW, k=10, retention_days=10)
    assert found.lines == ()
    assert states(found.totals) == ["not_yet_closed", "not_yet_closed"]
    assert found.notes[0].startswith("nothing has been released of this site")
    assert "nothing has been" not in " ".join(ask(reader, 20, 20).notes)


def test_days_without_numbers_say_which_have_some(reader: Reader) -> None:
    said = "of this site there are days from 2026-11-20 to 2026-11-29"
    assert ask(reader, 10, 19).notes[0].startswith(said)
    for first, last in ((10, 20), (22, 25), (29, 29)):
        assert not any(said in note for note in ask(reader, first, last).notes)


def test_of_moves_nothing_is_known_to_be_none(reader: Reader) -> None:
    """What is left of a page's moves is not released, so no (other) does not mean none."""
    words: dict[str, Any] = {"metrics": ["moves"], "dimensions": ["page", "next_page"],
                             "filters": [["is", "page", ["/"]]]}  # fmt: skip
    found = ask(reader, 20, 20, **words)
    assert found.lines == ()
    assert states(found.totals) == ["withheld"]
    assert any("nothing is shown by itself" in note for note in found.notes)
