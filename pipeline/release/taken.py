"""How far the cuts of each origin have been taken, so that none of their rows is taken twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.rows import CellsHeader

_NOWHERE: Final = (-1, 0)


class Taken:
    """Origin → position of its newest cut, and how many rows of that were had."""

    def __init__(self) -> None:
        self._reach: dict[int, tuple[int, int]] = {}

    def new(self, header: CellsHeader, height: int) -> int | None:
        """Take note of a message; return how many of its rows were had before, None for all."""
        cut, taken = self._reach.get(header.origin, _NOWHERE)
        # The watermark at the end of a cut counts as one more row: it must not be lost either.
        reach = header.position, header.first + height + (header.watermark is not None)
        if reach <= (cut, taken):
            return None
        self._reach[header.origin] = reach
        return max(0, taken - header.first) if header.position == cut else 0

    def saved(self) -> dict[str, tuple[int, int]]:
        """Return what ``restore`` takes, as JSON has it."""
        return {str(origin): at for origin, at in self._reach.items()}

    def restore(self, saved: Mapping[str, Sequence[int]]) -> None:
        """Go on from what was saved."""
        self._reach = {int(origin): (at[0], at[1]) for origin, at in saved.items()}
