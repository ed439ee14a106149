"""Accounts for every name under a log's folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.audit import layout
from pipeline.audit.findings import Finding, Kind, entries
from pipeline.audit.layout import CHECKPOINT, ENTRIES, LEVELS, NEW_CHECKPOINT, WIDTH, Tile


@dataclass(slots=True)
class Names:
    """What lies under a folder: files and their sizes, empty folders, and what is neither."""

    files: dict[str, int] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)

    def guess(self) -> int:
        """Return the size of the log that the bundles look like: for want of a checkpoint."""
        full = 0
        while Tile(ENTRIES, full).name in self.files:
            full += 1
        widths = [w for w in range(1, WIDTH) if Tile(ENTRIES, full, w).name in self.files]
        return full * WIDTH + max(widths, default=0)


def scan(folder: Path) -> Names:
    """Return all names, following no link; raises OSError."""
    names = Names()
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(folder / inside) as found:
            held = list(found)
        if inside and not held:
            names.empty.add(inside)
        for entry in held:
            name = f"{inside}/{entry.name}" if inside else entry.name
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                waiting.append(name)
            elif stat.S_ISREG(status.st_mode):
                names.files[name] = status.st_size
            else:
                names.other.add(name)
    return names


def check_names(names: Names, size: int, *, rolled_back: bool) -> Iterator[Finding]:
    """Yield a finding for each name that is missing and for each that should not be there.

    ``rolled_back``: a witness knows of more entries, so that nothing here is a killed append's.
    """
    expected = {tile.name: tile for tile in layout.tiles(size)}
    for name, tile in expected.items():
        if name not in names.files:
            yield Finding(Kind.REMOVED, name, _was(tile))
    extra = sorted(names.files.keys() - expected.keys() - {CHECKPOINT})
    # Thousands of names may be left over; a log in order has none of them to look up.
    due = {} if rolled_back or not (extra or names.empty) else _leftovers(size)
    for name in extra:
        yield _extra(name, due)
    parents = {f for name in due for f in layout.folders(name)} if names.empty else set()
    for name in sorted(names.empty):
        if name in parents:
            yield Finding(Kind.UNFINISHED, printable(name), _swept(size, "empty folder of an"))
        else:
            yield Finding(Kind.UNKNOWN, printable(name), "an empty folder that no log makes")
    for name in sorted(names.other):
        yield Finding(Kind.UNKNOWN, printable(name), "a link or special file, which no log makes")


def printable(name: str) -> str:
    """Return a name in characters that can be printed, whatever it was called."""
    plain = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in plain)


def _was(tile: Tile) -> str:
    first = tile.index * WIDTH
    if tile.level > 0:
        return f"the tile of level {tile.level} is gone"
    what = "gone" if tile.level == ENTRIES else "without their hashes"
    said = entries(first, first + tile.width - 1)
    return f"{said} {'is' if tile.width == 1 else 'are'} {what}"


def _extra(name: str, due: dict[str, str]) -> Finding:
    if name in due:
        return Finding(Kind.UNFINISHED, name, due[name])
    return Finding(Kind.UNKNOWN, printable(name), "a file that no log of this size has")


def _swept(size: int, what: str) -> str:
    return f"{what} unfinished append of entry {size}; the next append sweeps it up".strip()


def _leftovers(size: int) -> dict[str, str]:
    """Return what a killed append may have left in a log of ``size``: name → what to say of it."""
    due = {NEW_CHECKPOINT: _swept(size, "")}
    for level in range(ENTRIES, LEVELS):
        full, width = divmod(layout.count_of(level, size), WIDTH)
        due[Tile(level, full).name] = _swept(size, "")
        for other in range(1, WIDTH):
            old = f"superseded by entry {size - 1}; the next append sweeps it up"
            if other != width:
                due[Tile(level, full, other).name] = old if other < width else _swept(size, "")
            if full:
                due[Tile(level, full - 1, other).name] = old
    return due
