"""Entries and exits of what does not change during a visit are told where they are as many."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline import policy
from pipeline.attack.numbers import number
from pipeline.attack.tries import attack
from pipeline.events import DIMENSIONS
from pipeline.release.ledger import Ledger
from pipeline.release.rules import Rules
from pipeline.rows import CELLS, HOUR
from tests.unit.release.sites import START

K, LATENESS, HOLD = 3, 600, 12 * HOUR
CROSSINGS = policy.load().current.crossings


def views(visitor: int, system: str, *moments: int) -> list[dict[str, Any]]:
    same = dict.fromkeys(DIMENSIONS, "same")
    return [
        {
            **same, "system": system, "site": "s", "hour": START + moment // HOUR * HOUR,
            "segment": "view", "visitor": visitor, "second": moment % HOUR, "hits": 1, "bytes": 1,
        }
        for moment in moments
    ]  # fmt: skip


def findings(rules: Rules | None) -> list[str]:
    """Three visits of Windows in one hour, and one that goes on into the next, alone there."""
    rows = [row for visitor in range(3) for row in views(visitor, "Windows", 0, 60)]
    rows += views(3, "Windows", HOUR - 60, HOUR + 60)
    rows += [row for at in range(6) for row in views(10 + at, "Linux", 0, 60)]
    rows += [row for at in range(6) for row in views(20 + at, "Linux", HOUR, HOUR + 60)]
    rows += [row for at in range(4) for row in views(30 + at, "macOS", HOUR, HOUR + 60)]
    ledger = Ledger(K, LATENESS, HOLD, crossings=CROSSINGS, rules=rules)
    frame = pl.DataFrame(rows, schema=CELLS)
    moments = [(frame.filter(hour=START + at * HOUR), START + at * HOUR + 1) for at in (0, 1)]
    told = [ledger.apply(some, watermark) for some, watermark in moments]
    told.append(ledger.apply(frame.clear(), None, end=True))
    numbers = [
        number(table, {**cell, "ingest": "i", "start": cell["window_start"]})
        for one in told
        for table, cells in one.tables.items()
        for cell in cells.to_dicts()
    ]
    return [found.what for found in attack(numbers, K).findings]


def test_a_visit_that_goes_on_into_an_hour_that_hides_it_is_not_told_apart() -> None:
    assert findings(None) == []
    assert any("as many visits end as begin" in what for what in findings(Rules(equal=False)))
