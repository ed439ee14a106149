"""Legal holds and requests of persons from the command line, in the folder of a report."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

PERSON, NEIGHBOUR = "203.0.113.7", "203.0.113.8"
REFUSED = 3


def line(address: str, minute: int, agent: str = "Mozilla/5.0 Firefox/130.0") -> str:
    return (
        f'{address} - - [17/May/2015:10:{minute:02}:00 +0000] "GET /page HTTP/1.1" 200 12 "-" '
        f'"{agent}"\n'
    )


class Desk:
    """The command line at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tried(self, who: str | None, *words: str) -> subprocess.CompletedProcess[str]:
        name = [] if who is None else ["--as", who]
        command = [sys.executable, "-m", "pipeline", *words, "--data", str(self.folder), *name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def told(self, who: str | None, *words: str) -> str:
        done = self.tried(who, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def found(self, who: str, *words: str) -> Any:  # noqa: ANN401 -- JSON
        return json.loads(self.told(who, *words, "--json"))

    def vault(self) -> Any:  # noqa: ANN401 -- JSON
        return json.loads(self.told(None, "vault", "status", "--json"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("d")
    log = folder / "access.log"
    log.write_text("".join(line(PERSON, n) + line(NEIGHBOUR, n) for n in range(20)))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "report", str(log), "--site", "shop", "--k", "1",
         "--data", str(folder / "data")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Desk(folder / "data")


SPAN = ("--site", "shop", "--from", "2015-05-17", "--to", "2015-05-17")


def test_a_hold_then_a_request_that_it_stands_against(desk: Desk) -> None:
    """The whole way of both: held, asked for, refused while held, released, corrected, erased."""
    opened = desk.found(
        "investigator", "case", "open", "--category", "abuse", "--reason", "r", *SPAN,
        "--address", PERSON, "--request",
    )  # fmt: skip
    case = opened["case"]
    desk.told("approver", "case", "approve", case)
    assert desk.tried("investigator", "hold", "place", case).returncode != 0
    desk.told("investigator", "hold", "ask", case, "--reason", "a court")
    assert desk.tried("investigator", "case", "approve", case).returncode == REFUSED
    desk.told("approver", "case", "approve", case)
    hold = desk.found("investigator", "hold", "place", case)
    assert hold["records"] == 20
    [row] = json.loads(desk.told(None, "hold", "list", "--json"))
    assert (row["hold"], row["case"], row["records"]) == (hold["hold"], case, 20)
    assert desk.vault()["records"] == 40
    assert desk.vault()["holds"] == {hold["hold"]: 20}
    assert desk.found("investigator", "case", "search", case)["read"] == 20, "each record once"

    asked = desk.found("privacy-officer", "dsr", "open", "--reason", "all of it", *SPAN,
                       "--address", PERSON)  # fmt: skip
    request = asked["case"]
    assert asked["days_left"] == 30
    desk.told("approver", "case", "approve", request)
    answer = desk.found("privacy-officer", "dsr", "answer", request)
    assert answer["records"] == 20
    with zipfile.ZipFile(answer["bundle"]) as bundle:
        assert NEIGHBOUR.encode() not in b"".join(map(bundle.read, bundle.namelist()))
    desk.told("privacy-officer", "dsr", "correct", request, "it was my guest")
    assert "it was my guest" in desk.told("investigator", "case", "search", case)
    desk.told("privacy-officer", "dsr", "erase", request, "--reason", "asked for")
    desk.told("approver", "case", "approve", request)
    held = desk.tried("privacy-officer", "dsr", "erase", request)
    assert held.returncode != 0
    assert "legal hold" in held.stderr

    name = hold["hold"]
    assert desk.tried("approver", "hold", "release", name).returncode == REFUSED
    desk.told("privacy-officer", "hold", "release", name, "--reason", "over")
    desk.told("approver", "hold", "release", name)
    assert desk.told(None, "hold", "list") == "no holds\n"
    assert desk.found("privacy-officer", "dsr", "erase", request)["records"] == 20
    status = desk.vault()
    assert (status["records"], status["erased"], status["orphans"]) == (20, 20, 0)
    assert desk.found("investigator", "case", "search", case)["records"] == []
    desk.told("privacy-officer", "dsr", "close", request)
    assert desk.found("privacy-officer", "dsr", "list") == []
    desk.told(None, "audit", "verify")
    desk.told(None, "vault", "check")
