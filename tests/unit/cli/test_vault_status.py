"""What a sealed message says of itself neither steers the terminal of who looks nor stops them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipeline.cli.vault import vault
from pipeline.restricted.seal import seal
from pipeline.vault.writer import SegmentWriter
from tests.unit.sealed.records import HOUR, START, day_key, records


@pytest.mark.parametrize(
    ("site", "hour", "told"),
    [
        ("[/x]", START, "[/x]: 2015-05-17"),
        ("\x1b]0;steered\x07", START, "\\x1b]0;steered\\x07: 2015-05-17"),
        ("s", 2**62 // HOUR * HOUR, "s: no time that there is"),
    ],
)
def test_whatever_a_message_says_of_itself_is_printed_as_text(
    tmp_path: Path, site: str, hour: int, told: str
) -> None:
    made = records(range(3)).with_columns(site=pl.lit(site), hour=pl.lit(hour, dtype=pl.Int64))
    (tmp_path / "vault").mkdir()
    writer = SegmentWriter(str(tmp_path / "vault"), 0)
    writer.open()
    for message in seal(made, day_key().key, source="logs.web:0", hour=START):
        writer.add(0, message)
    writer.flush()
    found = CliRunner().invoke(vault, ["status", "--data", str(tmp_path)])
    assert found.exit_code == 0
    assert told in found.output
    assert "\x1b" not in found.output
