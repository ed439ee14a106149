"""The client's address in one spelling, so that one client is one client.

An address can be written in many ways (``::ffff:192.0.2.1``, ``2001:DB8:0::1``, ``fe80::1%eth0``);
pseudonyms, look-up tokens and databases all want the same text.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Where a translator puts IPv4 (RFC 6052)."""
_NETWORK_BITS: Final = 64
"""What one subscriber has of IPv6 (RFC 6177): its devices change the other half at will."""

CACHE_LIMIT: Final = 200_000
"""Distinct odd spellings remembered; plain dotted IPv4 needs no memory."""

AROUND: Final = r"^(?:\[([^\]]*)\](?::[0-9A-Za-z._-]*)?|([0-9.]+):[0-9A-Za-z._-]*)$"
"""An address (a group each for IPv6 and IPv4) with a port behind it or brackets around it.

Of IPv6 without brackets a port cannot be told from a group. A port may be a name (RFC 7239, 6.3).
"""

_LONGEST: Final = 64

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_V4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"


def canonical(text: str) -> str | None:
    """Return the canonical text (RFC 5952 for IPv6), or None where ``text`` is no address.

    IPv4 inside IPv6 becomes IPv4: mapped (``::ffff:0:0/96``), translated (``64:ff9b::/96``) and
    6to4 (``2002::/16``, RFC 3056). A zone is dropped. Host names, ports, octets with leading zeros
    and anything longer than an address give None.
    """
    if len(text) > _LONGEST:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(_inner(address) if isinstance(address, ipaddress.IPv6Address) else address)


def _inner(
    address: ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, or itself."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # Zones compare as unequal, so that the address is built anew.
    return address.ipv4_mapped or address.sixtofour or ipaddress.IPv6Address(int(address))


def subscriber(address: str) -> str:
    """Return what visitors are told apart by: IPv4 whole, of IPv6 the first 64 bits.

    ``address`` is canonical text.
    """
    if ":" not in address:
        return address
    half = int(ipaddress.IPv6Address(address)) >> _NETWORK_BITS << _NETWORK_BITS
    return str(ipaddress.IPv6Address(half))


_canonical: Final = Remembered(canonical, CACHE_LIMIT)
_subscriber: Final = Remembered(subscriber, CACHE_LIMIT)


def forget() -> None:
    """Forget the spellings remembered."""
    _canonical.clear()
    _subscriber.clear()


def canonical_column(addresses: pl.Series) -> pl.Series:
    """Return the canonical text of each address (String), null where it is none.

    Dotted IPv4 without leading zeros is its own canonical text and stays in Polars.
    """
    plain = addresses.str.contains(_PLAIN_V4)
    if plain.all(ignore_nulls=False):
        return addresses
    odd = addresses.filter(~plain.fill_null(value=False))
    codes, values = distinct(odd)
    mended = pl.Series(
        "address",
        [None if value is None else _canonical(value) for value in values],
        dtype=pl.String,
    ).gather(codes)
    # A copy: to scatter writes into the column itself.
    return addresses.clone().scatter((~plain.fill_null(value=False)).arg_true(), mended)


def subscriber_column(addresses: pl.Series) -> pl.Series:
    """Return ``subscriber`` of each canonical address (String); null stays null."""
    long = addresses.str.contains(":", literal=True)
    if not long.any():
        return addresses
    codes, values = distinct(addresses.filter(long))
    cut = pl.Series([_subscriber(value or "") for value in values], dtype=pl.String)
    return addresses.clone().scatter(long.arg_true(), cut.gather(codes))
