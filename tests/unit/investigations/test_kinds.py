"""Every kind of selector is enforced, and known wherever one is written down.

Whoever adds a kind to ``Selectors`` is told here of each place that has to know it: one that only
some know is a scope that says less than was approved.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

import polars as pl
import pytest

from pipeline.cli import scoping
from pipeline.investigations.narrowing import Question, narrowed
from pipeline.investigations.predicate import matching
from pipeline.investigations.records import RECORDS
from pipeline.investigations.search import tokenised
from pipeline.scope import BY_ADDRESS, NARROWING, WHO, Scope, Selectors, checked, read
from pipeline.web.pages import asking

ALL: Final = tuple(one.name for one in fields(Selectors))
WHOLE: Final = Scope(("shop",), 0, 99, Selectors(networks=("0.0.0.0/0", "::/0")))

RECORD: Final = {
    "site": "shop", "time": 50, "policy": 1, "address": "192.0.2.7", "agent": "A", "chat": "c",
    "target": "/login?next=1", "pseudonym": 0xABC,
}  # fmt: skip

EXAMPLES: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "addresses": ("192.0.2.7", {"address": "192.0.2.8"}),
    "networks": ("192.0.2.0/29", {"address": "192.0.2.8"}),
    "pseudonyms": ("0000000000000abc", {"pseudonym": 0xABD}),
    "chats": ("c", {"chat": None}),
    "agents": ("A", {"agent": "a"}),
    "paths": ("/login", {"target": "/"}),
}
"""Kind → a value that RECORD meets, and in what another record differs that does not meet it."""

ASKED_BY: Final = {
    "addresses": "address", "networks": "address", "chats": "chat", "agents": "agent",
    "paths": "target", "pseudonyms": None,
}  # fmt: skip
"""Kind → the field that a question by it tells of. Of a pseudonym no field is shown."""


def by(kind: str) -> Selectors:
    """Select by one value of a kind."""
    return Selectors(**{kind: (EXAMPLES[kind][0],)})


def records(*rows: dict[str, object]) -> pl.DataFrame:
    """Return records of these values, with their pseudonyms beside them."""
    schema = {name: RECORDS[name] for name in RECORD if name in RECORDS}
    return pl.DataFrame(list(rows), schema={**schema, "pseudonym": pl.UInt64})


def visitors(found: pl.DataFrame) -> pl.Series:
    """Return the pseudonyms that stand beside the records."""
    return found["pseudonym"]


def test_a_kind_says_who_or_what_was_done() -> None:
    assert sorted(ALL) == sorted(WHO + NARROWING)
    assert set(BY_ADDRESS) < set(WHO)


@pytest.mark.parametrize("kind", ALL)
def test_a_scope_keeps_what_it_selects_by(kind: str) -> None:
    scope = checked(replace(WHOLE, selectors=by(kind)))
    assert scope.selectors == by(kind)
    assert read(scope.canonical()) == scope


@pytest.mark.parametrize("kind", ALL)
def test_a_record_outside_a_selector_is_not_found(kind: str) -> None:
    _, other = EXAMPLES[kind]
    scope = checked(replace(WHOLE, selectors=by(kind)))
    found = matching(records(RECORD, {**RECORD, **other}), scope, 0, visitors)
    assert found.to_dicts() == [RECORD]


@pytest.mark.parametrize("kind", ALL)
def test_one_selector_more_is_wider_of_somebody_and_narrower_of_what_was_done(kind: str) -> None:
    before = checked(replace(WHOLE, selectors=Selectors(addresses=("198.51.100.1",))))
    more = replace(before.selectors, **{kind: getattr(by(kind), kind)})
    if kind == "addresses":
        more = replace(more, addresses=(*before.selectors.addresses, *more.addresses))
    after = checked(replace(before, selectors=more))
    assert after.within(before) is (kind in NARROWING)
    assert before.within(after) is (kind in WHO)


@pytest.mark.parametrize("kind", ALL)
def test_a_question_is_by_what_the_scope_shows(kind: str) -> None:
    """Otherwise whoever tries values one by one reads a field that is not shown."""
    told = ASKED_BY[kind]
    other = Selectors(paths=("/*",)) if kind != "paths" else Selectors(agents=("A",))
    scope = checked(replace(WHOLE, selectors=other, fields=("time",)))
    question = Question(selectors=by(kind))
    assert (narrowed(scope, question) is None) is (told is not None)
    if told is not None:
        shown = replace(scope, fields=("time", told))
        assert narrowed(shown, question) is not None


@pytest.mark.parametrize("kind", ALL)
def test_a_question_keeps_what_the_scope_says_and_it_does_not(kind: str) -> None:
    scope = checked(replace(WHOLE, selectors=by(kind)))
    asked = Selectors(agents=("B",)) if kind != "agents" else Selectors(paths=("/x",))
    part = narrowed(scope, Question(selectors=asked))
    assert part is not None
    assert getattr(part.selectors, kind) == getattr(scope.selectors, kind)


@pytest.mark.parametrize("kind", WHO)
def test_only_addresses_are_looked_up_by_token(kind: str) -> None:
    """A record of anybody else is found by opening all there are."""
    scope = checked(replace(WHOLE, selectors=replace(by(kind), addresses=("192.0.2.7",))))
    assert (tokenised(scope) is not None) is (kind in BY_ADDRESS)


def test_the_command_line_and_the_pages_offer_each_kind() -> None:
    assert sorted(scoping._KINDS.values()) == sorted(ALL)
    assert sorted(kind for kind, _, _ in asking.KINDS) == sorted(ALL)
    assert set(ALL) <= {one.name for one in fields(asking.Filled)}
