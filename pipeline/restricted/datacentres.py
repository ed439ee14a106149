"""Address → whether it is a data centre's, from a list of networks or an MMDB file."""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pipeline.restricted.mmdb import lookup, open_mmdb

_FLAGS: Final = ("is_hosting_provider", "is_hosting", "hosting", "is_datacenter", "datacenter")
"""How MaxMind's Anonymous IP, ipinfo's privacy and other databases say it of a network."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_datacentres(path: Path) -> Callable[[str], bool]:
    """Return a function from a canonical address to whether it is in the file.

    A file named ``*.mmdb`` is read as one: where its records have one of _FLAGS, that decides,
    else having a record does. Any other is a text with a network a line (``192.0.2.0/24``, or one
    address) and ``#`` before comments. Raises OSError, ValueError or InvalidDatabaseError.
    """
    if path.suffix == ".mmdb":
        reader = open_mmdb(path)
        return lambda address: _says(lookup(reader, address))
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = filter(None, (line.partition("#")[0].strip() for line in lines))
    return Networks(ipaddress.ip_network(text, strict=False) for text in texts)


class Networks:
    """Whether an address lies in one of some networks, by binary search."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, networks: Iterable[Network]) -> None:
        """Sort and merge ``networks``; IPv4 and IPv6 are numbered apart."""
        found = list(networks)
        four = [network for network in found if isinstance(network, ipaddress.IPv4Network)]
        six = [network for network in found if isinstance(network, ipaddress.IPv6Network)]
        merged: dict[int, list[Network]] = {
            4: [*ipaddress.collapse_addresses(four)],
            6: [*ipaddress.collapse_addresses(six)],
        }
        self._starts = {v: [int(n.network_address) for n in mine] for v, mine in merged.items()}
        self._ends = {v: [int(n.broadcast_address) for n in mine] for v, mine in merged.items()}

    def __call__(self, address: str) -> bool:
        """Tell whether ``address`` is in one; text that is no address is in none."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        number = int(parsed)
        at = bisect_right(self._starts[parsed.version], number) - 1
        return at >= 0 and number <= self._ends[parsed.version][at]


def _says(record: object) -> bool:
    if not isinstance(record, dict):
        return record is not None
    flags = [record[flag] for flag in _FLAGS if flag in record]
    return any(flag in (True, 1, "true") for flag in flags) if flags else True
