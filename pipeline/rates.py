"""How often: a bucket of tokens for each client or session, in a bounded memory.

Whose bucket it is, is remembered as a digest under a key of this process, never as an address.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from pipeline.clock import Stopwatch


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
