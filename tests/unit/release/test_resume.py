"""A ledger rebuilt from the kept log goes on exactly as the lost one would have."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.release.ledger import Ledger, Released, Settled
from pipeline.rows import CELLS, DAY, HOUR
from tests.unit.release.sites import START, arrivals, small_sites

LATENESS, HOLD, FLOOR = 600, 3 * HOUR, 6
Input = tuple[pl.DataFrame, int | None, bool]


class Caller:
    """Keeps what the ledger's module asks for, and drops the rest now and then."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.ledger = Ledger(k, LATENESS, HOLD, place_floor=FLOOR)
        self.log: list[Input] = []
        self.settled = Settled(None, {})
        self.watermark: int | None = None
        self.covered = 0

    def apply(self, given_input: Input) -> Released:
        rows, watermark, end = given_input
        self.log.append(given_input)
        return self.ledger.apply(rows, watermark, end=end)

    def drop(self) -> None:
        oldest = self.ledger.oldest_day
        while self.log and (oldest is None or not _holds(self.log[0][0], oldest)):
            marks = [mark for mark in (self.watermark, self.log.pop(0)[1]) if mark is not None]
            self.watermark = max(marks, default=None)
        self.settled, self.covered = self.ledger.settled(), len(self.log)

    def crash(self) -> None:
        self.ledger = Ledger.resume(
            self.k,
            LATENESS,
            HOLD,
            settled=self.settled,
            watermark=self.watermark,
            covered=self.covered,
            place_floor=FLOOR,
        )
        for rows, watermark, end in self.log:
            self.ledger.apply(rows, watermark, end=end)


def _holds(rows: pl.DataFrame, day: int) -> bool:
    return bool((rows.get_column("hour") >= day).any())


def _inputs(seed: int) -> list[Input]:
    rows = small_sites(seed, 3)
    return [
        (pl.DataFrame([rows[at] for at in part], schema=CELLS), mark, end)
        for part, mark, end in arrivals(seed, rows, LATENESS, HOLD)
    ]


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), k=st.sampled_from([1, 2, 4]), cut=st.integers(0, 15))
def test_resuming_at_any_cut_changes_no_later_output(seed: int, k: int, cut: int) -> None:
    rng = random.Random(seed)
    inputs = _inputs(seed)
    straight, caller = Ledger(k, LATENESS, HOLD, place_floor=FLOOR), Caller(k)
    for at, (rows, watermark, end) in enumerate(inputs):
        if at == cut % len(inputs):
            caller.crash()
        expected = straight.apply(rows, watermark, end=end)
        got = caller.apply((rows, watermark, end))
        assert got.accounts == expected.accounts
        assert {name: table.rows() for name, table in got.tables.items()} == {
            name: table.rows() for name, table in expected.tables.items()
        }
        assert caller.ledger.oldest_day == straight.oldest_day
        if rng.random() < 0.5:
            caller.drop()


def test_the_log_can_be_dropped_once_its_days_have_expired() -> None:
    caller = Caller(2)
    for given_input in _inputs(3):
        caller.apply(given_input)
        caller.drop()
    assert caller.ledger.oldest_day is None
    assert caller.log == []


def test_rows_of_an_expired_day_are_withheld() -> None:
    rows = pl.DataFrame(small_sites(1, 1), schema=CELLS).filter(pl.col("hour") < START + DAY)
    ledger = Ledger(1, LATENESS, HOLD)
    ledger.apply(rows.clear(), START + DAY + LATENESS + HOLD)
    account = ledger.apply(rows, None).accounts["site 00"]
    assert (account.counted, account.released, account.pending) == (rows["hits"].sum(), 0, 0)
    assert account.withheld == account.counted


def test_columns_of_another_shape_are_refused() -> None:
    with pytest.raises(IntegrityError, match="columns"):
        Ledger(2, LATENESS, HOLD).apply(pl.DataFrame({"hour": [1]}), None)
