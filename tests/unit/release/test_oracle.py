"""The ledger says exactly what the slow reference works out, cell by cell."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bench.oracle import release
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, COUNTS, DAY
from tests.unit.release.sites import Row, small_sites


def released(
    rows: list[Row], k: int, rules: Rules | None = None, place_floor: int = 1
) -> tuple[Any, Any]:
    """Return tables and accounts of one apply, in the shapes of the reference."""
    ledger = Ledger(k, 600, DAY, place_floor=place_floor, rules=rules)
    output = ledger.apply(pl.DataFrame(rows, schema=CELLS), None, end=True)
    tables: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = {}
    for name, table in output.tables.items():
        if name == "pair_daily":
            continue
        found = tables.setdefault(name, {})
        for row in table.to_dicts():
            key = tuple(row[name] for name in table.columns if name not in {*COUNTS, "revision"})
            found[key] = (row["hits"], row.get("bytes"), row["visitors"])
    accounts = {s: (a.counted, a.released, a.withheld) for s, a in output.accounts.items()}
    return tables, accounts


@settings(max_examples=14)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6), more=st.integers(0, 9))
def test_ledger_and_reference_agree(seed: int, k: int, more: int) -> None:
    rows = small_sites(seed, 12)
    reference = release(rows, k, k + more)
    tables, accounts = released(rows, k, place_floor=k + more)
    assert tables == reference.tables
    assert accounts == reference.accounts


@pytest.mark.parametrize("floor", [1, 8])
def test_the_comparison_notices_the_floor(floor: int) -> None:
    """The ledger with it, the reference without, and the other way round."""
    rows = small_sites(1, 40)
    assert released(rows, 3, place_floor=floor)[0] != release(rows, 3, 9 - floor).tables


OF_PAIRS = {
    "equal", "rests", "pools", "confined", "leaves", "moves", "paths", "triangles", "reserve",
    "either_way", "parts", "paces",
}  # fmt: skip
"""The reference knows no pairs and no minutes: whoever attacks them finds these (tests/wall)."""


@pytest.mark.parametrize(
    "rule", [f.name for f in fields(Rules) if f.name not in {"late", *OF_PAIRS}]
)
def test_the_comparison_notices_each_rule(rule: str) -> None:
    """So small sites do exercise every rule that can matter without late rows."""
    off = Rules(**{rule: False})
    for seed in range(40):
        rows = small_sites(seed, 40)
        if released(rows, 3, off)[0] != release(rows, 3).tables:
            return
    pytest.fail(f"no site needed the rule {rule}")
