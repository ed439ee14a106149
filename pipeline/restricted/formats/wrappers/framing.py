"""Octet counting: a message's length in front of it, as syslog over TCP has it.

https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1. Some relays write the count into their files.
"""

from __future__ import annotations

from typing import Final

import polars as pl

FRAME: Final = "(?:(?P<octets>[1-9][0-9]{0,6}) )?"
"""In front of a pattern whose group ``line`` is what was wrapped."""


def whole(lines: pl.Series, pattern: str) -> pl.Series:
    """Return the group ``line`` of each line; null where it is cut short of its count.

    A count may include the end of the line, which is gone by now.
    """
    found = lines.str.extract_groups(pattern).struct.unnest()
    if found["octets"].null_count() == len(found):
        return found["line"]
    octets = found["octets"].cast(pl.Int64, strict=False)
    there = lines.str.len_bytes() - found["octets"].str.len_bytes() - 1
    return found["line"].set((octets > there.cast(pl.Int64) + 1).fill_null(value=False), None)
