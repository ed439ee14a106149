"""The audit log: appended to under a lock, durable and signed before an append returns.

An append reads the tiles at the end of each level (a few, whatever the log's size), checks them
against the signed root, writes their successors beside them, and then replaces the checkpoint. A
kill before that leaves files that no checkpoint speaks of; the next append removes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.audit import bundle, checkpoint, files, layout, tree, witness
from pipeline.audit.checkpoint import Checkpoint
from pipeline.audit.entry import Entry, Fact, encode
from pipeline.audit.layout import CHECKPOINT, ENTRIES, NEW_CHECKPOINT, WIDTH, Tile
from pipeline.audit.reading import InclusionProof, Reader, Tiles
from pipeline.audit.signing import Signer
from pipeline.audit.sweeping import sweep
from pipeline.audit.witness import Witness
from pipeline.clock import Clock
from pipeline.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Written:
    """Where an entry stands, and its RFC 6962 leaf hash in hex: what a case store remembers."""

    index: int
    leaf: str


class AuditLog:
    """A log in ``folder``, signed by ``signer``, its checkpoints copied to ``witnesses``.

    Any number of processes of one machine may append to one folder. Every method fails closed:
    UnavailableError where the disk, the folder or a witness cannot be used, IntegrityError where
    what lies there is not what was signed. Neither leaves an entry half in the log; after an
    UnavailableError the entry may stand in it all the same, as an act that was not done.
    """

    def __init__(
        self, folder: Path, signer: Signer, clock: Clock, *, witnesses: Sequence[Path] = ()
    ) -> None:
        self._folder = folder
        self._signer = signer
        self._clock = clock
        self._witnesses = tuple(witnesses)
        self._reader = Reader(folder, signer.verifier)

    def append(self, entry: Entry) -> Written:
        """Write one entry; it is on the disk, signed and witnessed when this returns.

        Raises ValueError or UsageError for an entry that cannot be written (``entry.encode``).
        """
        return self.extend([entry])[0]

    def record(
        self,
        actor: str,
        act: str,
        outcome: str,
        *,
        case: str | None = None,
        facts: Mapping[str, Fact] | None = None,
        sealed: bytes | None = None,
    ) -> Written:
        """Append an entry of the clock's present moment."""
        return self.append(Entry(self._clock(), actor, act, outcome, case, facts or {}, sealed))

    def extend(self, entries: Sequence[Entry]) -> list[Written]:
        """Append several entries, in order, with one checkpoint for each bundle they reach into."""
        leaves = [encode(entry) for entry in entries]
        written: list[Written] = []
        with self._held() as (before, witnesses):
            head = before
            while leaves:
                room = WIDTH - head.size % WIDTH
                part, leaves = leaves[:room], leaves[room:]
                first, head = head.size, self._commit(head, part, witnesses)
                written += [
                    Written(first + i, tree.leaf_hash(leaf).hex()) for i, leaf in enumerate(part)
                ]
        return written

    def sweep(self) -> int:
        """Remove what a killed append has left, bring the witnesses up to date, return the size."""
        with self._held() as (head, _):
            return head.size

    def size(self) -> int:
        """Return how many entries there are: none where the log has not been begun."""
        if not self._folder.exists():
            return 0
        return self._reader.size()

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Entry]]:
        """Yield (index, entry) from ``start`` up to ``stop``, those of now where it is None."""
        return self._reader.entries(start, stop)

    def proof(self, index: int) -> InclusionProof:
        """Return the proof that entry ``index`` is in the log; ValueError where there is none."""
        return self._reader.proof(index)

    @contextmanager
    def _held(self) -> Iterator[tuple[Checkpoint, list[Witness]]]:
        """Lock the log, check what an append builds on, and leave nothing of a killed one."""
        with files.fail_closed(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (
                files.locked(self._folder, exclusive=True),
                witness.held(self._witnesses) as witnesses,
            ):
                head = self._head(witnesses)
                tiles = Tiles(self._folder, head.size)
                if tree.root(tiles.subtree, head.size) != head.root:
                    raise IntegrityError("the audit log's tiles have another root than was signed")
                for each in witnesses:
                    each.catch_up(head, self._signer.verifier, tiles)
                sweep(self._folder, head.size)
                yield head, witnesses

    def _head(self, witnesses: list[Witness]) -> Checkpoint:
        """Return the signed checkpoint, that of an empty log where there never was one."""
        names = set(files.names_in(self._folder, "."))
        if CHECKPOINT in names:
            note = files.read(self._folder, CHECKPOINT)
            return checkpoint.read(note, self._signer.verifier)
        known = [w.path for w in witnesses if w.last(self._signer.verifier)[0] is not None]
        if names - {NEW_CHECKPOINT} or known:
            raise IntegrityError(
                f"the audit log {self._folder} was removed, or its checkpoint: "
                "put it back, no new one is begun in its place"
            )
        head = checkpoint.sign(self._signer, 0, tree.EMPTY_ROOT)
        files.put_checkpoint(self._folder, head.note)
        files.sync(self._folder.parent)
        return head

    def _commit(
        self, head: Checkpoint, leaves: list[bytes], witnesses: list[Witness]
    ) -> Checkpoint:
        """Add leaves that fit into the last bundle; return the new checkpoint."""
        size = head.size + len(leaves)
        tiles = Tiles(self._folder, head.size)
        index, width = divmod(head.size, WIDTH)
        before = tiles.leaves(index) if width else []
        entries = before + leaves
        files.write(self._folder, Tile(ENTRIES, index, len(entries)).name, bundle.pack(entries))
        added = [tree.leaf_hash(leaf) for leaf in leaves]
        edges: list[list[bytes]] = []
        for level in range(layout.LEVELS):
            last = layout.edge(level, head.size)
            hashes = (tiles.hashes(level, last.index) if last else []) + added
            if added:
                at = layout.count_of(level, head.size) // WIDTH
                files.write(self._folder, Tile(level, at, len(hashes)).name, b"".join(hashes))
            full = len(hashes) == WIDTH
            added = [tree.perfect(hashes)] if full else []
            edges.append([] if full else hashes)
        new = checkpoint.sign(self._signer, size, tree.fold(tree.peaks(edges)))
        files.put_checkpoint(self._folder, new.note)
        sweep(self._folder, size)
        for each in witnesses:
            each.add(new.note)
        return new
