"""Who became what is in the audit log before it serves anybody; a role taken away is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
import yaml

from pipeline.audit.entry import Entry
from pipeline.cases.acts import Cases
from pipeline.cases.people import Person, Role, is_name
from pipeline.cases.permission import Gate
from pipeline.cases.present import Present
from pipeline.configuration.told import ACTOR
from pipeline.errors import RefusedError, SettingsError, UnavailableError
from tests.support.databases import Place
from tests.unit.cases.making import SCOPE, Office

PEOPLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "alice": {"roles": ["investigator"], "team": "abuse"},
    "bob": {"roles": ["approver"], "team": "legal"},
    "carol": {"roles": ["auditor"]},
}
ALICE = Person("alice", frozenset({Role.INVESTIGATOR}), "abuse")
BOB = Person("bob", frozenset({Role.APPROVER}), "legal")


class Listed(Office):
    """Cases of people who stand in a file."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.folder, database=place.open("case store"))
        self.file = place.folder / "people.yaml"
        self.write(PEOPLE)
        self.present = self.another()
        self.present.directory()
        self.gate = Gate(self.store, self.log, self.places.auditors(), self.clock, self.present)
        self.cases = Cases(self.gate, self.cases.policy)
        self.seen = self.log.size()

    def another(self) -> Present:
        """Another process's view of the same file."""
        return Present(self.file, self.store.told(self.log, self.clock).tell)

    def write(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        said = {name: dict(one) for name, one in people.items()}
        self.file.write_text(yaml.safe_dump(said), encoding="utf-8")
        self.file.chmod(0o600)

    def news(self) -> list[Entry]:
        """Return the entries since it was asked last."""
        before, self.seen = self.seen, self.log.size()
        return [entry for _, entry in self.log.entries(before)]


@pytest.fixture
def listed(place: Place) -> Iterator[Listed]:
    made = Listed(place)
    yield made
    made.store.close()


def test_the_first_list_is_told_whole(listed: Listed) -> None:
    (first,) = listed.entries()
    assert (first.actor, first.act) == ("config", "config.people")
    assert dict(first.facts) == {
        "seen_by": "desk",
        "added": ["alice: investigator (abuse)", "bob: approver (legal)", "carol: auditor"],
        "people": 3,
    }


def test_nobody_may_be_called_as_the_process_that_tells() -> None:
    assert not is_name(ACTOR)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ({"dave": {"roles": ["auditor"]}}, {"added": ["dave: auditor"], "people": 4}),
        ({"carol": None}, {"removed": ["carol: auditor"], "people": 2}),
        (
            {"alice": {"roles": ["approver", "investigator"], "team": "abuse"}},
            {
                "changed": ["alice: approver, investigator (abuse); before: investigator (abuse)"],
                "people": 3,
            },
        ),
        (
            {"bob": {"roles": ["approver"]}},
            {"changed": ["bob: approver; before: approver (legal)"], "people": 3},
        ),
    ],
)
def test_who_came_went_or_became_something_else_is_told_before_the_next_act(
    listed: Listed, people: dict[str, dict[str, Any] | None], told: dict[str, object]
) -> None:
    now = {**PEOPLE, **people}
    listed.write({name: said for name, said in now.items() if said is not None})
    person = listed.present.directory().find("bob")
    assert person is not None
    with pytest.raises(RefusedError):
        listed.cases.request(person, "C-1")
    change, act = listed.news()
    assert (change.act, dict(change.facts)) == ("config.people", {"seen_by": "desk", **told})
    assert (act.actor, act.act) == ("bob", "case.request")


def test_the_same_list_written_anew_is_no_change(listed: Listed) -> None:
    listed.file.write_text("# a word\n" + listed.file.read_text(), encoding="utf-8")
    listed.present.directory()
    listed.another().directory()
    assert listed.news() == []


def test_a_role_that_was_taken_away_does_nothing_more(listed: Listed) -> None:
    case = listed.cases.draft(ALICE, "abuse", "a reason", "", SCOPE)
    listed.cases.request(ALICE, case.id)
    listed.write({**PEOPLE, "bob": {"roles": ["auditor"], "team": "legal"}})
    listed.news()
    with pytest.raises(RefusedError, match="sign in again"):
        listed.cases.approve(BOB, case.id)
    change, refused = listed.news()
    assert change.act == "config.people"
    assert (refused.actor, refused.act, refused.outcome) == ("bob", "case.approve", "refused")
    listed.write({name: said for name, said in PEOPLE.items() if name != "alice"})
    with pytest.raises(RefusedError, match="sign in again"):
        listed.cases.draft(ALICE, "abuse", "a reason", "", SCOPE)
    assert [entry.act for entry in listed.news()] == ["config.people", "case.draft"]


def test_a_list_put_back_after_another_process_told_of_it_is_told_again(listed: Listed) -> None:
    """This process has never seen the other list, and yet the log's last word is of that one."""
    listed.write({**PEOPLE, "alice": {"roles": ["approver"], "team": "abuse"}})
    listed.another().directory()
    listed.write(PEOPLE)
    assert listed.present.still(ALICE)
    there, back = listed.news()
    assert there.facts["changed"] == ["alice: approver (abuse); before: investigator (abuse)"]
    assert back.facts["changed"] == ["alice: investigator (abuse); before: approver (abuse)"]


def test_no_entry_no_act(listed: Listed) -> None:
    listed.write({**PEOPLE, "dave": {"roles": ["auditor"]}})
    checkpoint = listed.places.folder / "checkpoint"
    away = checkpoint.rename(listed.folder / "away")
    for _ in range(2):
        with pytest.raises(Exception, match="audit log"):
            listed.present.directory()
    away.rename(checkpoint)
    assert listed.present.directory().find("dave") is not None
    assert [entry.act for entry in listed.news()] == ["config.people"]


def test_a_list_that_is_broken_later_on_stops_everybody(listed: Listed) -> None:
    listed.file.write_text("nobody", encoding="utf-8")
    with pytest.raises(UnavailableError, match="people file"):
        listed.cases.draft(ALICE, "abuse", "a reason", "", SCOPE)
    with pytest.raises(SettingsError, match="people file"):
        listed.another().directory()
    assert listed.news() == []
    listed.write(PEOPLE)
    assert listed.present.still(ALICE)


def test_a_long_list_takes_several_entries_and_each_is_remembered(listed: Listed) -> None:
    team = "t" * 64
    every = [role.value for role in Role]
    many = {f"{n:03}".ljust(128, "x"): {"roles": every, "team": team} for n in range(250)}
    listed.write({**PEOPLE, **many})
    listed.present.directory()
    entries = listed.news()
    assert [len(_names(entry, "added")) for entry in entries] == [100, 100, 50]
    listed.write({**PEOPLE, **{name: {"roles": every[:3], "team": team[:60]} for name in many}})
    listed.present.directory()
    assert sum(len(_names(entry, "changed")) for entry in listed.news()) == 250
    with listed.store.reading() as store:
        remembered = [(done.entry, done.act, done.actor) for done in store.history()]
    assert remembered == [(n, "config.people", "config") for n in range(listed.log.size())]


def _names(entry: Entry, kind: str) -> list[str]:
    told = entry.facts[kind]
    assert isinstance(told, list)
    return told


def test_a_list_that_is_as_it_was_is_not_parsed_anew(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cases.people._listed", None)
    assert listed.present.still(ALICE)
