"""The walls in the code stand: each kind of hole is broken into a copy of the house, and found."""

from __future__ import annotations

import ast
import configparser
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

import pipeline.restricted

TOP: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
FAILED: Final = 1


@dataclass(frozen=True)
class Hole:
    """``line`` written at the end of ``file`` breaks ``contract``."""

    contract: str
    file: str
    line: str


LATE: Final = "def _later() -> None:\n    "
TYPES_ONLY: Final = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "

HOLES: Final = (
    # floors: upwards, sideways, and a room that nobody gave a place
    Hole("floors", "errors.py", "import pipeline.settings"),
    Hole("floors", "rollups/__init__.py", "from pipeline import release"),
    Hole("floors", "kafka/topics.py", LATE + "import pipeline.apps.stage"),
    Hole("floors", "investigations/open.py", "import pipeline.web"),
    Hole("floors", "cases/people.py", "import pipeline.investigations.open"),
    Hole("floors", "attic.py", "LEFTOVERS = 1"),
    # raw types: even for split, even for a type checker, even late
    Hole("raw-types", "apps/split.py", "from pipeline.restricted.lines import RawMessages"),
    Hole("raw-types", "events.py", TYPES_ONLY + "from pipeline.restricted import client_ip"),
    Hole("raw-types", "cli/main.py", LATE + "import pipeline.restricted.formats.detect"),
    # door: everybody but split, ship and the benchmark's run
    Hole("door", "apps/load.py", "from pipeline.restricted import open_splitter"),
    Hole("door", "demo/traffic.py", LATE + "import pipeline.restricted"),
    Hole("door", "bench/oracle.py", "from pipeline.restricted import describers"),
    # open side: directly, and by way of a file that looks harmless
    Hole("open-side", "rollups/window.py", "import ipaddress"),
    Hole("open-side", "release/rules.py", "import hmac"),
    Hole("open-side", "clickhouse/loader.py", "import maxminddb"),
    Hole("open-side", "policy.py", "import ipaddress"),
    Hole("open-side", "metrics.py", LATE + "from pipeline.shipping import ship"),
    Hole("open-side", "apps/release.py", "import pipeline.restricted"),
    Hole("open-side", "kafka/worker.py", "from pipeline.apps import split"),
    Hole("open-side", "report/model.py", "from pipeline import sealed"),
    # the console: directly, and by way of what it asks and is served with
    Hole("console", "console/pages.py", "from pipeline.cases import people"),
    Hole("console", "console/signing.py", "import hmac"),
    Hole("console", "views/answers.py", LATE + "from pipeline.kafka import client"),
    Hole("console", "console/entrance.py", TYPES_ONLY + "import pipeline.web.sessions"),
    Hole("console", "apps/console.py", "import pipeline.keys.client"),
    Hole("console", "analytics/query.py", "import ipaddress"),
    Hole("console", "serving/shield.py", LATE + "from pipeline.sealed import decode"),
    Hole("open-side", "digest/series.py", "from pipeline import vault"),
    Hole("open-side", "attack/pairs.py", LATE + "from pipeline.sealed import decode"),
    # the attacker: neither the release's code nor what it keeps
    Hole("attack", "attack/windows.py", "from pipeline.release.rules import may_join"),
    Hole("attack", "attack/tries.py", TYPES_ONLY + "from pipeline.release import ledger"),
    Hole("attack", "attack/reading.py", LATE + "from pipeline.apps import release"),
    # the vault's reading side
    Hole("reading-side", "apps/split.py", "from pipeline.investigations import open"),
    Hole("reading-side", "restricted/seal.py", "import pipeline.investigations"),
    Hole("reading-side", "rollups/rollup.py", TYPES_ONLY + "import pipeline.investigations.open"),
    Hole("reading-side", "vault/writer.py", "from pipeline import investigations"),
    # keys
    Hole("key-store", "restricted/seal.py", "from pipeline.keys.store import Store"),
    Hole("key-store", "apps/split.py", "from pipeline.keys import kek"),
    Hole("key-store", "keys/client.py", "from pipeline.keys import store"),
    Hole("key-service", "apps/keys.py", "from pipeline.kafka import client"),
    Hole("key-service", "keys/store.py", "from pipeline.vault import manifest"),
    Hole("key-service", "keys/release.py", "from pipeline.sealed import decode"),
    Hole("key-service", "keys/routes.py", LATE + "import polars"),
    Hole("case-keys", "investigations/open.py", "from pipeline.keys.store import Store"),
    Hole("case-keys", "keys/release_client.py", "from pipeline.keys.release import Release"),
    Hole("case-keys", "web/app.py", LATE + "from pipeline.keys import kek"),
    Hole("key-service", "policy.py", LATE + "from pipeline import events"),
    Hole("collector", "collect/beacons.py", LATE + "from pipeline.restricted import look"),
    Hole("collector", "apps/collect.py", "from pipeline.keys.client import KeyClient"),
    Hole("collector", "collect/outbox.py", TYPES_ONLY + "import pipeline.vault.segments"),
    Hole("collector", "collect/collector.py", "from pipeline.clickhouse import client"),
    Hole("evidence", "evidence/verify.py", LATE + "from pipeline.keys import client"),
    Hole("evidence", "evidence/records.py", "from pipeline import sealed"),
    Hole("evidence", "evidence/bundle.py", TYPES_ONLY + "import pipeline.investigations.lookup"),
    Hole("web", "web/home.py", "from pipeline.vault import segments"),
    Hole("web", "web/visits.py", TYPES_ONLY + "import pipeline.keys.client"),
    Hole("web", "web/people.py", LATE + "import polars"),
    Hole("web-apart", "web/app.py", "from pipeline.clickhouse import client"),
    Hole("web-apart", "cases/people.py", "from pipeline.keys import store"),
    Hole("vault-writer", "vault/segments.py", "from cryptography.hazmat.primitives import hpke"),
    Hole("vault-writer", "apps/vault.py", "from pipeline.keys.client import KeyClient"),
    Hole("audit", "audit/log.py", "from pipeline import sealed"),
    Hole("audit", "audit/entry.py", TYPES_ONLY + "from pipeline.restricted import Look"),
    Hole("audit", "audit/seal.py", LATE + "from pipeline.keys import material"),
    Hole("audit", "audit/verify.py", "import pipeline.vault.manifest"),
)


def _contracts() -> dict[str, str]:
    """Contract id → name, from .importlinter."""
    parser = configparser.ConfigParser()
    parser.read(TOP / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {s.removeprefix(prefix): parser[s]["name"] for s in parser.sections() if prefix in s}


def _lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--config", TOP / ".importlinter", *chosen],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package in a folder of its own."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(
        TOP / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def test_the_house_as_it_is_keeps_every_contract(house: Path) -> None:
    """No hole, no finding: what the tests below find is what they planted."""
    result = _lint(house)
    assert result.returncode == 0, result.stdout


def test_every_contract_is_tried() -> None:
    """A contract without a planted violation is not known to work."""
    assert {hole.contract for hole in HOLES} == set(_contracts())


@pytest.mark.parametrize("hole", HOLES, ids=lambda h: f"{h.contract}-{h.file}")
def test_a_hole_is_found(house: Path, hole: Hole) -> None:
    """The contract that forbids it, and that one alone being asked, reports the import."""
    file = house / "pipeline" / hole.file
    before = file.read_bytes() if file.exists() else None
    try:
        with file.open("a", encoding="utf-8") as text:
            text.write(f"\n{hole.line}\n")
        ast.parse(file.read_text(encoding="utf-8"))
        result = _lint(house, hole.contract)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
    assert result.returncode == FAILED, result.stdout
    assert f"{_contracts()[hole.contract]} BROKEN" in result.stdout


def test_the_door_shows_these_names_and_no_others() -> None:
    """What may leave the restricted room is decided here. mypy refuses names beside ``__all__``."""
    assert sorted(pipeline.restricted.__all__) == [
        "Crossing",
        "Label",
        "Listed",
        "Look",
        "RECORD",
        "RawMessages",
        "Reading",
        "RecordReader",
        "ScrubPreview",
        "ScrubPreviewer",
        "Splitter",
        "Trial",
        "check",
        "check_goals",
        "describers",
        "listing",
        "look",
        "oldest",
        "open_reader",
        "open_splitter",
        "seal_again",
        "seal_records",
        "try_lines",
    ]


BANNED: Final = {
    "importlib": "import importlib\n\nROOM = importlib.import_module('pipeline.restricted')\n",
    "importlib, a part": "from importlib import import_module\n",
    "importlib, deeper": "import importlib.util as tools\n",
    "builtins.__import__": "import builtins\n\nROOM = builtins.__import__('pipeline')\n",
    "runpy": "import runpy\n",
    "pkgutil": "from pkgutil import resolve_name\n",
    "time.time": "import time\n\nNOW = time.time()\n",
    "time.time, renamed": "from time import time as now\n\nNOW = now()\n",
    "time.time_ns": "import time\n\nNOW = time.time_ns()\n",
    "datetime.now": "import datetime as dt\n\nNOW = dt.datetime.now(dt.UTC)\n",
    "datetime.now, renamed": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "datetime.utcnow": "import datetime as dt\n\nNOW = dt.datetime.utcnow()\n",
    "date.today": "import datetime as dt\n\nTODAY = dt.date.today()\n",
}


@pytest.mark.parametrize("source", BANNED.values(), ids=BANNED.keys())
def test_what_import_linter_cannot_see_is_banned(source: str) -> None:
    """Imports by name and clocks of one's own are refused by ruff, with a reason."""
    found = _ruff(source, "pipeline/rollups/planted.py")
    assert "TID251" in found


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("print('a line')\n", "T201"),
        ("import pickle\n\npickle.loads(b'')\n", "S301"),
        ("try:\n    work()\nexcept Exception:\n    pass\n", "BLE001"),
        ("import logging\n\nlogging.warning(f'line {1}')\n", "G004"),
        ("import logging\n\nlogging.warning('x')\n", "LOG015"),
        ("import datetime as dt\n\nWHEN = dt.datetime(2024, 1, 1)\n", "DTZ001"),
    ],
)
def test_habits_that_leak_are_refused(source: str, rule: str) -> None:
    """Prints, pickles, blanket excepts, formatted log lines and naive times do not pass."""
    assert rule in _ruff(source, "pipeline/restricted/planted.py")


def test_the_clock_alone_reads_the_time() -> None:
    """The exception is one file, and it does not open the other bans elsewhere."""
    source = BANNED["time.time"]
    assert "TID251" not in _ruff(source, "pipeline/clock.py")
    assert "TID251" in _ruff(source, "pipeline/keys/clock.py")


def _by_name(source: str) -> list[str]:
    """Ways to a module that neither import-linter nor ruff's ban sees, as ``line: name``."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in {"__import__", "eval", "exec", "compile"}:
            found.append(f"{node.lineno}: {node.id}")
        if isinstance(node, ast.Attribute) and node.attr in {"modules", "__loader__", "__spec__"}:
            found.append(f"{node.lineno}: {node.attr}")
    return found


def test_nobody_imports_by_other_means() -> None:
    """No __import__, eval, exec, compile or sys.modules in the package; a planted one is found."""
    for file in sorted((TOP / "pipeline").rglob("*.py")):
        assert _by_name(file.read_text(encoding="utf-8")) == [], file.name
    assert _by_name("ROOM = __import__('pipeline.restricted')") == ["1: __import__"]
    assert _by_name("import sys\nROOM = sys.modules['pipeline.restricted']") == ["2: modules"]
    assert _by_name("import re\nre.compile('x')") == []


def _ruff(source: str, name: str) -> str:
    return subprocess.run(
        [BIN / "ruff", "check", "--output-format", "concise", "--stdin-filename", name, "-"],
        cwd=TOP,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
