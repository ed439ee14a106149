"""Runs the command line in this process, as a person would type it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import logs
from pipeline.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of an error a person makes: exit code 2, nothing else printed."""
        assert self.code == 2, (self.code, self.err)
        assert self.out == ""
        assert self.err.startswith("partywall: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.removeprefix("partywall: ").rstrip("\n")


Partywall = Callable[..., Said]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in which no group runs."""
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True, mode=0o700)
    (folder / "settings.yaml").write_text("{}\n", encoding="utf-8")
    return folder


@pytest.fixture
def partywall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Partywall:
    """Call the command with arguments, in an empty folder and without any setting."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PARTYWALL_")]:
        monkeypatch.delenv(name)
    # The command sets up logging for its whole process, which is pytest's here.
    monkeypatch.setattr(logs, "setup", lambda _level, **_options: None)

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["partywall", *map(str, arguments)])
        code: object = 0
        try:
            main.main()
        except SystemExit as stop:
            code = stop.code
        finally:
            os.environ.pop("PARTYWALL_CONFIG", None)
        out, err = capfdbinary.readouterr()
        return Said(code if isinstance(code, int) else 1, out.decode(), err.decode())

    return run
