"""Judges the forms of IPv4 addresses that turn up by chance: packed, and as numbers of 64 bits.

Ten thousand patterns of 32 bits are expected 2.3 times in every megabyte of random bytes, and
pseudonyms, ciphertext and compressed blocks are random. A number of 64 bits that holds an address
is its four bytes and zeros: as likely beside every run of zeros (lengths, padding), one demo in
some tens. Two rules tell a leak from chance:

*Decoys.* Each planted address gets ``DECOYS`` others with its first two octets and as many digits
in the rest, drawn at random, and like itself none that is a time or a size. Where nothing leaked, a
planted address is found as easily as a decoy: of the D distinct addresses found, the number of
planted ones is hypergeometric (Fisher's exact test; permutation makes it exact, whatever the bytes
look like and however often they repeat). A leak is reported when so many or more would be found by
chance less than once in a million.

*Runs.* A column or an array of addresses holds planted ones at equal distances. Four in a row,
three of them different, are reported: chance gives less than one in a terabyte of random bytes. So
a handful of addresses shows too, where the first rule needs dozens: among the numbers of 64 bits,
where chance finds hardly any, five.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from random import Random
from typing import Final

from pipeline.demo.canaries import Pattern
from pipeline.demo.matcher import Matcher
from pipeline.demo.plants import may_be_counted

DECOYS: Final = 15
SIGNIFICANT: Final = 1e-6
_STRIDES: Final = range(4, 65)
_RUN: Final = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many planted addresses and decoys were found packed, and how likely that is by chance."""

    planted: int
    decoys: int
    probability: float

    @property
    def leak(self) -> bool:
        """Whether chance is ruled out."""
        return self.probability < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class Form:
    """How an address lies in a file: the patterns, ``width`` bytes or more, of its four bytes."""

    name: str
    width: int
    patterns: Callable[[bytes], Sequence[bytes]]


def _numbers(raw: bytes) -> Sequence[bytes]:
    """Return the integers of either order of its bytes in either, and both as a float."""
    integers = [int.from_bytes(raw, "big"), int.from_bytes(raw, "little")]
    return [struct.pack(layout, n) for n in integers for layout in ("<Q", ">Q", "<d")]


FORMS: Final = (
    Form("packed", 4, lambda raw: (raw, raw[::-1])),
    Form("64-bit number", 8, _numbers),
)


class Packed:
    """Addresses and their decoys in one form, made once and used for any number of searches."""

    def __init__(self, addresses: Sequence[str], form: Form, seed: int = 1) -> None:
        """Prepare for ``addresses``; equal seeds draw equal decoys."""
        rng = Random(seed)  # noqa: S311 - a search that can be repeated, not a secret
        self.planted: Final = len(addresses)
        everything = list(addresses)
        taken = set(addresses)
        everything += [_decoy(rng, each, taken) for each in addresses for _ in range(DECOYS)]
        self.all: Final = len(everything)
        made = [form.patterns(ipaddress.IPv4Address(text).packed) for text in everything]
        self.owners: Final = [owner for owner, patterns in enumerate(made) for _ in patterns]
        patterns = [Pattern(form.name, data) for patterns in made for data in patterns]
        self.matcher: Final = Matcher(patterns, width=form.width)
        self.patterns: Final = sum(owner < self.planted for owner in self.owners)
        """How many are of planted addresses."""


class PackedSearch:
    """Looks for what is packed, over any number of :meth:`look`."""

    def __init__(self, packed: Packed) -> None:
        """Begin with nothing found."""
        self._packed: Final = packed
        self._found: set[int] = set()

    def look(self, data: bytes) -> list[tuple[int, int]]:
        """Note what ``data`` holds; return (offset, address' index) of the runs of planted ones."""
        planted: dict[int, int] = {}
        for offset, pattern in self._packed.matcher.find(data):
            address = self._packed.owners[pattern]
            self._found.add(address)
            if address < self._packed.planted:
                planted[offset] = address
        return list(_runs(planted))

    def evidence(self) -> Evidence:
        """Return what was found so far."""
        planted = sum(address < self._packed.planted for address in self._found)
        found = len(self._found)
        return Evidence(planted, found - planted, self._at_least(planted, found))

    def _at_least(self, planted: int, found: int) -> float:
        """Return the odds that ``planted`` or more of ``found`` are planted ones, by chance."""
        of, others = self._packed.planted, self._packed.all - self._packed.planted
        ways = sum(
            comb(of, n) * comb(others, found - n) for n in range(planted, min(found, of) + 1)
        )
        return ways / comb(self._packed.all, found)


def _decoy(rng: Random, address: str, taken: set[str]) -> str:
    first, second, *rest = address.split(".")
    counted = may_be_counted(ipaddress.IPv4Address(address))
    while True:
        octets = (_alike(rng, octet) for octet in rest)
        decoy = ".".join((first, second, *octets))
        if decoy not in taken and (counted or not may_be_counted(ipaddress.IPv4Address(decoy))):
            taken.add(decoy)
            return decoy


def _alike(rng: Random, octet: str) -> str:
    """Return a random octet with as many digits."""
    low, high = {1: (0, 9), 2: (10, 99), 3: (100, 255)}[len(octet)]
    return str(rng.randint(low, high))


def _runs(planted: dict[int, int]) -> Iterable[tuple[int, int]]:
    """Yield the first address of each run of ``_RUN`` at equal distances."""
    for offset, address in planted.items():
        for stride in _STRIDES:
            run = [planted.get(offset + step * stride) for step in range(_RUN)]
            if None not in run and len(set(run)) >= _RUN - 1:
                yield offset, address
                break
