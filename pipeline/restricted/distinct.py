"""Work once per distinct value: what keeps Python loops off the lines.

A batch of lines repeats its addresses, agents and URLs. A column is coded once, Python sees only
the distinct values, the answers are gathered back, and caches that outlive the batch remember
them. The caches hold raw values: they live in memory only, are bounded, and have no repr.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

import polars as pl
import pyarrow as pa

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Missing:
    """Marks a value that a cache does not know; None may be an answer."""


_MISSING: Final = _Missing()

LONGEST_KEY: Final = 1_024
"""Characters of the longest text that is remembered."""


def distinct(column: pl.Series) -> tuple[pl.Series, list[str | None]]:
    """Code a String column: (UInt32 code per row, the distinct values in order of appearance).

    Arrow's dictionary encoding is one hash per row; a join back from ``unique`` takes two, and a
    Polars categorical would keep the raw values in a pool of the process.
    """
    encoded = pa.chunked_array([column.to_arrow()]).combine_chunks().dictionary_encode("encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    # Not by to_numpy: it would load pandas.
    codes = pl.Series("code", encoded.indices).cast(pl.UInt32)
    return codes, encoded.dictionary.to_pylist()


class Remembered(Generic[K, V]):
    """A function with a bounded memory, kept as two generations.

    The young generation is filled to half the limit, then becomes the old one, and what was old is
    forgotten unless it was asked for meanwhile: near enough to least-recently-used, without
    touching a list on every hit. Texts longer than LONGEST_KEY are computed each time: few people
    send such, and with them a limit on entries would be none on memory.
    """

    __slots__ = ("_compute", "_half", "_old", "_young")

    def __init__(self, compute: Callable[[K], V], limit: int) -> None:
        """Remember at most ``limit`` answers of ``compute``."""
        self._compute = compute
        self._half = max(1, limit // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __call__(self, key: K) -> V:
        """Return the answer for ``key``."""
        found = self._young.get(key, _MISSING)
        return self._recall(key) if isinstance(found, _Missing) else found

    def many(self, keys: Sequence[K]) -> list[V]:
        """Return the answers for ``keys``, in order."""
        get = self._young.get
        found = [get(key, _MISSING) for key in keys]
        return [
            self._recall(key) if value is _MISSING else value  # type: ignore[misc]
            for key, value in zip(keys, found, strict=True)
        ]

    def clear(self) -> None:
        """Forget everything."""
        self._young = {}
        self._old = {}

    def _recall(self, key: K) -> V:
        found = self._old.get(key, _MISSING)
        answer = self._compute(key) if isinstance(found, _Missing) else found
        if isinstance(key, str) and len(key) > LONGEST_KEY:
            return answer
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[key] = answer
        return answer
