"""What a data folder says of itself while nothing runs in it."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest

from pipeline.cli.doctor import _anonymity
from pipeline.cli.kept import embedded, terms
from pipeline.cli.place import Place
from pipeline.cli.released import refuse_released
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.errors import SettingsError
from pipeline.settings import Goal, Goals, Settings, Split
from tests.unit.cli.conftest import Partywall


def test_a_folder_into_which_nothing_was_released_takes_a_report(tmp_path: Path) -> None:
    """New, or left by a group that ended while it started or before it released a number."""
    refuse_released(tmp_path)
    with contextlib.closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        refuse_released(tmp_path)
        migrate(client, rollups_days=10)
    refuse_released(tmp_path)


@pytest.mark.parametrize(
    ("left", "k", "lower"),
    [
        ("k: 1\nlower_k: true\n", 1, True),
        ("k: 20\nlower_k: false\n", 20, False),
        ("split: {}\n", None, False),
        ("[", 5, False),
        (None, 5, False),
    ],
)
def test_a_folder_has_a_k_of_its_own(
    tmp_path: Path, left: str | None, k: int | None, lower: bool
) -> None:
    """The k that whoever asks has set for himself says nothing of the folder's numbers."""
    if left is not None:
        (tmp_path / "settings.yaml").write_text(left)
    found = terms(Settings(k=5), tmp_path)
    assert (found.k, found.lower_k, found.policy) == (k, lower, None)


@pytest.mark.parametrize(
    ("left", "goals"),
    [
        ("goals: {shop: {theirs: {page: /a}}}\n", {"shop": {"theirs": Goal(page=("/a",))}}),
        ("{}", {}),
    ],
)
def test_a_folders_goals_are_not_mixed_with_those_of_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str, goals: Goals
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("goals: {shop: {mine: {page: /b}}, blog: {mine: {page: /b}}}\n")
    monkeypatch.setenv("PARTYWALL_CONFIG", str(own))
    (tmp_path / "settings.yaml").write_text(left)
    assert terms(Settings(), tmp_path).goals == goals


def test_a_folders_goals_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("goals: {shop: {theirs: {pages: /a}}}\n")
    with pytest.raises(SettingsError, match=r"^setting goals\.shop\.theirs\.pages: there is none"):
        terms(Settings(), tmp_path)


@pytest.mark.parametrize(
    ("left", "state", "says"),
    [
        ("k: 1\nlower_k: true\n", "warning", "not anonymous"),
        ("k: 3\nlower_k: true\n", "warning", "below the policy's k of 10"),
        ("k: 10\nlower_k: false\n", "ok", "stands for 10 visitors or more"),
    ],
)
def test_doctor_and_status_tell_the_folders_k(
    tmp_path: Path, left: str, state: str, says: str
) -> None:
    (tmp_path / "settings.yaml").write_text(left)
    Place("127.0.0.1:1", "http://127.0.0.1:1", os.getpid()).write(tmp_path)
    [finding] = _anonymity(embedded(Settings(), tmp_path))
    assert finding.state == state
    assert says in finding.say


@pytest.mark.parametrize(
    ("left", "formats"),
    [
        (
            "split: {formats: {mine: {json: {address: ip}}}}\n",
            {"mine": {"json": {"address": "ip"}}},
        ),
        ("split: {zone: UTC}\n", {}),
        ("split:\n", {}),
        ("k: 10\n", {}),
    ],
)
def test_a_groups_formats_are_those_of_its_split(
    tmp_path: Path, left: str, formats: dict[str, object]
) -> None:
    """Whoever ships into it may name no other: its lines would all be rejected."""
    (tmp_path / "settings.yaml").write_text(left)
    Place("127.0.0.1:1", "http://127.0.0.1:1", os.getpid()).write(tmp_path)
    mine = Settings(split=Split(formats={"other": "%h %t"}, zone="Europe/Berlin"))
    found = embedded(mine, tmp_path).split
    assert (found.formats, found.zone) == (formats, "Europe/Berlin")


@pytest.mark.parametrize(
    ("left", "says"),
    [("k: 1\n", "not anonymous"), ("k: 3\n", "below the policy's k of 10"), ("k: 10\n", "")],
)
def test_an_answer_says_what_its_k_is_worth_beside_the_rows(
    partywall: Partywall, tmp_path: Path, left: str, says: str
) -> None:
    """On standard error, one line: standard output is the rows alone."""
    with contextlib.closing(connect(Engine(path=tmp_path / "data/clickhouse"))) as client:
        migrate(client, rollups_days=10)
    (tmp_path / "data/settings.yaml").write_text(left)
    said = partywall("query", "SELECT 1 AS one", "--data", "data", "--json")
    assert (said.code, json.loads(said.out)) == (0, [{"one": 1}])
    assert said.err.count("\n") == bool(says)
    assert says in said.err
