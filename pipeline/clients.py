"""Whose requests are counted together: the client behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from pipeline.errors import SettingsError

_HOPS: Final = 32
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def networks(texts: Sequence[str], setting: str) -> tuple[Network, ...]:
    """Read the trusted proxies that ``setting`` names; raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError:
        raise SettingsError(
            f"setting {setting}: give networks such as 10.0.0.0/8 or fd00::/8"
        ) from None


def client(peer: str, forwarded_for: str | None, trusted: Sequence[Network]) -> str:
    """Return whose requests are counted together: the nearest address that is no proxy of ours.

    An IPv6 visitor is his /64. For counting alone: whose address a record is of, split finds out.
    """
    seen = _address(peer)
    hops = (forwarded_for or "").split(",")[-_HOPS:]
    while seen is not None and hops and any(seen in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        seen = before
    if seen is None:
        return peer
    if seen.version == 6:  # noqa: PLR2004 -- the protocol's number
        return str(ipaddress.ip_network((seen, 64), strict=False))
    return str(seen)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
