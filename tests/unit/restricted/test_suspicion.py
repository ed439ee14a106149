"""Split flags who does what no person does, across batches, and forgets it with the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import settings as tree
from pipeline.errors import SettingsError
from pipeline.restricted import Crossing
from tests.support import door

FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
GOOGLEBOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
LIMITS = {"pages_a_minute": 3, "pages_without_assets": 2, "visitors_with_assets": 1}


def line(address: str, target: str, agent: str = FIREFOX) -> bytes:
    return (
        f'{address} - - [13/Jan/2027:08:00:00 +0000] "GET {target} HTTP/1.1" 200 1 "-" "{agent}"'
    ).encode()


def said(crossing: Crossing) -> list[str]:
    return door.rows(crossing)["suspicion"].to_list()


def test_a_visitor_is_flagged_from_then_on_and_in_later_batches() -> None:
    through = door.splitter(behaviour=LIMITS)
    page, other, bot = line("192.0.2.7", "/a"), line("192.0.2.8", "/a"), GOOGLEBOT
    asset = line("192.0.2.9", "/site.css")
    first = door.messages([asset, page, page, b"\n".join([page, other, page])])
    assert said(door.carry(through, first)) == [
        "(none)", "(none)", "no assets", "no assets", "(none)", "rate",
    ]  # fmt: skip
    more = door.messages([page, other, line("192.0.2.7", "/a", bot)], first=4)
    assert said(door.carry(through, more)) == ["rate", "no assets", "(bot)"]


def test_with_a_new_day_it_is_forgotten() -> None:
    through = door.splitter(behaviour=LIMITS | {"pages_without_assets": 0})
    through.forget(1)
    five = door.messages([line("192.0.2.7", "/a")] * 5)
    assert said(door.carry(through, five)) == ["(none)"] * 3 + ["rate"] * 2
    through.forget(1)
    assert said(door.carry(through, five)) == ["rate"] * 5
    through.forget(2)
    assert said(door.carry(through, five)) == ["(none)"] * 3 + ["rate"] * 2


def test_ordinary_visits_are_not_suspect_unless_settings_say_so() -> None:
    five = door.messages([line("192.0.2.7", f"/{at}") for at in "abcde"])
    assert said(door.carry(door.splitter(), five)) == ["(none)"] * 5
    off = door.splitter(behaviour={"pages_a_minute": 0, "pages_without_assets": 0})
    many = door.messages([line("192.0.2.7", "/a")] * 500)
    assert set(said(door.carry(off, many))) == {"(none)"}
    assert "rate" in said(door.carry(door.splitter(), many))


def test_an_address_of_a_data_centre_is_a_flag_on_people_and_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "clouds.txt"
    path.write_text("192.0.2.0/25\n", encoding="utf-8")
    through = door.splitter(datacentres=path, behaviour=LIMITS | {"pages_without_assets": 0})
    batch = door.messages([
        line("192.0.2.7", "/a"), line("192.0.2.200", "/a"), line("192.0.2.7", "/a", GOOGLEBOT),
        *[line("192.0.2.8", "/a")] * 4,
    ])  # fmt: skip
    crossing = door.carry(through, batch)
    assert said(crossing) == ["data centre", "(none)", "(bot)", *["data centre"] * 3, "rate"]
    audiences = door.rows(crossing)["audience"].to_list()
    assert audiences == ["human", "human", "bot", *["human"] * 4]


@pytest.mark.parametrize("wrong", ["pages_a_minute: -1", "pages_per_minute: 3"])
def test_a_setting_that_is_no_limit_is_refused(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(f"split: {{behaviour: {{{wrong}}}}}\n", encoding="utf-8")
    monkeypatch.setenv("PARTYWALL_CONFIG", str(path))
    with pytest.raises(SettingsError, match=r"split\.behaviour"):
        tree.load()
