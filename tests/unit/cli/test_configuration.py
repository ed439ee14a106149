"""An auditor sees in the log who became what, and finds out where that was taken from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.audit.places import Places
from pipeline.clock import system_clock
from tests.unit.apps.changing import Folder, change_people
from tests.unit.cli.conftest import Partywall


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


def test_who_made_herself_approver_is_shown_and_the_log_verifies(
    folder: Folder, partywall: Partywall
) -> None:
    folder.sit()
    change_people(folder)
    said = partywall("case", "list", "--data", folder.path, "--as", "investigator")
    assert said.code == 0
    shown = partywall("audit", "show", "--data", folder.path, "--act", "config.people").out
    last = shown.splitlines()[-1]
    assert "  config  config.people  allowed  " in last
    assert '["investigator: approver, investigator (abuse); before: investigator (abuse)"]' in last
    assert str(folder.path) not in partywall("audit", "show", "--data", folder.path).out
    assert partywall("audit", "verify", "--data", folder.path).code == 0


def test_an_entry_of_the_desk_s_that_is_not_in_the_log_is_found(
    folder: Folder, partywall: Partywall
) -> None:
    """The case store remembers these entries too: another log in the log's place is forked."""
    folder.sit()
    own = Places.under(folder.path)
    for name in ("audit", "witness"):
        (folder.path / name).rename(folder.path / f"old-{name}")
    own.witness.parent.mkdir()
    log = own.open(system_clock)
    for _ in range(12):
        log.record("clock", "some.act", "allowed")
    said = partywall("audit", "verify", "--data", folder.path)
    assert said.code == 1
    assert "forked" in said.out
