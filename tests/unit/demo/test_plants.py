"""No planted value is one that a file holds anyway."""

from __future__ import annotations

import datetime as dt
import ipaddress
from functools import cache
from random import Random

import numpy as np
import pytest

from pipeline.demo import canaries
from pipeline.demo.plants import Garden
from pipeline.demo.search import Blob, search
from pipeline.demo.traffic import Traffic, simulate

START = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


@cache
def traffic(seed: int) -> Traffic:
    return simulate(START, seed=seed, lines=1_000)


@pytest.mark.parametrize("seed", range(51))
def test_no_planted_address_reads_as_a_time_or_a_size(seed: int) -> None:
    """A search for it as a number would find the times and sizes of any run."""
    addresses = [canaries.address(plant.value) for plant in traffic(seed).plants]
    old = [address for address in addresses if isinstance(address, ipaddress.IPv4Address)]
    assert len(old) > 50
    for address in old:
        for octets in (address.packed, address.packed[::-1]):
            number = int(octets.hex(), 16)
            assert number >= 1 << 24
            assert not 2020 <= dt.datetime.fromtimestamp(number, dt.UTC).year < 2040


def test_columns_of_times_and_sizes_hold_nobody() -> None:
    """Every second of the weeks around the traffic, and small numbers, in both orders of bytes."""
    now = int(START.timestamp())
    times, sizes = np.arange(now - 10**6, now + 10**6), np.arange(10**6)
    numbers = np.concatenate([times, sizes])
    columns = [Blob("a column", numbers.astype(order).tobytes()) for order in ("<i8", ">i8")]
    plants = [plant for seed in range(20) for plant in traffic(seed).plants]
    addresses = [plant for plant in plants if canaries.address(plant.value) is not None]
    found = search(columns, addresses)
    assert found.clean
    assert [evidence.planted for evidence in found.packed.values()] == [0, 0]


def test_a_network_without_such_an_address_is_refused() -> None:
    garden = Garden(Random(1))
    for network in ("100.64.0.0/10", "198.18.0.0/32"):
        with pytest.raises(ValueError, match="too few addresses"):
            garden.ipv4(network)
