"""A log as it can be read without its private key: size, entries, proofs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.audit import bundle, checkpoint, files, layout, tree
from pipeline.audit.checkpoint import Checkpoint
from pipeline.audit.entry import Entry, decode
from pipeline.audit.layout import CHECKPOINT, ENTRIES, WIDTH, Tile
from pipeline.audit.signing import Verifier
from pipeline.errors import IntegrityError


class Tiles:
    """Hashes of a log of ``size`` entries, read from its tiles as far as they are asked for."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self.size = size
        self._read: dict[tuple[int, int], list[bytes]] = {}

    def hashes(self, level: int, index: int) -> list[bytes]:
        """Return a tile's hashes; raises IntegrityError where it is missing or of another size."""
        if (level, index) not in self._read:
            whole = layout.edge(level, self.size)
            tile = whole if whole and whole.index == index else Tile(level, index)
            data = files.read(self._folder, tile.name)
            if len(data) != tile.width * tree.HASH_BYTES:
                raise IntegrityError(f"the audit log's {tile.name} has not the size it must have")
            self._read[level, index] = hashes_of(data)
        return self._read[level, index]

    def subtree(self, height: int, index: int) -> bytes:
        """Return the hash of a perfect subtree of ``2**height`` leaves."""
        level, above = divmod(height, 8)
        place, start = divmod(index << above, WIDTH)
        return tree.perfect(self.hashes(level, place)[start : start + (1 << above)])

    def leaves(self, index: int) -> list[bytes]:
        """Return the entries of bundle ``index``, each of which hashes to what its tile says.

        Raises IntegrityError where one does not, or they are not as many as there must be.
        """
        expected = self.hashes(0, index)
        name = Tile(ENTRIES, index, len(expected)).name
        entries, rest = bundle.unpack(files.read(self._folder, name))
        if rest or [tree.leaf_hash(entry) for entry in entries] != expected:
            raise IntegrityError(f"the audit log's {name} is not what was written: verify the log")
        return entries


def hashes_of(data: bytes) -> list[bytes]:
    """Return the hashes of a tile's bytes."""
    return [data[i : i + tree.HASH_BYTES] for i in range(0, len(data), tree.HASH_BYTES)]


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """An entry is in the log: its index, leaf hash, sibling hashes (hex), a checkpoint's text."""

    index: int
    leaf: str
    hashes: tuple[str, ...]
    checkpoint: str

    def check(self, verifier: Verifier) -> Checkpoint:
        """Return the checkpoint that the proof leads to; raises IntegrityError for a wrong one."""
        head = checkpoint.read(self.checkpoint.encode(), verifier)
        try:
            leaf, *path = (bytes.fromhex(text) for text in (self.leaf, *self.hashes))
        except ValueError as error:
            raise IntegrityError("the proof's hashes are no hex") from error
        if not tree.includes(leaf, self.index, head.size, path, head.root):
            raise IntegrityError(f"entry {self.index} is not proved to be in the audit log")
        return head

    def text(self) -> str:
        """Return the proof as https://c2sp.org/tlog-proof has it."""
        path = "".join(f"{base64.b64encode(bytes.fromhex(h)).decode()}\n" for h in self.hashes)
        return f"c2sp.org/tlog-proof@v1\nindex {self.index}\n{path}\n{self.checkpoint}"


class Reader:
    """Reads a log under its lock. Every method raises UnavailableError and IntegrityError."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        self.folder = folder
        self.verifier = verifier

    def checkpoint(self) -> Checkpoint:
        """Return the log's signed checkpoint."""
        with files.fail_closed(self.folder), files.locked(self.folder, exclusive=False):
            return self._head()

    def size(self) -> int:
        """Return how many entries there are."""
        return self.checkpoint().size

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Yield (index, entry) from ``start`` up to ``stop``, those of now where it is None."""
        size = self.size()
        last = size if stop is None else min(stop, size)
        for index in range(start // WIDTH, -(-last // WIDTH)):
            first = index * WIDTH
            for place, leaf in enumerate(self._leaves(index), first):
                if start <= place < last:
                    yield place, decode(leaf)

    def proof(self, index: int) -> InclusionProof:
        """Return the proof that entry ``index`` is in the log; ValueError where there is none."""
        with files.fail_closed(self.folder), files.locked(self.folder, exclusive=False):
            head = self._head()
            tiles = Tiles(self.folder, head.size)
            path = tree.inclusion(tiles.subtree, index, head.size)
            leaf = tiles.hashes(0, index // WIDTH)[index % WIDTH]
        proof = InclusionProof(index, leaf.hex(), tuple(h.hex() for h in path), head.note.decode())
        proof.check(self.verifier)
        return proof

    def consistency(self, old: int) -> tuple[list[bytes], Checkpoint]:
        """Return the proof that the log holds its first ``old`` entries unchanged; ValueError."""
        with files.fail_closed(self.folder), files.locked(self.folder, exclusive=False):
            head = self._head()
            return tree.consistency(Tiles(self.folder, head.size).subtree, old, head.size), head

    def _leaves(self, index: int) -> list[bytes]:
        # The last bundle may have grown, and so been renamed, since the bundle before was read.
        with files.fail_closed(self.folder), files.locked(self.folder, exclusive=False):
            return Tiles(self.folder, self._head().size).leaves(index)

    def _head(self) -> Checkpoint:
        return checkpoint.read(files.read(self.folder, CHECKPOINT), self.verifier)
