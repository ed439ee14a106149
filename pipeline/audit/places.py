"""Where an embedded group keeps its audit log, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.audit.log import AuditLog
from pipeline.audit.seal import make_auditor, read_auditor_public
from pipeline.audit.signing import make_signer, read_signer, write_vkey
from pipeline.clock import Clock
from pipeline.errors import SettingsError

NAME: Final = "partywall/audit"
"""Name of an embedded group's signing key, and so its log's origin."""


@dataclass(frozen=True, slots=True)
class Places:
    """Paths under a data folder: nothing but the log lies in ``folder``."""

    folder: Path
    key: Path
    vkey: Path
    witness: Path
    auditor: Path
    auditor_public: Path

    @staticmethod
    def under(data: Path) -> Places:
        """Return the places of the data folder ``data``."""
        return Places(
            folder=data / "audit",
            key=data / "keys" / "audit.key",
            vkey=data / "keys" / "audit.vkey",
            witness=data / "witness" / "checkpoints",
            auditor=data / "auditors" / "auditor.key",
            auditor_public=data / "auditors" / "auditor.pub",
        )

    def make(self, clock: Clock) -> AuditLog:
        """Make what is missing (keys, witness folder, log); sweep up after a killed append.

        Raises SettingsError, and UnavailableError and IntegrityError as an append does.
        """
        if not self.key.exists():
            if self.vkey.exists() or self.folder.exists():
                raise SettingsError(
                    f"signing key {self.key}: is gone, and a log was signed with it; put it back"
                )
            make_signer(self.key, NAME)
        signer = read_signer(self.key)
        if not self.vkey.exists():
            write_vkey(self.vkey, signer.verifier)
        if not self.auditor_public.exists():
            make_auditor(self.auditor, self.auditor_public)
        try:
            self.witness.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SettingsError(
                f"witness folder {self.witness.parent}: cannot be made ({error.strerror})"
            ) from error
        log = self.open(clock)
        log.sweep()
        return log

    def witnesses(self) -> list[Path]:
        """Return the witness files: the log's own, there or not, and others put beside it."""
        others = self.witness.parent.iterdir() if self.witness.parent.is_dir() else ()
        return sorted({self.witness, *others})

    def said_to_be(self) -> bool:
        """Tell whether anything says that there is, or was, a log."""
        return any(p.exists() for p in (self.key, self.vkey, self.witness, self.folder))

    def open(self, clock: Clock) -> AuditLog:
        """Return the log, to append to; raises SettingsError where its key cannot be read."""
        return AuditLog(self.folder, read_signer(self.key), clock, witnesses=(self.witness,))

    def auditors(self) -> bytes:
        """Return the public key that predicates are sealed to; raises SettingsError."""
        return read_auditor_public(self.auditor_public)
