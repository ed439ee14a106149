"""What is added up for both faces of a report."""

from __future__ import annotations

from pipeline.events import DIMENSIONS
from pipeline.report.summary import TITLES


def test_every_dimension_has_a_title_of_its_own() -> None:
    """One without would be shown under its column's name, after all others."""
    assert set(TITLES) == set(DIMENSIONS)
    assert len(set(TITLES.values())) == len(TITLES)
