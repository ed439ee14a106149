"""Figures are one object for machines and ratios for people."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipeline.bench.figures import Figures

FIGURES = Figures(
    lines=1_000_000,
    parity=True,
    end_to_end=120_000.4,
    end_to_end_unsealed=150_000,
    polars_parse=600_000,
    faust_per_event=5_000,
    rsyslog_mmanon=80_000,
    peak_memory={"split": 512 << 20},
    stages={"split": 6.123, "load": 0.5},
)


def test_the_document_has_what_was_promised() -> None:
    """A rate or null for each, parity true, ratios as they are."""
    document = FIGURES.document()
    assert document["end_to_end"] == {"lines_per_second": 120_000}
    assert document["goaccess"] is None
    assert document["parity"] is True
    assert document["privacy_tax"] == pytest.approx(0.2)
    assert document["ratios"] == {
        "end_to_end_unsealed": 0.8,
        "polars_parse": 0.2,
        "faust_per_event": 24.0,
        "rsyslog_mmanon": 1.5,
    }
    assert {"polars_parse", "faust_per_event", "rsyslog_mmanon"} < set(document)


def test_the_tables_show_ratios_and_what_was_not_run() -> None:
    """Nothing is left out silently."""
    console = Console(file=io.StringIO(), width=120)
    console.print(*FIGURES.tables())
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "24.00 x" in text
    assert "not run" in text
    assert "sealing takes 20%" in text
    assert "512" in text


def test_a_run_without_extras_has_no_empty_table() -> None:
    """Only the end to end figure is needed."""
    assert len(Figures(lines=1, parity=True, end_to_end=1.0).tables()) == 1
    assert Figures(lines=1, parity=True, end_to_end=None).ratios() == {}
