"""Compares what entries and tiles hold with what was signed.

A tile is vouched for from above: the partial tiles together have the signed root, and a full tile
hashes to its place in the tile above it. Where the stored tile does not, one worked out from what
lies beneath it may; then the stored one was changed, and what is beneath is known to be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

from pipeline.audit import bundle, files, layout, tree
from pipeline.audit.alignment import Present, compare
from pipeline.audit.entry import MOST_BYTES, decode
from pipeline.audit.findings import Finding, Kind, entries
from pipeline.audit.layout import ENTRIES, WIDTH, Tile
from pipeline.audit.names import Names
from pipeline.audit.reading import hashes_of
from pipeline.audit.tree import HASH_BYTES
from pipeline.errors import IntegrityError

Hashes = list[bytes]
_MOST_BUNDLE = WIDTH * (MOST_BYTES + 2)


class Content:
    """Entries and tiles of a log of ``size``; ``root`` as signed, None where nobody knows."""

    def __init__(self, folder: Path, names: Names, size: int, root: bytes | None) -> None:
        self._folder = folder
        self._names = names
        self._size = size
        self._root = root
        self._stored: dict[tuple[int, int], Hashes | None] = {}
        self._truth: dict[tuple[int, int], Hashes | None] = {}
        self._present = Present()
        self.unread: list[Finding] = []
        self._levels = [level for level in range(layout.LEVELS) if size >> 8 * level]
        self._bundles: dict[int, tuple[Hashes, int, list[int]]] = {}
        self._read()
        self._settle()

    def leaves(self) -> list[bytes | None]:
        """Return each entry's leaf hash as signed, or as it is found; None where there is none."""
        found: list[bytes | None] = []
        for tile in self._of(0):
            known = self._truth[0, tile.index]
            here = self._bundles[tile.index][0] if tile.index in self._bundles else []
            best = known or (here if len(here) == tile.width else self._stored[0, tile.index])
            found += best or [None] * tile.width
        return found

    def findings(self) -> Iterator[Finding]:
        """Yield what was changed, entries first."""
        yield from self.unread
        known = {
            leaf: index * WIDTH + place
            for (level, index), truth in self._truth.items()
            if level == 0
            for place, leaf in enumerate(truth or [])
        }
        for tile in self._of(0):
            if tile.index in self._bundles:
                yield from self._entries(tile, known)
        for level in self._levels:
            for tile in self._of(level):
                yield from self._tile(tile)
        if self._root is not None and not self._settled:
            yield Finding(
                Kind.CHANGED,
                "the last tiles of each level",
                "together they do not have the root that was signed, nor do the entries",
            )

    def _of(self, level: int) -> Iterator[Tile]:
        count = layout.count_of(level, self._size)
        yield from (Tile(level, index) for index in range(count // WIDTH))
        if last := layout.edge(level, self._size):
            yield last

    def _bytes(self, tile: Tile, most: int) -> bytes | None:
        held = self._names.files.get(tile.name)
        if held is None:
            return None
        if held > most:
            self.unread.append(
                Finding(Kind.CHANGED, tile.name, f"{held:,} bytes, more than it can have")
            )
            return None
        return files.read(self._folder, tile.name)

    def _read(self) -> None:
        for tile in self._of(0):
            data = self._bytes(Tile(ENTRIES, tile.index, tile.width), _MOST_BUNDLE)
            if data is not None:
                found, rest = bundle.unpack(data)
                strange = [i for i, leaf in enumerate(found) if not _readable(leaf)]
                hashes = [tree.leaf_hash(leaf) for leaf in found]
                self._bundles[tile.index] = hashes, rest, strange
                self._present.add(tile.index * WIDTH, hashes)
        for level in self._levels:
            for tile in self._of(level):
                data = self._bytes(tile, WIDTH * HASH_BYTES)
                if data is not None and len(data) != tile.width * HASH_BYTES:
                    self.unread.append(
                        Finding(
                            Kind.CHANGED,
                            tile.name,
                            f"{len(data):,} bytes, and it must have {tile.width * HASH_BYTES:,}",
                        )
                    )
                    data = None
                self._stored[level, tile.index] = None if data is None else hashes_of(data)

    def _settle(self) -> None:
        """Work out which hashes were signed, from the root downwards."""
        beneath = self._beneath(self._from_entries)
        tiles = self._beneath(lambda tile: self._stored[0, tile.index])
        last = [edge for level in self._levels if (edge := layout.edge(level, self._size))]
        choices = [
            [h for h in (self._stored[t.level, t.index], beneath.get(t), tiles.get(t)) if h]
            for t in last
        ]
        self._settled = False
        for chosen in product(*choices) if self._root is not None else ():
            edges: list[Hashes] = [[] for _ in range(layout.LEVELS)]
            for tile, hashes in zip(last, chosen, strict=True):
                edges[tile.level] = hashes
            if tree.fold(tree.peaks(edges)) == self._root:
                self._settled = True
                self._truth |= {(t.level, t.index): h for t, h in zip(last, chosen, strict=True)}
                break
        for level in reversed(self._levels):
            for tile in self._of(level):
                if (level, tile.index) not in self._truth:
                    options = (self._stored[level, tile.index], beneath.get(tile), tiles.get(tile))
                    self._truth[level, tile.index] = self._vouched(tile, options)

    def _vouched(self, tile: Tile, options: tuple[Hashes | None, ...]) -> Hashes | None:
        above = self._truth.get((tile.level + 1, tile.index // WIDTH))
        if above is None or tile.width != WIDTH:
            return None
        wanted = above[tile.index % WIDTH]
        return next((h for h in options if h and tree.perfect(h) == wanted), None)

    def _from_entries(self, tile: Tile) -> Hashes | None:
        hashes = self._bundles.get(tile.index, ([], 0, []))[0]
        return hashes if len(hashes) == tile.width else None

    def _beneath(self, leaves: Callable[[Tile], Hashes | None]) -> dict[Tile, Hashes]:
        """Work out the tiles of all levels from hashes of the entries, as far as they are there."""
        found: dict[Tile, Hashes] = {}
        row: dict[int, bytes] = {}
        for level in self._levels:
            below, row = row, {}
            for tile in self._of(level):
                first = tile.index * WIDTH
                hashes = (
                    leaves(tile)
                    if level == 0
                    else [h for i in range(first, first + tile.width) if (h := below.get(i))]
                )
                if hashes and len(hashes) == tile.width:
                    found[tile] = hashes
                    if tile.width == WIDTH:
                        row[tile.index] = tree.perfect(hashes)
        return found

    def _entries(self, tile: Tile, known: dict[bytes, int]) -> Iterator[Finding]:
        hashes, rest, strange = self._bundles[tile.index]
        name = Tile(ENTRIES, tile.index, tile.width).name
        first = tile.index * WIDTH
        signed = self._truth[0, tile.index]
        against = signed or self._stored[0, tile.index]
        if against is not None:
            yield from compare(first, hashes, against, name, known, self._present)
        elif len(hashes) != tile.width:
            said = entries(first, first + tile.width - 1)
            yield Finding(Kind.CHANGED, name, f"holds {len(hashes)} entries in place of {said}")
        if rest:
            yield Finding(Kind.CHANGED, name, f"{rest:,} bytes at its end make no entry")
        for place in strange:
            if against is not None and place < len(against) and hashes[place] == against[place]:
                yield Finding(
                    Kind.UNKNOWN,
                    f"entry {first + place}",
                    f"of no form that this version can read ({name})",
                )

    def _tile(self, tile: Tile) -> Iterator[Finding]:
        stored, signed = self._stored[tile.level, tile.index], self._truth[tile.level, tile.index]
        if stored is None or stored == signed:
            return  # missing, or of a wrong length: said already
        if signed is not None:
            places = [i for i, (a, b) in enumerate(zip(stored, signed, strict=True)) if a != b]
            yield Finding(
                Kind.CHANGED,
                tile.name,
                f"hashes at {', '.join(map(str, places))} are not as signed",
            )
        elif self._settled:
            span = WIDTH ** (tile.level + 1)
            last = min((tile.index + 1) * span, self._size) - 1
            yield Finding(
                Kind.CHANGED,
                tile.name,
                f"{entries(tile.index * span, last)}, or some of them, were changed together with "
                "their hashes: the tile above vouches for others",
            )


def _readable(leaf: bytes) -> bool:
    try:
        decode(leaf)
    except IntegrityError:
        return False
    return True
