"""Whose requests are counted together, and how many he has."""

from __future__ import annotations

import pytest

from pipeline.errors import SettingsError
from pipeline.rates import Rates, client, networks

OURS = networks(["10.0.0.0/8", "fd00::/8"], "collect.trusted_proxies")


@pytest.mark.parametrize(
    ("peer", "header", "counted"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # who says so is no proxy of ours
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # the rest he wrote himself
        ("10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", None, "192.0.2.7"),
        ("2001:db8:1:2::9", None, "2001:db8:1:2::/64"),
        ("", None, ""),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours(
    peer: str, header: str | None, counted: str
) -> None:
    assert client(peer, header, OURS) == counted


def test_a_network_that_is_none_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"collect\.trusted_proxies"):
        networks(["10.0.0.0/8", "everybody"], "collect.trusted_proxies")


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
