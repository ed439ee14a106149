"""An entry's bytes are one for each entry, and hold no address."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit.entry import MOST_BYTES, OUTCOMES, Entry, decode, encode
from pipeline.errors import IntegrityError, UsageError
from tests.unit.audit.logs import NOON

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
FACT = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    WORD.map(lambda text: f"_{text}"),
    st.lists(WORD.map(lambda text: f"_{text}"), max_size=3),
)
ENTRIES = st.builds(
    Entry,
    time=st.integers(0, 7 * 10**15).map(lambda at: EPOCH + dt.timedelta(microseconds=at)),
    actor=WORD.map(lambda text: f"a{text}"),
    act=st.sampled_from(["login", "case.approve", "keys.release"]),
    outcome=st.sampled_from(OUTCOMES),
    case=st.none() | WORD.map(lambda text: f"C{text}"),
    facts=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), FACT, max_size=4),
    sealed=st.none() | st.binary(max_size=40),
)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_went(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_the_bytes_are_these() -> None:
    """The layout that docs/audit.md describes."""
    made = Entry(
        NOON, "approver", "case.approve", "allowed", "C7", {"second": 2, "first": "x"}, b"\1"
    )
    assert encode(made) == (
        b'{"act":"case.approve","actor":"approver","case":"C7","facts":{"first":"x","second":2},'
        b'"outcome":"allowed","sealed":"AQ==","time":"2026-03-10T12:00:00.000000Z","v":1}'
    )
    assert encode(Entry(NOON, "clock", "keys.destroy", "done")) == (
        b'{"act":"keys.destroy","actor":"clock","outcome":"done",'
        b'"time":"2026-03-10T12:00:00.000000Z","v":1}'
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"n": "192.0.2.7"},
        {"n": "2001:db8::1"},
        {"n": "192.0.2.0/24"},
        {"n": ["site", "198.51.100.1"]},
        {"n": 1.5},
        {"n": math.nan},
        {"n": 2**63},
        {"n": "two\nlines"},
        {"n": b"bytes"},
        {"n": {"deep": 1}},
        {"Big": 1},
        {"": 1},
    ],
)
def test_facts_that_must_not_stand_open_are_refused(facts: Mapping[str, Any]) -> None:
    """An address least of all; and the message does not repeat it."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- several texts
        encode(Entry(NOON, "investigator", "search", "allowed", facts=facts))
    assert "192.0.2" not in str(caught.value)
    assert "2001:db8" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": NOON.replace(tzinfo=None)},
        {"time": NOON.astimezone(dt.timezone(dt.timedelta(hours=1)))},
        {"actor": " "},
        {"actor": "a\nb"},
        {"act": "Case.Approve"},
        {"act": "case..approve"},
        {"outcome": "maybe"},
        {"case": ""},
    ],
)
def test_an_entry_that_says_too_little_is_refused(wrong: Mapping[str, Any]) -> None:
    good = {"time": NOON, "actor": "keys", "act": "keys.release", "outcome": "allowed"}
    with pytest.raises(ValueError, match="audit entry"):
        encode(Entry(**{**good, **wrong}))


def test_the_longest_entry_is_what_two_bytes_can_say() -> None:
    """65,535 bytes pass, one more does not, and the message says only how many."""
    bare = len(encode(Entry(NOON, "keys", "keys.release", "done", facts={"n": "_"}))) - 1
    longest = Entry(NOON, "keys", "keys.release", "done", facts={"n": "x" * (MOST_BYTES - bare)})
    assert len(encode(longest)) == MOST_BYTES
    with pytest.raises(UsageError, match="65,536 bytes") as caught:
        encode(
            Entry(NOON, "keys", "keys.release", "done", facts={"n": "x" * (MOST_BYTES - bare + 1)})
        )
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"null",
        b"[]",
        b'{"act":"login"}',
        b'{"act":"login","actor":"a","outcome":"done","time":"2026-03-10T12:00:00.000000Z","v":2}',
        b'{"actor":"a","act":"login","outcome":"done","time":"2026-03-10T12:00:00.000000Z","v":1}',
        b'{"act":"login","actor":"a","outcome":"done","time":"2026-03-10T12:00:00Z","v":1}',
        b'{"act":"login","actor":"a","more":1,"outcome":"done",'
        b'"time":"2026-03-10T12:00:00.000000Z","v":1}',
        b'{"act":"login","actor":"a","outcome":"done","time":5,"v":1}',
        b'{"act":"login","actor":"a","facts":[],"outcome":"done",'
        b'"time":"2026-03-10T12:00:00.000000Z","v":1}',
        b'{"act":7,"actor":"a","outcome":"done","time":"2026-03-10T12:00:00.000000Z","v":1}',
    ],
)
def test_bytes_that_no_entry_has_are_refused(leaf: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode(leaf)


@given(st.binary(max_size=80))
def test_any_bytes_are_an_entry_or_refused(leaf: bytes) -> None:
    try:
        entry = decode(leaf)
    except IntegrityError:
        return
    assert encode(entry) == leaf
