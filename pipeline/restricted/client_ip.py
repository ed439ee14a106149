"""The client's address in one spelling, so that one client is one client.

An address can be written in many ways (``::ffff:192.0.2.1``, ``2001:DB8:0::1``, ``fe80::1%eth0``);
pseudonyms, look-up tokens and databases all want the same text.
"""

from __future__ import annotations

import ipaddress
from typing import Final

import polars as pl

from pipeline.restricted.distinct import Remembered, distinct

CACHE_LIMIT: Final = 200_000
"""Distinct odd spellings remembered; plain dotted IPv4 needs no memory."""

_LONGEST: Final = 64

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_V4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"


def canonical(text: str) -> str | None:
    """Return the canonical text (RFC 5952 for IPv6), or None where ``text`` is no address.

    IPv4 inside IPv6 (``::ffff:0:0/96``) becomes IPv4; a zone is dropped. Host names, ports,
    octets with leading zeros and anything longer than an address give None.
    """
    if len(text) > _LONGEST:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


_canonical: Final = Remembered(canonical, CACHE_LIMIT)


def forget() -> None:
    """Forget the spellings remembered."""
    _canonical.clear()


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
    return addresses.scatter((~plain.fill_null(value=False)).arg_true(), mended)
