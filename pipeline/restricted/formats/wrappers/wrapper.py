"""The shape of a wrapper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

Unwrap = Callable[[pl.Series], pl.Series]
"""Lines (String) → what was wrapped, in order; null where a line is not of the wrapper's shape."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """What stands around a line: its name, a line about it for people, and how it comes off."""

    name: str
    about: str
    unwrap: Unwrap
