"""Comparators read every line of what they are given, or say that they are not installed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.bench import comparators, generate


@pytest.fixture(scope="module")
def lines() -> pl.Series:
    """A few thousand lines."""
    (day,) = generate.days(3_000)
    return day


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same lines as a file."""
    file = tmp_path_factory.mktemp("bench") / "access.log"
    generate.generate(file, 3_000)
    return file


def test_polars_parses_every_line(lines: pl.Series) -> None:
    """A pattern that misses lines would be fast for nothing."""
    assert comparators.polars_parse(lines) > 0
    with pytest.raises(ValueError, match="not in the combined format"):
        comparators.polars_parse(pl.Series(["no such line"]))


def test_goaccess_is_measured_where_installed(path: Path) -> None:
    """A rate, or None."""
    rate = comparators.goaccess(path, 3_000)
    assert rate is None or rate > 0


def test_mmanon_is_measured_where_installed(path: Path) -> None:
    """A rate, or None; the daemon has ended and its folder is gone."""
    rate = comparators.rsyslog_mmanon(path, 3_000)
    assert rate is None or rate > 0


def test_missing_programs_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without them still has a benchmark."""
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert comparators.goaccess(path, 3_000) is None
    assert comparators.rsyslog_mmanon(path, 3_000) is None
