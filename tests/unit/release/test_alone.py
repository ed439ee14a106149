"""A dimension of one value is decided with others at once, and as if it had been alone."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bench.oracle import release
from pipeline.events import DIMENSIONS, UNKNOWN
from pipeline.release import labelling, tables
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, DAY
from tests.unit.release.sites import OF_PERSON, Row, arrivals, small_sites
from tests.unit.release.test_oracle import released


def plain_sites(seed: int, sites: int) -> list[Row]:
    """Small sites in each of which some dimensions have one value only, as of a web server."""
    rng = random.Random(seed)
    rows = small_sites(seed, sites)
    same = {row["site"]: [name for name in DIMENSIONS if rng.random() < 0.6] for row in rows}
    merged: dict[tuple[object, ...], Row] = {}
    for row in rows:
        made = dict(row)
        for name in same[row["site"]]:
            made[name] = f"{row['segment']} {name}" if name in OF_PERSON else f"the {name}"
        key = tuple(value for name, value in made.items() if name not in {"hits", "bytes"})
        merged.setdefault(key, made)
    return list(merged.values())


def told(seed: int, rows: list[Row], k: int) -> list[Any]:
    """Everything a ledger says, with late rows, and a floor of places that some reach."""
    ledger = Ledger(k, 600, DAY, place_floor=k + 3)
    said: list[Any] = []
    for places, watermark, end in arrivals(seed, rows, 600, DAY):
        part = pl.DataFrame([rows[at] for at in places], schema=CELLS)
        output = ledger.apply(part, watermark, end=end)
        said.append(({n: t.rows() for n, t in output.tables.items()}, output.accounts))
    return said


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
def test_the_reference_says_the_same_of_sites_with_one_value(seed: int, k: int) -> None:
    rows = plain_sites(seed, 12)
    made, accounts = released(rows, k, place_floor=k + 3)
    reference = release(rows, k, k + 3)
    assert made == reference.tables
    assert accounts == reference.accounts


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4))
def test_with_late_rows_too_it_is_as_if_each_was_decided_by_itself(seed: int, k: int) -> None:
    rows = plain_sites(seed, 4)
    together = told(seed, rows, k)

    def nowhere(rows: pl.DataFrame, shown: pl.Expr, by: str) -> dict[str, frozenset[int]]:
        del rows, shown, by
        return dict.fromkeys(DIMENSIONS, frozenset())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "single", nowhere)
        patch.setattr(tables, "single", nowhere)
        apart = told(seed, rows, k)
    assert together == apart


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 4))
def test_in_one_pass_or_in_one_for_each_dimension_the_same_is_said(seed: int, k: int) -> None:
    rows = plain_sites(seed, 4)
    together = told(seed, rows, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "_AT_ONCE", 1)
        patch.setattr(tables, "_AT_ONCE", 1)
        apart = told(seed, rows, k)
    assert together == apart


def test_of_a_web_servers_site_each_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The point of it: what a dimension of one value costs does not grow with their number."""
    given, worked = 0, 0
    real = labelling.Labeller.__init__

    def counting(
        self: labelling.Labeller,
        rows: pl.DataFrame,
        rules: Rules,
        work: labelling.Work,
        floors: dict[str, frozenset[int]],
    ) -> None:
        def counted(part: pl.DataFrame, nested: bool, floored: bool) -> labelling.Label:
            nonlocal worked
            worked += part.height
            return work(part, nested, floored)

        nonlocal given
        given += rows.height
        real(self, rows, rules, counted, floors)

    monkeypatch.setattr(labelling.Labeller, "__init__", counting)
    same = {**dict.fromkeys(DIMENSIONS.keys() - OF_PERSON, "the one"), "place": UNKNOWN}
    rows = [{**row, **same} for row in small_sites(3, 2)]
    released(rows, 2, place_floor=9)
    assert 0 < worked <= given * (len(OF_PERSON) + 1)
