"""Made-up personal values in the spellings in which they turn up in paths.

A corpus of classes: each is a kind of value, what joins its groups, and what stands around it. A
test draws many values of a class, and says which share of them may get through.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

Groups = Callable[[random.Random], list[str]]
"""Draws a value, as the groups that a separator joins."""

SEPARATORS: Final = (
    *"-_.:,~+!(*/",
    "--",
    ".-",
    "\N{EN DASH}",
    "\N{EM DASH}",
    "\N{NON-BREAKING HYPHEN}",
    "\N{MINUS SIGN}",
    "\N{FULLWIDTH FULL STOP}",
    "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}",
    "%E2%80%93",
)
"""What joins groups. Blanks, brackets and symbols are left out: with them nothing stays anyway."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One class: ``before``, the groups joined with ``separator``, ``after``."""

    groups: Groups
    separator: str = ""
    before: str = ""
    after: str = ""

    def drawn(self, rng: random.Random) -> str:
        """Draw a value as it stands in a path."""
        return self.before + self.separator.join(self.groups(rng)) + self.after

    def is_in(self, page: str) -> bool:
        """Tell whether ``page``, of ``/x/value``, is more than a placeholder in what stands around.

        So the last four digits of a card count as much as all sixteen.
        """
        before = "[a-z]*[0-9]*-?" if self.before else ""
        return re.fullmatch(rf"/x/{before}:[a-z]+(?:{re.escape(self.after)})?", page) is None


def share_seen(page: Callable[[str], str], spelling: Spelling, number: int = 300) -> float:
    """Return which share of ``number`` drawn values can be seen, wholly or in part."""
    rng = random.Random(20150517)
    values = [spelling.drawn(rng) for _ in range(number)]
    return sum(spelling.is_in(page(f"/x/{value}")) for value in values) / number


def share_whole(page: Callable[[str], str], spelling: Spelling, number: int = 2_000) -> float:
    """Return which share of ``number`` drawn values is wholly seen."""
    rng = random.Random(20150517)
    values = [spelling.drawn(rng) for _ in range(number)]
    return sum(value in page(f"/x/{value}") for value in values) / number


def ipv4(rng: random.Random) -> list[str]:
    """Four decimal octets."""
    return [str(octet) for octet in rng.randbytes(4)]


def packed_ipv4(rng: random.Random) -> list[str]:
    """Four hexadecimal octets."""
    return [f"{octet:02x}" for octet in rng.randbytes(4)]


def ipv6(rng: random.Random) -> list[str]:
    """Eight groups without leading zeros, in blocks that registries have given out."""
    block = rng.choice([0x2001, 0x2003, 0x2A00, 0x2A02, 0x2600, 0x2409, 0x2804])
    address = IPv6Address(block << 112 | rng.getrandbits(112))
    return [f"{int(group, 16):x}" for group in address.exploded.split(":")]


def ipv6_network(rng: random.Random) -> list[str]:
    """The first 64 bits: a household's."""
    return ipv6(rng)[:4]


def mac(rng: random.Random) -> list[str]:
    """Six octets, as on most devices."""
    return [f"{octet:02x}" for octet in rng.randbytes(6)]


def mac_in_three(rng: random.Random) -> list[str]:
    """Three groups of four, as Cisco writes them."""
    return [rng.randbytes(2).hex() for _ in range(3)]


def coordinates(rng: random.Random) -> list[str]:
    """Latitude and longitude to ten metres."""
    return [f"{rng.uniform(0, 90):.4f}", f"{rng.uniform(0, 180):.4f}"]


def digits(*sizes: int) -> Groups:
    """Return what draws groups of so many digits; the first has no leading zero."""

    def draw(rng: random.Random) -> list[str]:
        first, *others = ["".join(rng.choices(string.digits, k=size)) for size in sizes]
        return [rng.choice("123456789") + first[1:], *others]

    return draw


def drawn(alphabet: str, *sizes: int) -> Groups:
    """Return what draws groups of so many characters of an alphabet."""
    return lambda rng: ["".join(rng.choices(alphabet, k=size)) for size in sizes]


def address_at(host: str) -> Groups:
    """Return what draws an e-mail address at ``host``: its local part and the host."""
    names = ["alice", "bob", "j.smith", "mary_ann", "k-o", "anna2"]
    return lambda rng: [rng.choice(names), host]
