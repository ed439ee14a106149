"""Tables of cases show what rows say: no column of nothing, none that hides a zero."""

from __future__ import annotations

import pytest

from pipeline.cli.cases_told import table

NAMES = ["case", "held", "read"]


def test_a_column_of_nothing_is_left_out_and_a_zero_is_something(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table(
        [{"case": "C-1", "held": False, "read": 0}, {"case": "C-2", "held": False, "read": 0}],
        NAMES,
    )
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["case", "read"],
        ["C-1", "0"],
        ["C-2", "0"],
    ]


def test_no_rows_are_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    table([], NAMES)
    assert capsys.readouterr().out == ""


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    table([{"case": "C-1", "held": "x" * 300, "read": None}], NAMES)
    assert "x" * 300 in capsys.readouterr().out
