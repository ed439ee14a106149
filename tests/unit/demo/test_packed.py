"""Addresses as plain numbers are told from chance, in both directions."""

from __future__ import annotations

import ipaddress
import struct
from random import Random
from typing import Literal

import pytest

from pipeline.demo.packed import FORMS, Packed, PackedSearch
from pipeline.demo.plants import Garden

PACKED, NUMBER = FORMS


@pytest.fixture(scope="module")
def addresses() -> list[str]:
    """As many addresses as a demo plants."""
    garden = Garden(Random(9))
    return [garden.ipv4("198.18.0.0/15") for _ in range(3_000)]


@pytest.mark.parametrize("seed", range(2))
def test_chance_hits_in_random_bytes_are_no_leak(addresses: list[str], seed: int) -> None:
    """Packed forms are found in ciphertext, decoys as often."""
    search = PackedSearch(Packed(addresses, PACKED))
    assert not search.look(Random(seed).randbytes(10_000_000))
    evidence = search.evidence()
    assert evidence.planted + evidence.decoys > 100
    assert not evidence.leak


@pytest.mark.parametrize("seed", range(2))
def test_chance_hits_beside_zeros_are_no_leak(addresses: list[str], seed: int) -> None:
    """Random bytes, and the padding after them, look like a number that is an address."""
    search = PackedSearch(Packed(addresses, NUMBER))
    noise = Random(seed).randbytes(4 * 1_500_000)
    padded = b"".join(noise[at : at + 4] + bytes(4) for at in range(0, len(noise), 4))
    assert not search.look(padded)
    evidence = search.evidence()
    assert evidence.planted + evidence.decoys > 20
    assert not evidence.leak


@pytest.mark.parametrize("order", [1, -1])
def test_scattered_addresses_are_a_leak(addresses: list[str], order: int) -> None:
    """Forty of three thousand addresses, anywhere in megabytes of random bytes."""
    rng = Random(4)
    noise = bytearray(rng.randbytes(4_000_000))
    for address in rng.sample(addresses, 40):
        at = rng.randrange(len(noise) - 4)
        noise[at : at + 4] = ipaddress.IPv4Address(address).packed[::order]
    search = PackedSearch(Packed(addresses, PACKED))
    search.look(bytes(noise))
    assert search.evidence().leak


@pytest.mark.parametrize("layout", ["<q", "!q", "<d"])
@pytest.mark.parametrize("order", ["big", "little"])
def test_five_scattered_numbers_are_a_leak(
    addresses: list[str], layout: str, order: Literal["big", "little"]
) -> None:
    """Chance hardly ever makes one, so that five are enough."""
    rng = Random(5)
    noise = bytearray(rng.randbytes(4_000_000))
    for address in rng.sample(addresses, 5):
        at = rng.randrange(len(noise) - 8)
        number = int.from_bytes(ipaddress.IPv4Address(address).packed, order)
        noise[at : at + 8] = struct.pack(layout, number)
    search = PackedSearch(Packed(addresses, NUMBER))
    search.look(bytes(noise))
    assert search.evidence().leak


@pytest.mark.parametrize("stride", [4, 16, 33])
def test_a_few_addresses_in_a_column_are_a_leak(addresses: list[str], stride: int) -> None:
    """Four rows are enough."""
    rows = (ipaddress.IPv4Address(a).packed + b"x" * (stride - 4) for a in addresses[:4])
    search = PackedSearch(Packed(addresses, PACKED))
    ((offset, _),) = search.look(Random(2).randbytes(1_001) + b"".join(rows))
    assert offset == 1_001


def test_decoys_are_unlike_every_planted_address(addresses: list[str]) -> None:
    """Decoys alone are no leak, and nothing found proves nothing."""
    search = PackedSearch(Packed(addresses, PACKED))
    assert search.evidence().probability == 1.0
    search.look(b"".join(ipaddress.IPv4Address(a).packed for a in addresses[:100]))
    assert search.evidence().planted == 100
    assert search.evidence().decoys == 0
