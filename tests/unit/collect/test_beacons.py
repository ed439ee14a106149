"""Bodies into events and events into lines, for whatever is sent."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.beacons import NO_PSEUDONYM, NOBODY, Beacon, Sender, parse, wrap
from pipeline.collect.refusals import RefusedError
from pipeline.settings import Collect

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
MESSAGE = 1024 * 1024


@given(body=st.binary(max_size=300))
def test_any_bytes_give_events_or_the_one_error(body: bytes) -> None:
    reason = None
    try:
        reason = parse(body, 100).events and "events"
    except RefusedError as error:
        reason = error.reason
    assert reason in {"events", "malformed", "too_many_events"}


@given(
    events=st.lists(JSON, min_size=1, max_size=20), privacy=st.sampled_from([None, NO_PSEUDONYM])
)
def test_a_line_holds_its_event_and_no_newline(events: list[Any], privacy: str | None) -> None:
    beacon = parse(orjson.dumps({"events": events}), 100)
    lines = wrap(beacon, Sender("192.0.2.7", "Browser/1"), 1_800_000_000_000, privacy).split(b"\n")
    assert [orjson.loads(line)["event"] for line in lines] == events
    assert {orjson.loads(line)["privacy"] for line in lines} == {privacy}


def test_what_is_said_beside_the_events() -> None:
    beacon = parse(b'{"site":"shop","batch":"1-2","events":[{}]}', 100)
    assert (beacon.site, beacon.batch) == ("shop", "1-2")
    for body in (b'{"site":7,"batch":[],"events":[{}]}', b'{"batch":"","events":[{}]}'):
        beacon = parse(body, 100)
        assert (beacon.site, beacon.batch) == (None, None)
    assert parse(orjson.dumps({"batch": "x" * 65, "events": [{}]}), 100).batch is None


def test_half_a_surrogate_costs_itself_and_nothing_else() -> None:
    [one, two] = parse(rb'[{"t":"a\ud83d"},{"t":"\ud83d\ude00 \u00e9"}]', 100).events
    assert (one, two) == ({"t": "a?"}, {"t": "\U0001f600 é"})


@pytest.mark.parametrize("number", ["1e15", "1", '"\\u0001"', '"é"', "0.1", "null"])
def test_the_largest_request_fits_into_a_message(number: str) -> None:
    """Whatever is repeated to fill it, and whatever headers come with it."""
    limits = Collect()
    room = limits.max_body_bytes // limits.max_events - 3
    event = "[" + ",".join([number] * (room // (len(number.encode()) + 1))) + "]"
    body = ("[" + ",".join([event] * limits.max_events) + "]").encode()
    assert limits.max_body_bytes * 0.9 < len(body) <= limits.max_body_bytes
    header = '"' * 8190
    line = wrap(
        parse(body, limits.max_events), Sender("192.0.2.7", header, header, header), 1, None
    )
    assert len(line) < MESSAGE * 0.95


def test_who_is_nobody_is_not_told_by_any_field() -> None:
    line = orjson.loads(wrap(Beacon([{}]), Sender(), 1, NO_PSEUDONYM))
    assert line == {
        "received": 1, "address": NOBODY, "agent": None, "forwarded_for": None, "forwarded": None,
        "privacy": NO_PSEUDONYM, "event": {},
    }  # fmt: skip


def test_nothing_of_a_request_is_in_a_repr() -> None:
    assert "Quilvantor" not in repr(Beacon([{"t": "Quilvantor"}]))
    assert "Quilvantor" not in repr(Sender("Quilvantor", "Quilvantor", "Quilvantor", "Quilvantor"))


def test_a_header_of_any_bytes_is_cut_to_text() -> None:
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    line = orjson.loads(wrap(Beacon([{}]), Sender("192.0.2.7", odd + "é" * 2000), 1, None))
    assert line["agent"].startswith("??é")
    assert len(line["agent"].encode()) <= 1024
