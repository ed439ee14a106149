"""What becomes of a widget's line: one event of its own site, as coarse as its schema says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import events
from pipeline.labels import WIDGET_SUFFIX
from pipeline.restricted.judge import EVENT, IGNORED, REASONS, REJECTED
from pipeline.restricted.scrub import load_scrubber
from pipeline.restricted.widget import coarsen, schema
from tests.golden.formats import FILES, read
from tests.support import door
from tests.unit.restricted.test_geo import write
from tests.unit.restricted.widget.envelopes import (
    AGENT,
    HEADERS,
    RECEIVED,
    batch,
    crossed,
    event_of,
    said,
    wrapped,
)

GOLDEN: Final = read(next(file for file in FILES if file.parent.name == "widget"))["lines"]
SPLITTER = door.splitter()
SCRUBBER = load_scrubber()
WEB = '192.0.2.7 - - [14/Jan/2027:10:01:30 +0000] "GET /help HTTP/1.1" 200 7 "-" "{}"'


def test_each_event_has_its_line() -> None:
    names = {json.loads(golden["line"])["event"]["event"] for golden in GOLDEN}
    assert names >= {event.name for event in schema.load().events}


def test_page_views_and_widget_events_never_stand_under_one_name() -> None:
    """Whatever a header says, the name follows from the format of the line."""
    headers = [[("site", b"shop"), ("format", b"combined")], HEADERS, [("site", b"shop.widget")],
               [("site", b"shop.widget"), ("format", b"widget")],
               [("site", b"s" * 64), ("format", b"widget")]]  # fmt: skip
    web, event = WEB.format(AGENT).encode(), wrapped(said("opened")).encode()
    made = door.messages([web, event, web, event, event], headers)
    crossing = door.carry(SPLITTER, made)
    assert crossing.outcomes == {
        ("shop", EVENT, ""): 1,
        ("shop.widget", EVENT, ""): 1,
        ("default", REJECTED, "unknown_label"): 2,
        ("s" * 64, REJECTED, "unknown_label"): 1,
    }
    rows = door.rows(crossing)
    assert dict(zip(rows["site"], rows["event"], strict=True)) == {
        "shop": "request",
        "shop.widget": "opened",
    }


def test_a_widget_line_is_told_by_itself_where_the_format_is_to_be_found_out() -> None:
    made = door.messages([wrapped(said("opened")).encode()], [[("format", b"auto")]])
    assert door.carry(SPLITTER, made).outcomes == {("default.widget", EVENT, ""): 1}


def test_a_visitor_of_the_widget_is_not_linked_to_the_visitor_of_the_site() -> None:
    """Pseudonyms are of a site, and the widget's is another."""
    made = door.messages(
        [WEB.format(AGENT).encode(), wrapped(said("opened")).encode()],
        [[("site", b"shop"), ("format", b"combined")], HEADERS],
    )
    assert door.rows(door.carry(SPLITTER, made))["visitor"].n_unique() == 2


def test_a_referrer_on_the_site_itself_is_internal() -> None:
    own = door.splitter(own_hosts={"shop": ["help.example.org"]})
    page = "https://www.shop.example.com/a"
    for referrer in ("https://shop.example.com/b", "https://help.example.org/"):
        assert event_of(wrapped(said("opened", page=page, referrer=referrer)), own)["referrer"] == (
            "(internal)"
        )


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (RECEIVED - 1_500, 1_799_920_888),
        (RECEIVED - 86_400_000, 1_799_834_490),
        (RECEIVED - 86_401_000, 1_799_920_890),
        (RECEIVED + 1_000, 1_799_920_890),
        (0, 1_799_920_890),
        (-(2**62), 1_799_920_890),
        ("2027-01-14T10:01:25Z", 1_799_920_885),
        ("2027-01-14T12:01:25.5+02:00", 1_799_920_885),
        ("14 January", 1_799_920_890),
        (None, 1_799_920_890),
    ],
)
def test_the_clients_clock_is_believed_for_a_day_back(time: object, seconds: int) -> None:
    assert event_of(wrapped(said("opened", time=time)), SPLITTER)["time"] == seconds


def test_where_no_pseudonym_is_wanted_nobody_is_told_apart() -> None:
    """All such events of a site and day count for one visitor, and say nothing of the client."""
    other = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile/15E148"
    lines = [
        wrapped(said("opened"), privacy="no-pseudonym"),
        wrapped(said("rated", rating=1), privacy="no-pseudonym", address="192.0.2.8", agent=other),
        wrapped(said("opened"), privacy="no-pseudonym", agent="curl/8.5.0"),
        wrapped(said("opened")),
    ]
    rows = door.rows(crossed(lines, SPLITTER))
    assert rows["visitor"].n_unique() == 2
    assert rows["visitor"][:3].n_unique() == 1
    assert rows["audience"].to_list() == ["human", "human", "bot", "human"]
    for name in ("browser", "browser_version", "system", "device"):
        assert rows[name].to_list()[:2] == ["(unknown)"] * 2
        assert rows[name][3] != "(unknown)"
    again = crossed([wrapped(said("opened"), privacy="no-pseudonym", address="::1")], SPLITTER)
    assert door.rows(again)["visitor"][0] == rows["visitor"][0]


def test_of_nobody_no_place_is_told(tmp_path: Path) -> None:
    record: dict[str, object] = {"country_code": "DE", "state1": "Berlin", "city": "Berlin"}
    path = write(tmp_path / "cities.mmdb", {"192.0.2.0/24": record})
    splitter = door.splitter(mmdb_country=path, places="city")
    lines = [wrapped(said("opened"), privacy="no-pseudonym"), wrapped(said("opened"))]
    nobody, somebody = door.rows(crossed(lines, splitter)).to_dicts()
    assert (nobody["country"], nobody["place"]) == ("(unknown)", "(unknown)")
    assert (somebody["country"], somebody["place"]) == ("DE", "Berlin, Berlin, DE")


def test_who_is_not_to_be_counted_is_not() -> None:
    crossing = crossed([wrapped(said("opened"), privacy="drop")], SPLITTER)
    assert crossing.outcomes == {("shop.widget", IGNORED, "opted_out"): 1}
    assert door.rows(crossing).is_empty()


def test_a_day_whose_key_is_gone_is_too_late_for_a_widget_too() -> None:
    crossing = door.carry(SPLITTER, batch([wrapped(said("opened"))]), keys=lambda *_: None)
    assert crossing.outcomes == {("shop.widget", IGNORED, "too_late"): 1}


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_url = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://shop.example.com/", "http://x@y:8/", "//", "/", "data:", ""]),
    _text,
    st.sampled_from(["", "?q=alice@example.com", "#bob", "/alice@example.com"]),
)
_properties = sorted({name for event in schema.load().events for name in event.shapes})
_event = st.dictionaries(
    st.sampled_from([*_properties, "v", "event", "else"]), _json | _text | _url, max_size=4
).flatmap(
    lambda given: st.builds(
        lambda name, extra: said(name, **extra) | given,
        st.sampled_from(sorted({event.name for event in schema.load().events})),
        st.sampled_from([{}, {"by": "agent"}, {"rating": 3}, {"code": "network"}]),
    )
)
_line = st.one_of(
    _event.map(wrapped),
    _event.map(json.dumps),
    _json.map(wrapped),
    st.builds(lambda event, name, value: wrapped(event, **{name: value}), _event,
              st.sampled_from(["received", "address", "agent", "privacy"]), _json),
    _json.map(json.dumps),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.lists(_line, min_size=1, max_size=5))
def test_any_object_is_an_event_of_closed_lists_or_a_sealed_reject(lines: list[str]) -> None:
    crossing = crossed([line.replace("\n", " ") for line in lines], SPLITTER)
    assert sum(crossing.outcomes.values()) == len(lines)
    assert all((r in REASONS) == (o != EVENT) for _, o, r in crossing.outcomes)
    assert crossing.sealed
    rows = door.rows(crossing)
    assert not any(rows.null_count().row(0))
    names = {event.name for event in schema.load().events} - {"message_sent"}
    told = {*names, "message_by_visitor", "message_by_agent"}
    for row in rows.to_dicts():
        assert row["site"].endswith(WIDGET_SUFFIX)
        assert row["event"] in told
        for name, allowed in coarsen.values().items():
            value = row[name]
            if isinstance(allowed, frozenset):
                assert value in allowed
            else:
                assert allowed.fullmatch(value)
        page = row["page"]
        assert page == "(none)" or SCRUBBER.page(page) == page
        assert re.fullmatch(r"\([a-z]+\)|[a-z0-9_.-]+", row["referrer"])
        assert row["audience"] in {"human", "bot"}


def test_a_widgets_lines_leave_a_web_servers_as_they_are() -> None:
    """In one batch or apart, each becomes the same."""
    made = door.messages(
        [WEB.format(AGENT).encode(), wrapped(said("opened", locale="fr")).encode()] * 3,
        [[("site", b"shop"), ("format", b"combined")], HEADERS] * 3,
    )
    together = door.rows(door.carry(SPLITTER, made))
    apart = [
        door.rows(door.carry(SPLITTER, door.messages([value], [headers], first=at)))
        for at, (value, headers) in enumerate(zip(made.values, made.headers, strict=True))
    ]
    assert together.equals(pl.concat(apart).sort("offset"))
    assert together.columns == list(events.SCHEMA)
