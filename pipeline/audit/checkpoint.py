"""Checkpoints: what a log signs of itself at a size (https://c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from pipeline.audit import notes
from pipeline.audit.signing import Signer, Verifier
from pipeline.audit.tree import HASH_BYTES
from pipeline.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``size`` entries have the root ``root`` (32 bytes); ``note`` is the signed text, in bytes."""

    size: int
    root: bytes
    note: bytes

    def __str__(self) -> str:
        return f"{self.size} entries, root {self.root.hex()}"


def sign(signer: Signer, size: int, root: bytes) -> Checkpoint:
    """Return the signed checkpoint of a log whose origin is the key's name."""
    text = f"{signer.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    return Checkpoint(size, root, signer.sign(text))


def read(note: bytes, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint of a note; raises IntegrityError for any byte that should not be so."""
    lines = verifier.open_only(note).split("\n")
    if len(lines) != 4 or lines[0] != verifier.name:  # noqa: PLR2004 -- origin, size, root, end
        raise IntegrityError("the checkpoint is of another log, or has lines it should not have")
    if not lines[1].isascii() or not lines[1].isdigit() or str(int(lines[1])) != lines[1]:
        raise IntegrityError("the checkpoint's size is no number")
    root = notes.decode64(lines[2])
    if len(root) != HASH_BYTES:
        raise IntegrityError("the checkpoint's root is no SHA-256 hash")
    return Checkpoint(int(lines[1]), root, note)
