"""A look-up in the benchmark's day finds what was made, and reads little of what there is."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.bench.sealed_day import SITES, START, Day, Plan, _partition, batches, key_of
from pipeline.bench.vault import WrongAnswerError, linked, look_up
from pipeline.investigations.lookup import rows
from pipeline.rows import DAY, HOUR
from pipeline.vault.check import check
from pipeline.vault.storage import LocalStorage

SEGMENTS = 24
PLAN = Plan(30_000, 1, 2**30, HOUR)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    vault = tmp_path_factory.mktemp("day") / "vault"
    return Day(vault, PLAN, _partition(vault, PLAN, 0))


def met(day: Day, times: int) -> str:
    """An address that is met so often."""
    return day.address(int(np.flatnonzero(day.counts == times)[0]))


def size(day: Day) -> int:
    return sum(path.stat().st_size for path in day.vault.rglob("*") if path.is_file())


def test_an_address_met_once_costs_its_frame_and_a_twentieth_of_the_rest(day: Day) -> None:
    found = look_up(day.vault, "once", met(day, 1), PLAN.seed)
    assert (found.records, found.segments, found.frames) == (1, 1, 1)
    files = LocalStorage(day.vault).names("sealed-0/segments")
    assert len(files) == 3 * SEGMENTS
    assert found.found_bytes < size(day) / 20
    assert found.page_bytes < size(day) / 10


@pytest.mark.parametrize("times", [2, 3, 5, 10])
def test_every_record_of_an_address_is_found(day: Day, times: int) -> None:
    found = look_up(day.vault, "some", met(day, times), PLAN.seed)
    assert found.records == times
    assert found.frames <= times


def test_an_address_that_was_never_met_opens_hardly_a_segment(day: Day) -> None:
    found = look_up(day.vault, "never", "203.0.113.9", PLAN.seed)
    assert (found.records, found.frames) == (0, 0)
    assert found.segments <= 1, "a filter is wrong for one token in a thousand"


def test_a_record_of_another_stops_the_benchmark(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    key, _ = key_of(PLAN.seed)
    other = rows(LocalStorage(day.vault), SITES, START, START + DAY - HOUR, None).head(1)
    assert other.item(0, "key_id") == key.key_id
    monkeypatch.setattr("pipeline.bench.vault.rows", lambda *_, **__: other)
    with pytest.raises(WrongAnswerError, match="another's"):
        look_up(day.vault, "some", met(day, 1), PLAN.seed)


def test_a_day_linked_many_times_is_a_vault_that_holds_it_as_often(day: Day) -> None:
    many = linked(day, 2)
    assert check(LocalStorage(many)) == []
    assert look_up(many, "some", met(day, 5), PLAN.seed).records == 10


def test_nothing_is_sealed_together_across_a_flush() -> None:
    seconds = np.array([0, 1, 9, 10, 11, 35])
    assert list(batches(seconds, 10.0)) == [(0, 3), (3, 5), (5, 6)]
