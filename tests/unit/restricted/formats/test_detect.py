"""The format is guessed from the lines, and not guessed where they do not say."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.restricted.formats import FORMATS, detect
from tests.unit.restricted.formats.quirks import QUIRKS

LINES: dict[str, str] = {}
FIELDS: dict[str, str] = {}
for quirk in QUIRKS:
    if "row" in quirk and quirk["format"] not in LINES:
        LINES[quirk["format"]] = quirk["line"]
        FIELDS[quirk["format"]] = quirk.get("fields", "")
LOOKALIKES = {"nginx": "combined", "icecast": "combined"}
"""A format all of whose lines another reads as well → that one, which stands before it."""


@pytest.mark.parametrize("name", sorted(set(FORMATS) - set(LOOKALIKES)))
def test_each_format_is_told_from_the_others(name: str) -> None:
    assert detect(pl.Series([LINES[name], "", LINES[name]]), directive=FIELDS[name]).format == name


@pytest.mark.parametrize(("name", "first"), LOOKALIKES.items())
def test_of_two_formats_of_one_layout_the_first_is_named(name: str, first: str) -> None:
    found = detect(pl.Series([LINES[name]]))
    assert found.format == first
    both = pl.Series([LINES[name], "nonsense"])
    shares = detect(both).shares
    assert shares[name] == shares[first] == 0.5


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
        (
            [LINES["combined"], LINES["common"]],
            "unsure of the format: combined reads 50% and common reads",
        ),
    ],
)
def test_refuses_when_unsure(lines: list[str], reason: str) -> None:
    found = detect(pl.Series(lines, dtype=pl.String))
    assert found.format is None
    assert reason in found.reason
    assert "diary" not in found.reason
