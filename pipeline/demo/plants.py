"""Personal values that exist nowhere else, so that finding one anywhere proves a leak.

Addresses come from ranges set aside for documentation, benchmarks and private use; mail domains
and telephone numbers from those set aside for examples; everything else is made up. Each value
is handed out once and is at least eight bytes long: a shorter one would turn up by chance. For the
same reason no address is one that a column of numbers may hold, see ``may_be_counted``.
"""

from __future__ import annotations

import ipaddress
import string
import uuid
from dataclasses import dataclass
from random import Random
from typing import Final

_SYLLABLES: Final = (
    "ba", "bel", "bron", "cal", "cor", "dar", "del", "dun", "el", "fan", "fer", "gal", "gor",
    "hal", "hov", "il", "jar", "kel", "kor", "lan", "lom", "mar", "mir", "nal", "nev", "or", "pel",
    "quil", "ras", "rov", "sal", "sev", "tam", "tor", "ul", "van", "vel", "wen", "yor", "zan",
    "zor",
)  # fmt: skip
_SHORTEST: Final = 11
"""Shorter addresses and names are parts of version numbers, of words and of each other."""

_TRIES: Final = 10_000

_SMALL: Final = range(1 << 24)
"""Sizes, offsets, ports, counts."""
_TIMES: Final = range(1_577_836_800, 2_208_988_800)
"""Seconds since 1970 of 2020 to 2040: whenever the demo runs, and the same addresses each time."""

_DOMAINS: Final = ("example.org", "example.com", "example.net", "mail.example", "post.example")


@dataclass(frozen=True, slots=True, repr=False)
class Plant:
    """A planted value as plain text, decoded, and what sort of personal data it plays."""

    kind: str
    value: str


class Garden:
    """Hands out planted values and remembers them, in order."""

    def __init__(self, rng: Random) -> None:
        """Draw from ``rng``; equal states grow equal gardens."""
        self._rng = rng
        self._grown: dict[str, str] = {}

    @property
    def plants(self) -> tuple[Plant, ...]:
        """Every value handed out so far."""
        return tuple(Plant(kind, value) for value, kind in self._grown.items())

    def plant(self, kind: str, value: str) -> str:
        """Remember ``value`` where it was made elsewhere (a whole user agent), and return it."""
        self._grown.setdefault(value, kind)
        return value

    def ipv4(self, network: str, kind: str = "address") -> str:
        """Return an address of ``network`` that was not handed out before, and is no number.

        Raises ValueError where ``network`` has hardly any left.
        """
        net = ipaddress.IPv4Network(network)
        for _ in range(_TRIES):
            address = net[self._rng.randrange(net.num_addresses)]
            text = str(address)
            if len(text) >= _SHORTEST and text not in self._grown and not may_be_counted(address):
                return self.plant(kind, text)
        raise ValueError(f"{network} has too few addresses that are no numbers of other things")

    def ipv6(self, kind: str = "address") -> str:
        """Return a fresh address of 2001:db8::/32, in its canonical text."""
        number = (0x20010DB8 << 96) | self._rng.getrandbits(96)
        return self.plant(kind, str(ipaddress.IPv6Address(number)))

    def name(self) -> str:
        """Return a fresh made-up surname with its capital letter."""
        return self.word("name", capital=True)

    def word(self, kind: str, *, capital: bool = False) -> str:
        """Return a fresh made-up word of four to five syllables, lower case."""
        while True:
            text = "".join(self._rng.choices(_SYLLABLES, k=self._rng.randint(4, 5)))
            text = text.title() if capital else text
            if len(text) >= _SHORTEST and text not in self._grown:
                return self.plant(kind, text)

    def email(self) -> str:
        """Return a fresh mail address; its local part is planted by itself as well."""
        first = "".join(self._rng.choices(_SYLLABLES, k=2))
        local = f"{first}.{self.word('e-mail name')}"
        return self.plant("e-mail", f"{local}@{self._rng.choice(_DOMAINS)}")

    def hexadecimal(self, kind: str, digits: int = 32) -> str:
        """Return fresh hexadecimal digits, as session cookies and install ids have them."""
        return self.plant(kind, f"{self._rng.getrandbits(4 * digits):0{digits}x}")

    def token(self, kind: str = "token", length: int = 28) -> str:
        """Return a fresh token of letters, digits, ``-`` and ``_``."""
        alphabet = string.ascii_letters + string.digits + "-_"
        return self.plant(kind, "".join(self._rng.choices(alphabet, k=length)))

    def uuid(self, kind: str = "uuid") -> str:
        """Return a fresh random UUID."""
        return self.plant(kind, str(uuid.UUID(int=self._rng.getrandbits(128), version=4)))

    def phone(self) -> str:
        """Return a fresh number of the block 555-0100 to 555-0199, without its plus sign."""
        while True:
            area = f"{self._rng.randint(2, 9)}{self._rng.randint(0, 8)}{self._rng.randint(0, 9)}"
            text = f"1{area}55501{self._rng.randint(0, 99):02d}"
            if text not in self._grown:
                return self.plant("phone", text)

    def card(self) -> str:
        """Return a fresh 16-digit number of a test range whose check digit (Luhn) is right."""
        body = f"400000{self._rng.randrange(10**9):09d}"
        doubled = (int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(body))
        check = -sum(d - 9 if d > 9 else d for d in doubled) % 10  # noqa: PLR2004
        return self.plant("card", f"{body}{check}")


def may_be_counted(address: ipaddress.IPv4Address) -> bool:
    """Tell whether an address, read in either order of its bytes, is a number that files hold.

    An address is searched for as a 64-bit integer as well: its four bytes and four zeros. A column
    of times (seconds) or of sizes is made of such integers, and where one of them happens to be
    somebody's address (198.19.4.107 backwards is a second of November 2026), the search would find
    a person who is not there. What is no such number when it is planted cannot be taken for one.
    """
    packed = address.packed
    numbers = (int.from_bytes(packed, "big"), int.from_bytes(packed, "little"))
    return any(number in _SMALL or number in _TIMES for number in numbers)
