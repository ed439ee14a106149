"""How many requests a client may make: a bucket of tokens for each, in a bounded memory.

Clients are remembered by a digest under a key of this process, never by address.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.clock import Stopwatch
from pipeline.errors import SettingsError

_REMEMBERED: Final = 65_536
_HOPS: Final = 32
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def networks(texts: Sequence[str], setting: str = "collect.trusted_proxies") -> tuple[Network, ...]:
    """Read a setting of trusted proxies; raises SettingsError."""
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


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Tokens of each client: as many as a minute's, which come back evenly."""

    def __init__(self, per_minute: int, stopwatch: Stopwatch) -> None:
        self._most = float(per_minute)
        self._stopwatch = stopwatch
        self._key = secrets.token_bytes(32)
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def take(self, client_: str) -> bool:
        """Take a token of the client's; False where none is left."""
        name = hashlib.blake2b(
            client_.encode("utf-8", "replace"), key=self._key, digest_size=12
        ).digest()
        now = self._stopwatch()
        bucket = self._buckets.pop(name, None) or _Bucket(self._most, now)
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at) * self._most / 60)
        bucket.at = now
        self._buckets[name] = bucket  # the one seen last stands last
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
