"""A small simulation of every format, made once for all tests here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.simulate import formats
from pipeline.simulate.run import TRUTH, simulate
from pipeline.simulate.traffic import Scenario

SCENARIO: Final = Scenario(
    seed=7, start=483_984, days=2, visits=100, bad=0.03, late=0.02, zone="Europe/Berlin"
)
"""From 2025-03-19T00:00Z."""
SITES: Final = ("shop",)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A folder of files, and the truth beside them."""

    folder: Path
    truth: dict[str, Any]

    def file(self, site: str, name: str) -> tuple[bytes, dict[str, Any]]:
        """Return a file's bytes and its entry."""
        entry = self.truth["sites"][site]["files"][f"{site}/{name}.log"]
        return (self.folder / site / f"{name}.log").read_bytes(), entry


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Every format, over two days."""
    folder = tmp_path_factory.mktemp("simulated") / "logs"
    simulate(folder, SCENARIO, SITES, formats.named("all"))
    return Simulated(folder, json.loads((folder / TRUTH).read_bytes()))
