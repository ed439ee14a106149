"""The holds there are, told from the key service and the vault's manifests: no record is opened."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.keys.release_client import ReleaseClient
from pipeline.vault.manifest import HOLD, Chain
from pipeline.vault.storage import Storage


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that has a key: its name, its case, when it was made (seconds), how many records."""

    name: str
    case: str
    made: int
    records: int


def listed(keys: ReleaseClient, vault: Storage) -> list[Hold]:
    """Return all holds there are; raises UnavailableError."""
    return [
        Hold(one.hold, one.case, one.made, kept_by(vault, f"{HOLD}{one.hold}"))
        for one in keys.holds()
    ]


def kept_by(vault: Storage, folder: str) -> int:
    """Return how many records a hold keeps in its folder of the vault."""
    entries = Chain(vault, folder).entries()
    return sum(one.segment.records for one in entries if one.segment is not None)
