"""Receipts of destroyed keys: signed notes that say what, when, why and under which policy.

The text of a note (https://c2sp.org/signed-note) is two lines, ``partywall destruction receipt 1``
and canonical JSON: ``at`` (seconds since 1970 UTC), ``policy`` (its version), ``why`` and ``keys``,
each of ``kind``, ``day`` (since 1970-01-01), ``ingest`` or ``hold`` where it has one, ``due``
(seconds, null where a person decided) and ``key``, the SHA-256 (hex) of its id: ``DAY-HEX`` for a
sealing key, ``INGEST/DAY`` for a pseudonym key, ``hold-NAME`` for that of a hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import orjson

from pipeline.audit.signing import Signer, Verifier
from pipeline.errors import IntegrityError

Why = Literal["retention", "ingest ended", "hold released", "ordered"]
"""What made a key's time come."""
_TITLE: Final = "partywall destruction receipt 1"
MOST_KEYS: Final = 500
"""Of one receipt; more are destroyed under several."""


@dataclass(frozen=True, slots=True, order=True)
class Doomed:
    """A key whose time has come: ``kind`` is ``sealing``, ``pseudonym`` or ``hold``.

    ``name`` is a sealing key's id, a pseudonym key's ingest, or a hold's name.
    """

    kind: str
    name: str
    day: int
    due: int | None

    @property
    def key_id(self) -> str:
        """What the digest in the receipt is of."""
        named = {"pseudonym": f"{self.name}/{self.day}", "hold": f"hold-{self.name}"}
        return named.get(self.kind, self.name)

    @property
    def digest(self) -> str:
        """What the receipt names the key by."""
        return key_digest(self.key_id)

    def told(self) -> dict[str, object]:
        """Return what the receipt says of the key."""
        extra = {"pseudonym": {"ingest": self.name}, "hold": {"hold": self.name}}
        return {
            "kind": self.kind,
            "day": self.day,
            "due": self.due,
            "key": self.digest,
            **extra.get(self.kind, {}),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as the store holds it.

    ``entry`` and ``leaf`` say where the audit log has it, None before it has; ``done`` is when the
    keys were deleted and ``wiped`` when their bytes had left the files, None before.
    """

    digest: str
    note: bytes
    ordered: int
    entry: int | None
    leaf: str | None
    done: int | None
    wiped: int | None

    def shown(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it, the signed note as text."""
        try:
            said = self.told
        except IntegrityError:
            said = {"at": self.ordered, "policy": None, "why": "damaged", "keys": []}
        return {**asdict(self), "note": self.note.decode(errors="backslashreplace"), **said}

    @property
    def told(self) -> dict[str, Any]:
        """What the note says; its signature is not looked at. Raises IntegrityError for none."""
        try:
            said: object = orjson.loads(self.note.split(b"\n", 2)[1])
        except (orjson.JSONDecodeError, IndexError):
            said = None
        if not isinstance(said, dict) or not {"at", "policy", "why", "keys"} <= set(said):
            raise IntegrityError(f"receipt {self.digest}: is damaged")
        return said


def write(signer: Signer, keys: Sequence[Doomed], why: Why, policy: int, at: int) -> bytes:
    """Return the signed note for the destruction of ``keys``."""
    said = {"at": at, "policy": policy, "why": why, "keys": [key.told() for key in sorted(keys)]}
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    return signer.sign(f"{_TITLE}\n{text}\n")


def read(verifier: Verifier, note: bytes) -> dict[str, object]:
    """Return what a receipt says; raises IntegrityError where ``verifier`` did not sign it."""
    title, _, text = verifier.open_only(note).partition("\n")
    if title != _TITLE:
        raise IntegrityError("the note is no receipt of a destruction")
    found: dict[str, object] = orjson.loads(text)
    return found


def key_digest(key_id: str) -> str:
    """Return the SHA-256 (hex) that stands for a key's id."""
    return hashlib.sha256(key_id.encode()).hexdigest()


def digest_of(note: bytes) -> str:
    """Return the SHA-256 (hex) by which store and audit log name a receipt."""
    return hashlib.sha256(note).hexdigest()
