"""Requests as numbers: indices into a site's pools, before any text is made of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

MICROS: Final = 1_000_000
METHODS: Final = ("GET", "POST", "HEAD")
GET, POST, HEAD = range(3)
PROTOCOLS: Final = ("HTTP/1.1", "HTTP/2.0", "HTTP/1.0")
NONE: Final = -1
"""Stands for no target, referrer or method: the client's bytes were no request."""

SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "time": pl.Int64,
    "first": pl.UInt64,
    "second": pl.UInt64,
    "agent": pl.Int64,
    "target": pl.Int64,
    "referrer": pl.Int64,
    "method": pl.Int64,
    "protocol": pl.Int64,
    "status": pl.Int64,
    "bytes": pl.Int64,
    "duration": pl.Int64,
    "port": pl.Int64,
}
"""``time`` and ``duration`` in microseconds, the time since 1970 UTC; ``bytes`` of the body."""

Column = npt.NDArray[np.int64] | npt.NDArray[np.uint64] | int


def hits(rng: np.random.Generator, count: int, **columns: Column) -> pl.DataFrame:
    """Return SCHEMA of ``count`` rows; what is not given is drawn or the usual."""
    usual: dict[str, Column] = {
        "second": 0,
        "method": GET,
        "protocol": 0,
        "status": 200,
        "bytes": rng.lognormal(9, 1.2, count).astype(np.int64) + 64,
        "duration": rng.lognormal(9.5, 1.3, count).astype(np.int64) + 90,
        "port": rng.integers(1024, 65536, count),
    }
    made = {**usual, **columns}
    return pl.DataFrame(
        {
            name: np.broadcast_to(np.asarray(made[name]), count).astype(
                np.uint64 if kind is pl.UInt64 else np.int64
            )
            for name, kind in SCHEMA.items()
        },
        schema=SCHEMA,
    )
