"""Names and widths of a log's files: https://c2sp.org/tlog-tiles.

A tile holds 256 hashes of one level, a bundle the 256 entries under a tile of level 0. The last of
each is partial, and its width is part of its name. A log keeps the files of its present size and no
others, so that every name in its folder is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 256
"""Hashes of a full tile, entries of a full bundle."""

ENTRIES: Final = -1
"""The "level" of a bundle of entries, which lies beneath the tiles of level 0."""

LEVELS: Final = 8
"""Levels a log may have: 256**8 entries are more than anyone writes."""

CHECKPOINT: Final = "checkpoint"
NEW_CHECKPOINT: Final = "checkpoint.new"
"""Where the next checkpoint is written before it takes its place."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile, or a bundle of entries, of ``width`` 1 to 256."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def name(self) -> str:
        """Path under the log's folder."""
        stem = f"tile/{folder_of(self.level)}/{path_of(self.index)}"
        return stem if self.width == WIDTH else f"{stem}.p/{self.width}"


def folder_of(level: int) -> str:
    """Return the name of a level's folder."""
    return "entries" if level == ENTRIES else str(level)


def path_of(index: int) -> str:
    """Return an index as path elements of three digits, as in ``x001/x234/067``."""
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return path


def count_of(level: int, size: int) -> int:
    """Return how many hashes of ``level`` (or entries) a log of ``size`` entries has."""
    return size >> 8 * max(level, 0)


def edge(level: int, size: int) -> Tile | None:
    """Return the partial tile at the end of a level, None where the level ends with a full one."""
    index, width = divmod(count_of(level, size), WIDTH)
    return Tile(level, index, width) if width else None


def tiles(size: int) -> Iterator[Tile]:
    """Yield every tile and bundle of a log of ``size`` entries."""
    for level in range(ENTRIES, LEVELS):
        full = count_of(level, size) // WIDTH
        yield from (Tile(level, index) for index in range(full))
        if last := edge(level, size):
            yield last


def folders(name: str) -> Iterator[str]:
    """Yield the folders that a name lies in, the innermost first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
