"""What a person sees who looks for the right format: names and masks, and never a value."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.restricted.formats import FORMATS, WRAPPERS
from tests.unit.cli.conftest import Partywall

PLANTED = ("192.0.2.77", "mallory", "example.com", "X11")
LINE = (
    '192.0.2.77 - mallory [17/May/2015:10:05:03 +0000] "GET /for/mallory HTTP/1.1" 200 12 '
    '"https://example.com/?mail=mallory" "Mozilla/5.0 (X11)"\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(LINE * 19 + "cut off\n\n")
    return path


def test_all_formats_are_listed(partywall: Partywall) -> None:
    said = partywall("formats")
    assert said.code == 0
    for name in [*FORMATS, *(f"{name}.FORMAT" for name in WRAPPERS)]:
        assert re.search(rf"^{re.escape(name)} ", said.out, re.MULTILINE)
    listed = json.loads(partywall("formats", "--json").out)
    assert [entry["name"] for entry in listed] == [*FORMATS, *WRAPPERS]


def test_the_page_of_a_format(partywall: Partywall) -> None:
    assert "LogFormat" in partywall("formats", "combined").out
    assert partywall("formats", "apache2").complaint == (
        "no format is called apache2: `partywall formats` lists them"
    )


@pytest.mark.parametrize(
    "name", ["auto", "combined", '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"']
)
def test_a_trial_shows_each_field_with_its_treatment(
    partywall: Partywall, log: Path, name: str
) -> None:
    said = partywall("try", name, log)
    assert said.code == 0
    for word in ("19 events, 1 rejected, 1 ignored", "pseudonymised", "coarsened", "kept",
                 "dropped", "sealed", "9.9.9.9"):  # fmt: skip
        assert word in said.out
    assert not any(value in said.out for value in PLANTED)


def test_a_format_that_is_described_in_a_file_is_tried_and_previewed(
    partywall: Partywall, tmp_path: Path
) -> None:
    (tmp_path / "map.yaml").write_text("json: {address: ip, time: ts, target: path}")
    line = json.dumps({"ip": "192.0.2.77", "ts": 1431857103, "path": "/for/mallory"})
    (tmp_path / "app.log").write_text(f"{line}\n" * 3)
    tried = partywall("try", "map.yaml", "app.log", "--json")
    assert json.loads(tried.out)["events"] == 3
    previewed = partywall("scrub", "preview", "app.log", "--format", "map.yaml", "--json")
    assert json.loads(previewed.out)["requests"] == 3
    assert not any(value in tried.out + previewed.out for value in PLANTED)


def test_a_trial_as_json(partywall: Partywall, log: Path) -> None:
    said = partywall("try", "auto", log, "--json")
    found = json.loads(said.out)
    assert (found["format"], found["why"]) == ("combined", "95% of the first 20 lines")
    assert found["lines"] == found["events"] + found["rejected"] + found["ignored"] == 21
    assert found["reasons"] == {"not_this_format": 1, "empty": 1}
    assert {entry["name"]: entry["treatment"] for entry in found["fields"]}["address"] == (
        "pseudonymised"
    )
    assert not any(value in said.out for value in PLANTED)


def test_a_format_that_reads_little_is_not_guessed(partywall: Partywall, tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_text(LINE + "dear mallory\n" * 9)
    complaint = partywall("try", "auto", "odd.log").complaint
    assert "unsure of the format: combined reads 10% and " in complaint
    assert "line 2 of those looked at is not_this_format to combined and has 2 parts" in complaint
    assert "mallory" not in complaint


def test_a_trial_of_mistakes(partywall: Partywall, log: Path) -> None:
    assert "does not exist" in partywall("try", "auto", "nowhere.log").complaint
    assert "no format is called apache2" in partywall("try", "apache2", log).complaint
    assert "there is no time zone" in partywall("try", "auto", log, "--zone", "Mars").complaint
