"""Witness files: the checkpoints a log has had, one behind the other, kept outside its folder.

Only ever appended to. A note cut by a kill is completed, never taken back, so that the file may lie
where files can do nothing but grow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.audit import checkpoint, files, tree
from pipeline.audit.checkpoint import Checkpoint
from pipeline.audit.layout import CHECKPOINT
from pipeline.audit.reading import Tiles
from pipeline.audit.signing import Verifier
from pipeline.errors import IntegrityError

LINES: Final = 5
"""Lines of a checkpoint's note: origin, size, root, a blank one, the signature."""

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_TAIL: Final = 4_096


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness file held open for appending."""

    path: Path
    descriptor: int

    def last(self, verifier: Verifier) -> tuple[Checkpoint | None, bytes]:
        """Return the last whole checkpoint, and what of another stands behind it.

        Raises IntegrityError where what stands there is no checkpoint of this log.
        """
        length = os.fstat(self.descriptor).st_size
        tail = os.pread(self.descriptor, _TAIL, max(0, length - _TAIL))
        lines = tail.split(b"\n")
        # What is behind the last newline is cut, and so are the lines behind the last signature.
        whole = max(
            (i + 1 for i, line in enumerate(lines[:-1]) if line.startswith("— ".encode())),
            default=0,
        )
        rest = b"\n".join(lines[whole:])
        if whole == 0:
            if length > len(tail):
                raise IntegrityError(f"the witness file {self.path} holds no checkpoint at its end")
            return None, rest
        note = b"\n".join(lines[max(0, whole - LINES) : whole]) + b"\n"
        try:
            return checkpoint.read(note, verifier), rest
        except IntegrityError as error:
            raise IntegrityError(f"the witness file {self.path} is damaged: {error}") from error

    def catch_up(self, head: Checkpoint, verifier: Verifier, tiles: Tiles) -> None:
        """Bring the file to the log's checkpoint; raises IntegrityError where it knows better."""
        last, rest = self.last(verifier)
        if last is not None:
            self._compare(last, head, tiles)
        known = last is not None and last.size == head.size
        due = b"" if known else head.note
        if not due.startswith(rest):
            raise IntegrityError(f"the witness file {self.path} ends in what is no checkpoint")
        self.add(due[len(rest) :])

    def add(self, note: bytes) -> None:
        """Append, and wait until it is on the disk; raises OSError."""
        if note:
            files.write_all(self.descriptor, note)
            os.fsync(self.descriptor)

    def _compare(self, last: Checkpoint, head: Checkpoint, tiles: Tiles) -> None:
        if last.size > head.size:
            raise IntegrityError(
                f"the audit log was rolled back: it has {head.size} entries, and the witness file "
                f"{self.path} knows of {last.size}"
            )
        proof = tree.consistency(tiles.subtree, last.size, head.size)
        if not tree.extends(last.size, head.size, proof, last.root, head.root):
            raise IntegrityError(
                f"the audit log was forked: its first {last.size} entries are not those that the "
                f"witness file {self.path} knows of"
            )


@contextmanager
def held(paths: tuple[Path, ...]) -> Iterator[list[Witness]]:
    """Open witness files for appending, made where they are missing; raises OSError."""
    with ExitStack() as stack:
        found: list[Witness] = []
        for path in paths:
            descriptor = os.open(path, _FLAGS, 0o600)
            stack.callback(os.close, descriptor)
            if not os.fstat(descriptor).st_size:  # new: its name must be on the disk too
                files.sync(path.parent)
            found.append(Witness(path, descriptor))
        yield found


def export(folder: Path, verifier: Verifier, path: Path) -> Checkpoint:
    """Add a log's checkpoint to a witness file, made where it is missing; return the checkpoint.

    Raises IntegrityError where the file knows of another log or a longer one, and UnavailableError.
    """
    with files.fail_closed(path), files.locked(folder, exclusive=False), held((path,)) as [witness]:
        head = checkpoint.read(files.read(folder, CHECKPOINT), verifier)
        tiles = Tiles(folder, head.size)
        if tree.root(tiles.subtree, head.size) != head.root:
            raise IntegrityError("the audit log's tiles have another root than was signed")
        witness.catch_up(head, verifier, tiles)
    return head
