"""How many requests somebody has."""

from __future__ import annotations

from pipeline.rates import Rates


def test_tokens_come_back_evenly() -> None:
    now = [0.0]
    made = Rates(60, lambda: now[0], remembered=100)
    assert [made.take("a") for _ in range(61)] == [0] * 60 + [1]
    assert made.take("b") == 0
    now[0] = 1.0
    assert [made.take("a") for _ in range(2)] == [0, 1]
    now[0] = 3600.0
    assert [made.take("a") for _ in range(100)].count(0) == 60


def test_who_has_none_left_is_told_when_there_is_one() -> None:
    now = [0.0]
    made = Rates(2, lambda: now[0], remembered=100)
    assert [made.take("a") for _ in range(3)] == [0, 0, 30]
    now[0] = 29.5
    assert made.take("a") == 1  # a whole second, and never 0
    now[0] = 30.5
    assert made.take("a") == 0


def test_clients_are_remembered_by_digest_and_not_without_end() -> None:
    made = Rates(1, lambda: 0.0, remembered=100)
    for number in range(1000):
        assert made.take(f"192.0.2.{number}") == 0
    assert len(made._buckets) == 100
    assert all(len(name) == 12 for name in made._buckets)
    assert made.take("192.0.2.999") > 0
    assert made.take("192.0.2.0") == 0  # forgotten
