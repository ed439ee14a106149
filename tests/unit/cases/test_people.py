"""A people file makes the people it lists, or says in one sentence what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cases.people import Directory, Person, Role, is_name
from pipeline.errors import SettingsError


def _read(folder: Path, text: str) -> Directory:
    path = folder / "people.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return Directory.read(path)


def test_the_default_has_one_of_each_role_and_two_who_approve(tmp_path: Path) -> None:
    path = tmp_path / "new/people.yaml"
    assert Directory.make_default(path)
    assert path.stat().st_mode & 0o777 == 0o600
    people = {person.name: person.roles for person in Directory.read(path)}
    assert people == {
        "investigator": {Role.INVESTIGATOR},
        "approver": {Role.APPROVER},
        "second-approver": {Role.APPROVER},
        "auditor": {Role.AUDITOR},
        "privacy-officer": {Role.PRIVACY_OFFICER},
    }


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("auditor: {roles: [auditor]}\n", encoding="utf-8")
    assert not Directory.make_default(path)
    assert path.read_text(encoding="utf-8") == "auditor: {roles: [auditor]}\n"


def test_people_are_found_by_their_name_to_the_letter(tmp_path: Path) -> None:
    directory = _read(tmp_path, "lead: {roles: [approver, auditor], team: Trust and Safety}\n")
    assert directory.find("lead") == Person(
        "lead", frozenset({Role.APPROVER, Role.AUDITOR}), "Trust and Safety"
    )
    assert directory.find("Lead") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "as YAML"),
        ("- investigator", "as YAML"),
        ("a: {roles: [auditor]", "as YAML"),
        ("{}", "lists nobody"),
        ("a: {roles: [auditor]}\na: {roles: [approver]}", "nothing twice"),
        ("a: {roles: [auditor], roles: [approver]}", "nothing twice"),
        ("a: {roles: [auditor]}\nA: {roles: [approver]}", "capitals"),
        ("a: {roles: [root]}", "roles is a list"),
        ("a: {roles: []}", "roles is a list"),
        ("a: {roles: auditor}", "roles is a list"),
        ("a: {team: x}", "roles is a list"),
        ("a: [auditor]", "nothing else"),
        ("a: {roles: [auditor], admin: true}", "nothing else"),
        ("a: {roles: [auditor], team: ''}", "a team has"),
        ("keys: {roles: [auditor]}", "a name has"),
        ("7: {roles: [auditor]}", "a name has"),
        ("'a b': {roles: [auditor]}", "a name has"),
        ("a: {roles: [[auditor]]}", "roles is a list"),
        ("{[a]: {roles: [auditor]}}", "as YAML"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        _read(tmp_path, text)
    assert "people.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_others_may_write_to_hands_out_no_roles(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    Directory.make_default(path)
    path.chmod(0o620)
    with pytest.raises(SettingsError, match="chmod"):
        Directory.read(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"):
        Directory.read(tmp_path / "none.yaml")


def test_nobody_is_called_like_a_process() -> None:
    assert is_name("auth0|5f7c8ec7c33c6c004bbafe82")
    assert not is_name("clock")
    assert not is_name("Keys")
    assert not is_name("")
