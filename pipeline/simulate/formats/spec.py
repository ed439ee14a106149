"""What a format of the simulator is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

NO_AGENT: Final = "agent"
NO_REFERRER: Final = "referrer"
NO_METHOD: Final = "method"
NO_BROKEN: Final = "broken"

Write = Callable[[pl.DataFrame], pl.Series]
"""``requests.SCHEMA`` → a line (String) per row, without its end."""
Header = Callable[[int], list[str]]
"""Day since 1970 UTC → the directives a file begins with, or goes on with on another day."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, its writer, and what its lines cannot say.

    ``lacks``: NO_AGENT, NO_REFERRER, NO_METHOD; NO_BROKEN where connections without a request
    are not logged. ``clf``: its addresses may be host names, its times stand in ``[day/``.
    """

    name: str
    write: Write
    lacks: frozenset[str] = frozenset()
    header: Header | None = None
    clf: bool = False
    end: str = "\n"
