"""What a check of the audit log has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong with a thing."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    REORDERED = "reordered"
    FORKED = "forked"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"
    """Left by an append that was killed, or not yet copied: no sign of a hand."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed; ``where`` names an entry, a file or a checkpoint."""

    kind: Kind
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings, none for a sound log; ``size`` and ``root`` (hex) as its checkpoint has them.

    ``size`` is None where there is no checkpoint that can be believed.
    """

    findings: tuple[Finding, ...]
    size: int | None
    root: str | None
    witnessed: int = 0
    """Checkpoints of witness files that the log was compared with."""

    @property
    def ok(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.findings


def entries(first: int, last: int) -> str:
    """Return the name of a run of entries, both ends included."""
    return f"entry {first}" if first == last else f"entries {first} to {last}"
