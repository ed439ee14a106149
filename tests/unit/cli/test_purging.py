"""When a case goes: `case list` says it and carries it out, `doctor` misses it where it is late."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from pipeline.apps.desk import open_room
from pipeline.apps.folder import settings_of
from pipeline.cli import doctor
from pipeline.clock import system_clock
from tests.unit.cases.making import INVESTIGATOR, SCOPE
from tests.unit.cli.conftest import Partywall


def drafted(data: Path, days: float) -> None:
    """Leave a draft in the folder that nobody has touched for so many days."""
    made = system_clock() - dt.timedelta(days=days)
    with open_room(settings_of(data), lambda: made) as room:
        room.desk.cases.draft(INVESTIGATOR, "abuse", "why", "", SCOPE)


def listed(partywall: Partywall, data: Path) -> dict[str, object]:
    said = partywall("case", "list", "--data", data, "--as", "auditor", "--json")
    assert said.code == 0, said.err
    [one] = json.loads(said.out.splitlines()[-1])  # behind our log, which is not set up here
    found: dict[str, object] = one
    return found


def test_the_list_says_when_a_case_will_go(partywall: Partywall, data: Path) -> None:
    drafted(data, 364)
    one = listed(partywall, data)
    assert (one["state"], one["held"]) == ("draft", False)
    left = dt.datetime.fromisoformat(str(one["purged_from"])) - system_clock()
    assert dt.timedelta(0) < left <= dt.timedelta(days=1)
    assert [one.state for one in doctor._cases(settings_of(data))] == ["ok"]


def test_doctor_misses_a_purge_until_somebody_sits_down(partywall: Partywall, data: Path) -> None:
    assert doctor._cases(settings_of(data)) == [], "no store is made by looking"
    drafted(data, 365.2)
    [found] = doctor._cases(settings_of(data))
    assert (found.about, found.state) == ("cases", "problem")
    assert "1 cases are overdue" in found.say
    assert (listed(partywall, data)["state"], listed(partywall, data)["purged_from"]) == (
        "purged",
        None,
    )
    assert [one.state for one in doctor._cases(settings_of(data))] == ["ok"]
