"""A scope is data: what was approved and what is enforced are the same bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.scope import FIELDS, Scope, Selectors, checked, read

HOUR = 3600
WIDE = checked(
    Scope(("shop", "chat"), 0, 99 * HOUR, Selectors(networks=("192.0.2.0/24", "2001:db8::/32")))
)


def test_a_scope_is_read_from_its_canonical_bytes_alone() -> None:
    assert read(WIDE.canonical()) == WIDE
    with pytest.raises(UsageError):
        read(WIDE.canonical().replace(b'{"fields"', b'{ "fields"'))
    with pytest.raises(UsageError):
        read(b"[]")


def test_spellings_of_one_address_are_one_scope() -> None:
    spelled = [
        checked(Scope(("a",), 0, 1, Selectors(addresses=(text,))))
        for text in ("192.0.2.7", "::ffff:192.0.2.7")
    ]
    assert spelled[0].digest() == spelled[1].digest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sites": ()},
        {"first": 2, "last": 1},
        {"first": -1},
        {"fields": ("shoe_size",)},
        {"fields": ()},
        {"most_records": 0},
        {"selectors": Selectors()},
        {"selectors": Selectors(addresses=("shop.example",))},
        {"selectors": Selectors(networks=("192.0.2.0/99",))},
        {"selectors": Selectors(pseudonyms=("12",))},
        {"selectors": Selectors(agents=("",))},
    ],
)
def test_a_scope_without_bounds_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="scope: "):
        checked(replace(WIDE, **wrong))  # type: ignore[arg-type]


def test_nothing_of_a_person_shows_in_a_repr_or_an_error() -> None:
    scope = Scope(("a",), 0, 1, Selectors(addresses=("192.0.2.77 ",), agents=("secret",)))
    assert "192.0.2" not in repr(scope)
    with pytest.raises(UsageError) as caught:
        checked(scope)
    assert "192.0.2" not in str(caught.value)


def test_a_batch_is_touched_where_a_site_and_its_hours_are() -> None:
    scope = checked(Scope(("shop",), 5 * HOUR + 7, 6 * HOUR, Selectors(chats=("c",))))
    assert scope.touches({"shop": (5 * HOUR, 5 * HOUR)}, ())
    assert scope.touches({"shop": (6 * HOUR, 9 * HOUR)}, ())
    assert not scope.touches({"shop": (7 * HOUR, 9 * HOUR)}, ())
    assert not scope.touches({"shop": (0, 4 * HOUR)}, ("shop",))
    assert not scope.touches({"chat": (5 * HOUR, 5 * HOUR)}, ())
    assert replace(scope, untimed=True).touches({}, ("shop",))


@pytest.mark.parametrize(
    ("narrow", "inside"),
    [
        ({}, True),
        ({"sites": ("shop",)}, True),
        ({"sites": ("blog",)}, False),
        ({"last": 98 * HOUR}, True),
        ({"last": 100 * HOUR}, False),
        ({"fields": FIELDS[:3]}, True),
        ({"untimed": True}, False),
        ({"most_records": 10_001}, False),
        ({"selectors": Selectors(addresses=("192.0.2.9", "2001:db8::1"))}, True),
        ({"selectors": Selectors(addresses=("198.51.100.1",))}, False),
        ({"selectors": Selectors(networks=("192.0.2.128/25",), agents=("x",))}, True),
        ({"selectors": Selectors(networks=("192.0.0.0/16",))}, False),
        ({"selectors": Selectors(agents=("x",))}, False),
        ({"selectors": Selectors(addresses=("192.0.2.9",), chats=("c",))}, False),
    ],
)
def test_a_narrower_scope_is_within_and_a_wider_is_not(
    narrow: dict[str, object], inside: bool
) -> None:
    assert checked(replace(WIDE, **narrow)).within(WIDE) is inside  # type: ignore[arg-type]


ADDRESSES = st.lists(st.ip_addresses().map(str), max_size=3).map(tuple)
TEXTS = st.lists(st.text(min_size=1, max_size=5), max_size=2).map(tuple)
SCOPES = st.builds(
    Scope,
    sites=st.sets(st.sampled_from("abc"), min_size=1).map(tuple),
    first=st.integers(0, 50),
    last=st.integers(50, 100),
    selectors=st.builds(Selectors, addresses=ADDRESSES, agents=TEXTS, chats=TEXTS).filter(bool),
).map(checked)


@given(SCOPES, SCOPES, SCOPES)
def test_being_within_is_an_order(one: Scope, two: Scope, three: Scope) -> None:
    assert one.within(one)
    assert read(one.canonical()) == one
    if one.within(two) and two.within(three):
        assert one.within(three)
    if one.within(two) and two.within(one):
        assert one == two
