"""``partywall audit`` finds a data folder's log, says what is wrong with it, and ends with that."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.audit.entry import Entry
from pipeline.audit.places import Places
from pipeline.audit.seal import seal
from tests.unit.audit.logs import NOON, clock, entry
from tests.unit.cli.conftest import Partywall


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with three entries, one of them sealed in part."""
    places = Places.under(tmp_path / "data")
    log = places.make(clock)
    sealed = seal(places.auditors(), b'{"addresses":["192.0.2.7"]}')
    log.extend([
        entry(0),
        Entry(NOON, "approver", "case.approve", "allowed", "C2", {"team": "[red]x[/red]"}),
        Entry(NOON, "investigator", "search", "allowed", "C2", {}, sealed),
    ])  # fmt: skip
    return tmp_path / "data"


def test_a_sound_log_is_one_line_and_0(partywall: Partywall, data: Path) -> None:
    said = partywall("audit", "verify", "--data", data)
    assert said.code == 0
    [line] = said.out.splitlines()
    assert line.startswith("3 entries as signed, root ")
    told = json.loads(partywall("audit", "verify", "--data", data, "--json").out)
    assert (told["ok"], told["size"], told["witnessed"], told["findings"]) == (True, 3, 2, [])
    assert told["root"] in line
    args = ("--log", data / "audit", "--vkey", data / "keys/audit.vkey")
    assert partywall("audit", "verify", *args, "--witness", data / "witness/checkpoints").code == 0


@pytest.mark.parametrize(
    ("gone", "word"),
    [
        ("audit", "there is no audit log"),
        ("audit/checkpoint", "removed: checkpoint"),
        ("audit/tile", "entries 0 to 2 are gone"),
        ("keys/audit.vkey", "public key is gone"),
        ("witness/checkpoints", "there is no such file"),
    ],
)
def test_what_is_gone_is_a_finding_and_1(
    partywall: Partywall, data: Path, gone: str, word: str
) -> None:
    """And not a mistake of who asked: something says that there was a log."""
    path = data / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = partywall("audit", "verify", "--data", data)
    assert said.code == 1
    assert word in said.out
    told = partywall("audit", "verify", "--data", data, "--json")
    assert told.code == 1
    assert not json.loads(told.out)["ok"]


def test_nothing_that_says_there_was_a_log_is_2(partywall: Partywall, tmp_path: Path) -> None:
    for args in (
        ("--data", tmp_path),
        (),
        ("--log", tmp_path),
        ("--data", tmp_path, "--log", tmp_path, "--vkey", tmp_path),
        ("--log", tmp_path, "--vkey", tmp_path / "none"),
    ):
        said = partywall("audit", "verify", *args)
        assert said.code == 2, args


def test_a_changed_byte_is_named(partywall: Partywall, data: Path) -> None:
    path = data / "audit/tile/entries/000.p/3"
    path.write_bytes(path.read_bytes().replace(b"approver", b"somebody"))
    said = partywall("audit", "verify", "--data", data)
    assert said.code == 1
    assert said.out == "changed: entry 1: not what was signed (tile/entries/000.p/3)\n"
    assert partywall("audit", "show", "--data", data).code == 1


def test_entries_are_shown_and_the_sealed_ones_stay_so(partywall: Partywall, data: Path) -> None:
    """Without the auditors' key nobody sees a predicate; with it they do."""
    said = partywall("audit", "show", "--data", data)
    assert said.code == 0
    assert "192.0.2.7" not in said.out
    assert "case.approve" in said.out
    rows = [
        json.loads(line)
        for line in partywall("audit", "show", "--data", data, "--json").out.splitlines()
    ]
    assert [row["entry"] for row in rows] == [0, 1, 2]
    assert "sealed" in rows[2]["sealed"]
    assert rows[1]["facts"] == {"team": "[red]x[/red]"}
    key = data / "auditors/auditor.key"
    [row] = map(
        json.loads,
        partywall("audit", "show", "--data", data, "--json", "--open", key, "--act", "search",
                  "--case", "C2").out.splitlines(),
    )  # fmt: skip
    assert row["sealed"] == {"addresses": ["192.0.2.7"]}
    assert partywall("audit", "show", "--data", data, "--act", "cas", "--json").out == ""
    assert partywall("audit", "show", "--data", data, "--act", "case", "--json").out != ""


def test_the_records_of_a_look_are_shown_by_their_names(partywall: Partywall, data: Path) -> None:
    """Sealed they are bytes end to end, which are no text."""
    places = Places.under(data)
    names = [bytes(range(250, 234, -1)), b"\n" * 16]
    sealed = seal(places.auditors(), b"".join(names))
    places.open(clock).append(replace(entry(9), act="case.read", sealed=sealed))
    words = ("audit", "show", "--data", data, "--open", data / "auditors/auditor.key")
    said = partywall(*words, "--act", "case.read")
    assert said.code == 0
    assert f'sealed=["{names[0].hex()}","{names[1].hex()}"]' in said.out
    assert len(said.out.splitlines()) == 1


def test_a_witness_taken_away_tells_of_what_comes_later(
    partywall: Partywall, data: Path, tmp_path: Path
) -> None:
    """An export grows with the log, and contradicts one that was begun again without any trace."""
    away = tmp_path / "away"
    assert partywall("audit", "export", away, "--data", data).code == 0
    places = Places.under(data)
    places.open(clock).append(entry(7))
    assert partywall("audit", "export", away, "--data", data).code == 0
    assert (
        partywall("audit", "export", away, "--data", data).code == 0
    )  # nothing new, nothing added
    assert away.read_text().count("partywall/audit\n") == 2
    shutil.rmtree(places.folder)
    shutil.rmtree(places.witness.parent)
    places.make(clock).append(entry(0))
    assert partywall("audit", "verify", "--data", data).code == 0
    said = partywall("audit", "verify", "--data", data, "--witness", away)
    assert said.code == 1
    assert "rolled back: entries 1 to 3" in said.out
    assert partywall("audit", "export", away, "--data", data).code == 1
