"""The format is guessed from the lines, and not guessed where they do not say."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from pipeline.restricted.formats import FORMATS, detect

LINES: dict[str, str] = {}
for name in ("combined.yaml", "json.yaml"):
    text = (Path(__file__).parent / "fixtures" / name).read_text(encoding="utf-8")
    for quirk in yaml.safe_load(text):
        if "row" in quirk:
            LINES.setdefault(quirk["format"], quirk["line"])


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"nginx"}))
def test_each_format_is_told_from_the_others(name: str) -> None:
    assert detect(pl.Series([LINES[name], "", LINES[name]])).format == name


def test_nginx_and_combined_are_one_layout_so_the_first_is_named() -> None:
    found = detect(pl.Series([LINES["nginx"]]))
    assert found.format == "combined"
    assert found.shares["nginx"] == 1.0


def test_a_few_bad_lines_do_not_matter() -> None:
    found = detect(pl.Series([LINES["combined"]] * 9 + ["cut off"]))
    assert found.format == "combined"
    assert found.reason == "90% of the first 10 lines"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "no line to tell"),
        (["", "  "], "no line to tell"),
        (["dear diary", "nothing happened"], "no line is in a known format"),
        ([LINES["combined"], LINES["common"]], "only 50% of the lines"),
    ],
)
def test_refuses_when_unsure(lines: list[str], reason: str) -> None:
    found = detect(pl.Series(lines, dtype=pl.String))
    assert found.format is None
    assert reason in found.reason
    assert "diary" not in found.reason
