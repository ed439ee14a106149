"""docs/formats.md knows every format, every wrapper and every reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.restricted.formats import FORMATS, WRAPPERS
from pipeline.restricted.judge import REASONS

TEXT = (
    (Path(__file__).parents[4] / "docs/formats.md")
    .read_text(encoding="utf-8")
    .partition("## How")[0]
)
ROWS = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    "name", [*FORMATS, "auto", *(f"{name}." for name in WRAPPERS), *sorted(REASONS)]
)
def test_each_has_its_row(name: str) -> None:
    assert any(f"`{name}`" in row for row in ROWS), name


def test_no_row_names_what_is_not_there() -> None:
    named = {name for row in ROWS for name in re.findall("`([^`]+)`", row)}
    known = {*FORMATS, "auto", "--format", *(f"{name}." for name in WRAPPERS), *REASONS}
    assert named <= known
