"""Times as logs write them."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

CLF: Final = "%d/%b/%Y:%H:%M:%S %z"
ISO: Final = "%Y-%m-%dT%H:%M:%S"


def stamps(
    frame: pl.DataFrame, pattern: str, *, local: bool = False, of: str = "time"
) -> pl.Series:
    """Return a column of microseconds since 1970 UTC as text, whole seconds.

    ``local`` writes it in the frame's zone; each distinct second is made into text once.
    """
    distinct, inverse = np.unique(frame[of].to_numpy() // 1_000_000, return_inverse=True)
    moments = pl.from_epoch(pl.Series(of, distinct), "s").dt.replace_time_zone("UTC")
    if local and len(frame):
        moments = moments.dt.convert_time_zone(frame["zone"][0])
    return moments.dt.strftime(pattern).gather(pl.Series(inverse))


def iso(frame: pl.DataFrame, digits: int, *, of: str = "time", ending: str = "Z") -> pl.Series:
    """Return UTC times of ISO 8601 with a fraction of up to nine ``digits``."""
    whole = stamps(frame, ISO, of=of)
    if not digits:
        return whole + ending
    fraction = (frame[of] % 1_000_000).cast(pl.String).str.zfill(6) + "000"
    return whole + "." + fraction.str.head(digits) + ending
