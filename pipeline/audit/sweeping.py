"""Removes what a killed append has left, and the partial tiles that newer ones have superseded."""

from __future__ import annotations

from pathlib import Path

from pipeline.audit import files, layout
from pipeline.audit.layout import ENTRIES, LEVELS, NEW_CHECKPOINT, WIDTH, Tile


def sweep(folder: Path, size: int) -> None:
    """Leave, at the end of each level, the files of a log of ``size`` entries; raises OSError.

    An append never goes past the bundle it begins in, so its leftovers are at the last place of a
    level, or the one before it where that has just been filled. Other names are not touched.
    """
    files.remove(folder, NEW_CHECKPOINT)
    for level in range(ENTRIES, LEVELS):
        if not (folder / "tile" / layout.folder_of(level)).is_dir():
            continue
        full, width = divmod(layout.count_of(level, size), WIDTH)
        files.remove(folder, Tile(level, full).name)
        for index in range(max(0, full - 1), full + 1):
            _keep_width(folder, Tile(level, index), width if index == full else 0)
    files.remove_empty(folder, "tile")


def _keep_width(folder: Path, tile: Tile, width: int) -> None:
    """Remove the partial tiles in a tile's place but the one of ``width``, and empty folders."""
    partials = f"{tile.name}.p"
    for name in files.names_in(folder, partials):
        if is_width(name) and int(name) != width:
            files.remove(folder, f"{partials}/{name}")
    if not width:
        files.remove_empty(folder, partials)


def is_width(name: str) -> bool:
    """Tell whether a name is the width of a partial tile."""
    return name.isascii() and name.isdigit() and str(int(name)) == name and 0 < int(name) < WIDTH
