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


@pytest.mark.parametrize(
    ("head", "fields", "name"),
    [
        ("#Software: Microsoft Internet Information Services 10.0", "date time c-ip", "iis"),
        ("#Version: 1.0", "date time c-ip sc-win32-status", "iis"),
        ("#Version: 1.0", "date time c-ip", "w3c"),
        ("#Software: NetScaler Web Logging", "date time c-ip", "netscaler"),
        ("#Software: SHOUTcast", "c-ip date time avgbandwidth", "shoutcast"),
        ("#Version: 1.0", "date time c-ip x-edge-location", "cloudfront"),
        ("#Software: WebLogic", "date\ttime\tc-ip", "w3c"),
    ],
)
def test_of_extended_logs_the_head_tells_whose_they_are(head: str, fields: str, name: str) -> None:
    """All of them read such lines; what becomes of agents and local times differs."""
    values = {"date": "2015-05-17", "time": "10:05:03", "c-ip": "192.0.2.7"}
    between = "\t" if name == "cloudfront" or "\t" in fields else " "
    line = between.join(values.get(field, "0") for field in fields.split())
    assert detect(pl.Series([head, f"#Fields: {fields}", line])).format == name
    if head == "#Version: 1.0":
        # What a later message of the same file knows of its head.
        assert detect(pl.Series([line]), directive=fields).format == name


def test_varnish_is_told_by_whole_urls() -> None:
    """A prober's absolute request in Apache's log does not make it Varnish's."""
    whole, plain = LINES["varnish"], LINES["combined"]
    assert detect(pl.Series([plain] * 9 + [whole])).format == "combined"
    assert detect(pl.Series([whole] * 9 + [plain])).format == "varnish"


def test_directives_alone_tell_nothing() -> None:
    assert detect(pl.Series(["#Version: 1.0", "#Fields: date time c-ip"])).format is None


def test_what_is_described_is_a_line_and_no_directive() -> None:
    lines = ["#Fields: date time c-ip", *["2015-05-17 10:05:03 192.0.2.7"] * 2, "cut"]
    assert "line 4 of those looked at is not_this_format" in detect(pl.Series(lines)).reason


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
