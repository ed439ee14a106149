"""The signature of a bundle: a signed note (c2sp.org/signed-note) over the manifest's SHA-256."""

from __future__ import annotations

from typing import Final

from pipeline.audit.signing import Verifier, parse_vkey
from pipeline.errors import IntegrityError, SettingsError

_TITLE: Final = "partywall evidence bundle, version 1"


def statement(case: str, manifest_sha256: str, verifier: Verifier) -> str:
    """Return the text that is signed. ``manifest_sha256`` is in hex."""
    return f"{_TITLE}\ncase {case}\nmanifest.json sha256 {manifest_sha256}\nkey {verifier}\n"


def check(note: bytes, case: str, manifest_sha256: str) -> Verifier:
    """Return the key that signed this manifest; raises IntegrityError where none did.

    Nothing in the note may be other than what a signer with that key would have written.
    """
    head, _, _ = note.decode(errors="replace").rpartition("\n\n")
    try:
        key = parse_vkey(head.rpartition("\nkey ")[2])
    except SettingsError:
        raise IntegrityError("names no verifier key that could have signed it") from None
    if key.open_only(note) != statement(case, manifest_sha256, key):
        raise IntegrityError("is not the signature of this manifest")
    return key
