"""Audit logs for tests, and hands that meddle with them."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit.entry import Entry
from pipeline.audit.findings import Finding, Verdict
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer
from pipeline.audit.verify import verify

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
SIGNER = Signer("example.com/audit", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
VKEY = SIGNER.verifier


def clock() -> dt.datetime:
    return NOON


def entry(number: int = 0, **facts: str | int) -> Entry:
    at = NOON + dt.timedelta(seconds=number)
    return Entry(at, "investigator", "search", "allowed", "C1", {"n": number, **facts})


@dataclass(frozen=True)
class Kit:
    """A log's folder and its witness file, under one folder."""

    top: Path

    @property
    def folder(self) -> Path:
        return self.top / "audit"

    @property
    def witness(self) -> Path:
        return self.top / "witness"

    def log(self, signer: Signer = SIGNER) -> AuditLog:
        return AuditLog(self.folder, signer, clock, witnesses=(self.witness,))

    def filled(self, count: int) -> Kit:
        self.log().extend([entry(i) for i in range(count)])
        return self

    def verify(self, *, witness: bool = True, expected: Iterable[tuple[int, str]] = ()) -> Verdict:
        paths = (self.witness,) if witness else ()
        return verify(self.folder, VKEY, witnesses=paths, expected=expected)

    def copy(self, top: Path) -> Kit:
        shutil.copytree(self.top, top)
        return Kit(top)

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()
        )


def told(verdict: Verdict) -> list[str]:
    """The findings as lines."""
    return [str(finding) for finding in verdict.findings]


def speaks_of_entry(finding: Finding, index: int) -> bool:
    """Whether a finding's ``where`` or text names entry ``index``, alone or in a run."""
    for first, last in re.findall(
        r"entr(?:y|ies) (\d+)(?: to (\d+))?", f"{finding.where} {finding.text}"
    ):
        if int(first) <= index <= int(last or first):
            return True
    return False
