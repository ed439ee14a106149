"""Who may do what with a case in which state: every combination, against a table of its own."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

import pytest

from pipeline.cases.life import Case, State
from pipeline.cases.matrix import Act, why_not
from pipeline.cases.people import Person, Role

CASE: Final = Case(
    id="C-1", requester="requester", team="abuse", category="abuse", policy=1, made=0,
    stored=State.DRAFT, reason="", reference="", scope=None, asked=None, emergency=False,
    opened=None, expires=None, ended=None, due=None, ratify_by=None, ratified=None, read=0,
)  # fmt: skip

# Lines: act, then who may do it in which states. `me` is the requester, `2nd` somebody else of
# another team, `any` everybody of the role, a teammate too; i investigator, a approver, p privacy
# officer, u auditor. What is not here is not allowed.
ALLOWED: Final = """
draft      any i: none
draft      any p: none
request    me i: draft denied
request    me p: draft denied
emergency  me i: draft
approve    2nd a: requested open
deny       2nd a: requested open
ratify     2nd a: open closed expired
show       me i: draft requested denied open closed expired purged
show       any a: draft requested denied open closed expired purged
show       any p: draft requested denied open closed expired purged
show       any u: draft requested denied open closed expired purged
search     me i: open
search     me p: open
read       me i: open
read       me p: open
reveal     me i: open
reveal     me p: open
note       me i: open closed expired
note       me p: open closed expired
finding    me i: open closed expired
finding    me p: open closed expired
export     me i: open
export     me p: open
disclose   me i: open closed expired
disclose   me p: open closed expired
extend     me i: open
extend     me p: open
widen      me i: open
widen      me p: open
hold       me i: open
hold       me p: open
release    any p: open closed expired
agree      any a: open closed expired
erase      me p: open
answer     me p: open
correct    me p: open closed expired
close      me i: draft requested denied open
close      me p: draft requested denied open
close      any a: open
close      any p: requested open
purge      any p: denied closed expired purged
"""
LETTERS: Final = {
    "i": Role.INVESTIGATOR, "a": Role.APPROVER, "p": Role.PRIVACY_OFFICER, "u": Role.AUDITOR,
}  # fmt: skip


def table() -> set[tuple[str, str, Role, str]]:
    """Return (act, relation, role, state) for all that is allowed; relations are spelt out."""
    found = set()
    for line in ALLOWED.strip().splitlines():
        head, _, states = line.partition(":")
        act, who, letter = head.split()
        relations = {"me": ["me"], "2nd": ["2nd"], "any": ["me", "mate", "2nd"]}[who]
        for relation, state in itertools.product(relations, states.split()):
            found.add((act, relation, LETTERS[letter], state))
    return found


PEOPLE: Final = {
    "me": ("requester", "abuse"),
    "mate": ("colleague", "abuse"),
    "2nd": ("somebody-else", "legal"),
}
STATES: Final = ["none", *(state.value for state in State)]


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (State.DRAFT, "ask for approval"),
        (State.REQUESTED, "a second person decides first"),
        (State.DENIED, "ask for approval"),
        (State.CLOSED, "open a new case"),
        (State.PURGED, "open a new case"),
    ],
)
def test_whoever_cannot_look_hears_what_leads_to_it(state: State, way: str) -> None:
    """Asking for approval of what is over, or waits for it already, would lead nowhere."""
    me = Person("requester", frozenset({Role.INVESTIGATOR}), "abuse")
    assert way in (why_not(me, Act.SEARCH, replace(CASE, stored=state), 0) or "")


def test_nothing_is_allowed_that_the_table_does_not_allow() -> None:
    """Each set of roles, with each relation to the case, for each act, in each state."""
    allowed = table()
    looked_at = 0
    for count in range(len(Role) + 1):
        for roles in itertools.combinations(Role, count):
            for (relation, (name, team)), act, state in itertools.product(
                PEOPLE.items(), Act, STATES
            ):
                person = Person(name, frozenset(roles), team)
                case = None if state == "none" else replace(CASE, stored=State(state))
                expected = any((act.value, relation, role, state) in allowed for role in roles)
                why = why_not(person, act, case, 0)
                assert (why is None) is expected, (act, relation, roles, state, why)
                looked_at += 1
    assert looked_at == 16 * 3 * len(Act) * 8


def test_an_open_case_is_expired_once_its_time_is_over() -> None:
    case = replace(CASE, stored=State.OPEN, expires=100)
    me = Person("requester", frozenset({Role.INVESTIGATOR}), "abuse")
    assert why_not(me, Act.SEARCH, case, 99) is None
    assert why_not(me, Act.SEARCH, case, 100) is not None


def test_without_teams_anybody_else_is_a_second_person() -> None:
    case = replace(CASE, stored=State.REQUESTED, team=None)
    other = Person("somebody-else", frozenset({Role.APPROVER}), None)
    assert why_not(other, Act.APPROVE, case, 0) is None


@pytest.mark.parametrize("act", [Act.SEARCH, Act.APPROVE, Act.EXPORT, Act.PURGE])
def test_a_refusal_says_what_to_do(act: Act) -> None:
    person = Person("somebody", frozenset({Role.AUDITOR}), None)
    why = why_not(person, act, CASE, 0)
    assert why is not None
    assert ":" in why
    assert "\n" not in why
