"""Verifies a bundle with nothing but the file, and at best a key: every byte is accounted for.

The signature covers the manifest; the manifest covers each other file, packed and unpacked; all
that remains of the archive is written a second time and compared.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from pipeline.audit.signing import Verifier, parse_vkey
from pipeline.errors import InputError, IntegrityError
from pipeline.evidence import archive, bundle, note
from pipeline.evidence.archive import DEFLATED, STORED, Member
from pipeline.evidence.bundle import File, Manifest
from pipeline.evidence.packed import Packed, Reader, Source
from pipeline.evidence.proof import AuditCheck
from pipeline.evidence.records import csv_head, csv_lines, frames

_EDGE: Final = 1 << 16
"""Where a file that was damaged in one place still shows that it was a bundle."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. ``findings`` name what is wrong, a line each; none means that nothing is.

    ``signed_by`` is the verifier key that signed it (None where no signature verifies). ``trusted``
    tells whether that is the key asked for, None where none was given: then nobody has said
    whether the key is to be trusted. ``manifest`` is None where it cannot be read.
    """

    findings: tuple[str, ...]
    signed_by: str | None
    trusted: bool | None
    manifest: Manifest | None

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(path: Path, vkey: str | None = None, *, audit: AuditCheck | None = None) -> Verdict:
    """Check a bundle, offline, in bounded memory.

    ``vkey`` is the verifier key that must have signed it, ``audit`` what else looks at the audit
    log's proof. Raises InputError where there is no file
    or one that is no bundle at all, SettingsError where ``vkey`` is none.
    """
    key = parse_vkey(vkey) if vkey is not None else None
    with opened(path) as source:
        check = _Check(source, audit)
        check.run()
    if key is not None and check.signed_by is not None and key != check.signed_by:
        check.say(
            bundle.SIGNATURE,
            f"signed by {check.signed_by}, which is not the key that was given",
        )
    return Verdict(
        findings=tuple(check.findings),
        signed_by=str(check.signed_by) if check.signed_by else None,
        trusted=None if key is None else key == check.signed_by,
        manifest=check.manifest,
    )


def opened(path: Path) -> Source:
    """Open what may be a bundle; raises InputError where it is none at all."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"evidence {path}: cannot be read ({error.strerror})") from None
    status = os.fstat(descriptor)
    source = Source(descriptor, status.st_size)
    if stat.S_ISREG(status.st_mode):
        edges = source.read(0, _EDGE) + source.read(max(0, source.size - _EDGE), _EDGE)
        if any(name.encode() in edges for name in (bundle.MANIFEST, bundle.SIGNATURE)):
            return source
    source.close()
    raise InputError(f"evidence {path}: is no evidence bundle")


class _Check:
    """One walk through the file, from its first byte to its last."""

    def __init__(self, source: Source, audit: AuditCheck | None) -> None:
        self._source = source
        self._audit = audit
        self._place = 0
        self._members: list[Member] = []
        self.findings: list[str] = []
        self.signed_by: Verifier | None = None
        self.manifest: Manifest | None = None

    def say(self, about: str, what: str) -> None:
        self.findings.append(f"{about}: {what}")

    def run(self) -> None:
        data = self._stored(bundle.MANIFEST)
        signature = self._stored(bundle.SIGNATURE) if data is not None else None
        if data is None or signature is None:
            return
        try:
            self.manifest = bundle.decode(data)
        except IntegrityError as error:
            self.say(bundle.MANIFEST, str(error))
            return
        try:
            digest = hashlib.sha256(data).hexdigest()
            self.signed_by = note.check(signature, self.manifest.case, digest)
        except IntegrityError as error:
            self.say(bundle.SIGNATURE, str(error))
        whole = {file.name: self._listed(file) for file in self.manifest.files}
        self._end()
        good = {name: packed for name, packed in whole.items() if packed is not None}
        self._records(self.manifest, good)
        self._small(self.manifest, good)

    def _stored(self, name: str) -> bytes | None:
        """Return a file that is stored as it is, None where there is no telling where it ends."""
        length = archive.header_bytes(name)
        header = self._source.read(self._place, length)
        if len(header) < length:
            self.say("archive", f"it is cut before {name}")
            return None
        _, size = archive.stated(header)
        data = self._source.read(self._place + length, min(size, bundle.MOST_SMALL_BYTES))
        member = Member(name, STORED, zlib.crc32(data), len(data), len(data))
        self._header(member)
        if len(data) != size:
            self.say("archive", f"it is cut inside {name}, or states a wrong size for it")
            return None
        return data

    def _header(self, member: Member) -> None:
        """Compare a header with what it must be, and go on behind the member's data."""
        expected = archive.local_header(member)
        found = self._source.read(self._place, len(expected))
        if found != expected:
            what = archive.differing(found, expected)
            self.say("archive", f"the header before {member.name} is not as written: {what}")
        self._members.append(member)
        self._place += len(expected) + member.packed

    def _listed(self, file: File) -> Packed | None:
        """Check a file that the manifest lists; return it where it is as it was."""
        start = self._place + archive.header_bytes(file.name)
        packed = Packed(self._source, start, file.packed, file.bytes)
        try:
            crc: int | None = packed.check(file.packed_sha256, file.sha256)
        except IntegrityError as error:
            self.say(file.name, str(error))
            crc = None
        header = self._source.read(self._place, archive.header_bytes(file.name))
        told = crc if crc is not None else archive.stated(header)[0]
        self._header(Member(file.name, DEFLATED, told, file.packed, file.bytes))
        return packed if crc is not None else None

    def _end(self) -> None:
        """Compare the directory at the end, and find what else is in the file."""
        place = self._place
        names = [*(member.name for member in self._members), "the archive"]
        for name, expected in zip(names, archive.end(self._members), strict=True):
            if self._source.read(place, len(expected)) != expected:
                self.say("archive", f"the entry of {name} in its directory is not as written")
            place += len(expected)
        if self._source.size < place:
            self.say("archive", f"it is cut: {place - self._source.size} bytes are missing")
        elif self._source.size > place:
            self.say("archive", f"{self._source.size - place} bytes too many")
        if not self.findings:
            return
        edge = self._source.read(max(0, self._source.size - _EDGE), _EDGE)
        known = {bundle.MANIFEST, bundle.SIGNATURE, *bundle.LISTED}
        for name, times in sorted(Counter(archive.names_in(edge)).items()):
            if name not in known:
                self.say("archive", f"its directory has a foreign file, {name!a}")
            elif times > 1:
                self.say("archive", f"its directory has {name} {times} times")

    def _records(self, manifest: Manifest, good: Mapping[str, Packed]) -> None:
        """Check that both files of records hold the same, and as many as the manifest says."""
        if bundle.RECORDS not in good or bundle.TABLE not in good:
            return
        rows = 0
        table = Reader(good[bundle.TABLE].chunks())
        same = table.begins(csv_head(manifest.columns))
        try:
            for frame in frames(good[bundle.RECORDS].chunks(), manifest.columns):
                same = same and table.begins(csv_lines(frame))
                rows += frame.height
        except IntegrityError as error:
            self.say(bundle.RECORDS, str(error))
            return
        if not (same and table.ended()):
            self.say(bundle.TABLE, f"does not hold the same records as {bundle.RECORDS}")
        if rows != manifest.records:
            self.say(bundle.RECORDS, f"{rows} records; the manifest says {manifest.records}")

    def _small(self, manifest: Manifest, good: Mapping[str, Packed]) -> None:
        """Check what the manifest says of the small files, and the audit log's proof if asked."""
        scope = next(file for file in manifest.files if file.name == bundle.SCOPE)
        if scope.sha256 != manifest.scope_sha256:
            self.say(bundle.SCOPE, "is not the scope whose digest the manifest has")
        if bundle.CUSTODY in good:
            self._custody(manifest, b"".join(good[bundle.CUSTODY].chunks()))
        if bundle.AUDIT in good:
            self._proof(manifest, b"".join(good[bundle.AUDIT].chunks()))

    def _custody(self, manifest: Manifest, data: bytes) -> None:
        try:
            links = bundle.decode_custody(data)
        except IntegrityError as error:
            self.say(bundle.CUSTODY, str(error))
            return
        if len(links) != manifest.custody:
            self.say(bundle.CUSTODY, f"{len(links)} acts; the manifest says {manifest.custody}")

    def _proof(self, manifest: Manifest, data: bytes) -> None:
        try:
            proof = orjson.loads(data)
        except orjson.JSONDecodeError:
            proof = None
        if not isinstance(proof, dict) or bundle.canonical(proof) != data:
            self.say(bundle.AUDIT, "is not written as the proof of a bundle is")
        elif self._audit is not None:
            for what in self._audit(proof, manifest):
                self.say(bundle.AUDIT, what)
