"""What a file's name says of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.apps import ship
from pipeline.clock import system_clock

LINE = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "Mozilla/5.0"\n'


@pytest.mark.parametrize(
    ("name", "source", "label"),
    [
        ("access.log", None, "access.log"),
        ("shop one.log", None, "shop-one.log"),
        ("alice@example.com.log", None, "file"),
        ("alice@example.com.log", "mail", "mail"),
        ("...", None, "file"),
    ],
)
def test_a_source_is_a_files_name_unless_it_looks_like_an_address(
    tmp_path: Path, name: str, source: str | None, label: str
) -> None:
    (tmp_path / name).write_text(LINE)
    [plan] = ship.plan([str(tmp_path / name)], "s", source, "combined", "b1", system_clock)
    assert plan.tags.source == label
