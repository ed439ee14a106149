"""How often: a bucket of tokens for each client or session, in a bounded memory.

Whose bucket it is, is remembered as a digest under a key of this process, never as an address.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.clock import Stopwatch
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


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Rates:
    """Tokens of each: as many as a minute's, which come back evenly.

    ``remembered`` is how many are told apart: the one seen longest ago is forgotten first.
    """

    def __init__(self, per_minute: int, stopwatch: Stopwatch, *, remembered: int) -> None:
        self._most = float(per_minute)
        self._remembered = remembered
        self._stopwatch = stopwatch
        self._key = secrets.token_bytes(32)
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def take(self, whose: str) -> int:
        """Take a token; return 0, or after how many seconds there is one where there is none."""
        name = hashlib.blake2b(
            whose.encode("utf-8", "replace"), key=self._key, digest_size=12
        ).digest()
        now = self._stopwatch()
        bucket = self._buckets.pop(name, None) or _Bucket(self._most, now)
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at) * self._most / 60)
        bucket.at = now
        self._buckets[name] = bucket  # the one seen last stands last
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) * 60 / self._most))
        bucket.tokens -= 1
        return 0
