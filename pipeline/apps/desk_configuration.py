"""What the audit log is told of a desk's configuration, before the desk is anybody's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer, make_signer, read_signer, read_vkey, write_vkey
from pipeline.cases.store import CaseStore
from pipeline.clock import Clock
from pipeline.configuration import parts
from pipeline.configuration.told import Told
from pipeline.policy import Policy
from pipeline.settings import Settings

EVIDENCE: Final = "partywall/evidence"
"""Name of the key that bundles are signed by."""


def tell(
    settings: Settings, store: CaseStore, log: AuditLog, clock: Clock,
    terms: Policy, policy_file: bytes, evidence: Signer, auditors: bytes,
) -> Told:  # fmt: skip
    """Write what has changed into the log, and return what tells it of the people too.

    Raises UnavailableError, IntegrityError where the log cannot be written: no audit, no desk.
    """
    told = store.told(log, clock)
    told.tell(
        [
            parts.policy(terms, policy_file),
            parts.settings(_settings(settings)),
            parts.public_keys(_public_keys(settings, evidence, auditors)),
        ]
    )
    return told


def evidence_key(path: Path) -> Signer:
    """Return the key that bundles are signed by, made with its vkey; raises SettingsError."""
    if not path.exists():
        signer = make_signer(path, EVIDENCE)
        write_vkey(path.with_suffix(".vkey"), signer.verifier)
    return read_signer(path)


def _settings(settings: Settings) -> dict[str, object]:
    """Return the settings that a desk works by."""
    return {
        "investigations": settings.investigations,
        "audit": settings.audit,
        "split": settings.split,  # how a record is read, and whose it is
        "keys.url": settings.keys.url,
        "keys.investigations_token_file": settings.keys.investigations_token_file,
        "vault.url": settings.vault.url,
        "policy": settings.policy,
        "windows.zone": settings.windows.zone,  # of which day a pseudonym is
        "windows.zones": settings.windows.zones,
    }


def _public_keys(settings: Settings, evidence: Signer, auditors: bytes) -> dict[str, str]:
    """Return what bundles and the log are checked by, and what the log's sealed parts open to."""
    return {
        "audit": str(read_vkey(settings.audit.vkey)),
        "auditors": hashlib.sha256(auditors).hexdigest(),
        "evidence": str(evidence.verifier),
    }
