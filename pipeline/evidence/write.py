"""Writes a bundle, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.audit.signing import Signer
from pipeline.errors import IntegrityError, UnavailableError, UsageError
from pipeline.evidence import archive, bundle, note, readme
from pipeline.evidence.archive import DEFLATED, STORED, Member
from pipeline.evidence.bundle import Contents, File, Manifest
from pipeline.evidence.records import batches, columns_of, csv_head, csv_lines, json_lines

_COPY: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """The file's SHA-256 (hex), its size, and how many records it holds."""

    sha256: str
    bytes: int
    records: int


def write(path: Path, contents: Contents, signer: Signer) -> Written:
    """Write a bundle to ``path`` with mode 0600; the same contents and key give the same bytes.

    At most some megabytes of the records are held beside the frame. Until the manifest is known,
    what is packed lies in a file without a name, in the same folder.

    Raises UsageError where another file has that path already, where the folder is missing, or
    where the contents cannot be a bundle; IntegrityError where ``scope_sha256`` is not the scope's;
    UnavailableError where the disk refuses.
    """
    _check(contents)
    try:
        with tempfile.TemporaryFile(dir=path.parent) as spool, _beside(path) as temporary:
            with temporary.open("r+b") as file:
                written = _write(spool, file, contents, signer)
            _place(temporary, path, written)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"evidence {path}: there is no such folder; make it first") from None
    except OSError as error:
        raise UnavailableError(f"evidence {path}: cannot be written ({error.strerror})") from error
    return written


def _check(contents: Contents) -> None:
    if not bundle.is_name(contents.case):
        raise UsageError("evidence: the case's id is empty or has signs that do not print")
    if hashlib.sha256(contents.scope).hexdigest() != contents.scope_sha256:
        raise IntegrityError("evidence: the scope is not the one whose digest the case knows")
    if contents.made.tzinfo is None or any(x.time.tzinfo is None for x in contents.custody):
        raise UsageError("evidence: a time has no zone; give times in UTC")


def _write(spool: BinaryIO, file: BinaryIO, contents: Contents, signer: Signer) -> Written:
    columns = columns_of(contents.records)
    parts: dict[str, Iterable[bytes]] = {
        bundle.RECORDS: map(json_lines, batches(contents.records)),
        bundle.TABLE: _table(contents),
        bundle.CUSTODY: [bundle.custody_json(contents.custody)],
        bundle.POLICY: [contents.policy],
        bundle.SCOPE: [contents.scope],
        bundle.AUDIT: [bundle.canonical(dict(contents.audit))],
        bundle.README: [readme.TEXT.encode()],
    }
    listed = [_pack(spool, name, parts[name]) for name in bundle.LISTED]
    if not bundle.fits([entry for entry, _ in listed]):
        raise UsageError("evidence: this is too much for one bundle; narrow the scope")
    manifest = bundle.encode(
        Manifest(
            case=contents.case,
            requester=contents.requester,
            reason=contents.reason,
            made=bundle.moment(contents.made),
            records=contents.records.height,
            custody=len(contents.custody),
            columns=columns,
            scope_sha256=contents.scope_sha256,
            policy_versions=contents.policy_versions,
            files=tuple(entry for entry, _ in listed),
        )
    )
    digest = hashlib.sha256(manifest).hexdigest()
    signature = signer.sign(note.statement(contents.case, digest, signer.verifier))
    note.check(signature, contents.case, digest)  # a signer that does not fit is found out here
    heads = [_stored(bundle.MANIFEST, manifest), _stored(bundle.SIGNATURE, signature)]
    members = [*heads, *(member for _, member in listed)]
    return _assemble(file, spool, members, (manifest, signature), contents.records.height)


def _table(contents: Contents) -> Iterator[bytes]:
    yield csv_head(columns_of(contents.records))
    yield from map(csv_lines, batches(contents.records))


def _pack(spool: BinaryIO, name: str, parts: Iterable[bytes]) -> tuple[File, Member]:
    """Append a file to the spool, deflated; return what the manifest and the archive say of it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    plain, packed = hashlib.sha256(), hashlib.sha256()
    crc = size = packed_size = 0

    def put(data: bytes) -> None:
        nonlocal packed_size
        packed.update(data)
        packed_size += len(data)
        spool.write(data)

    for part in parts:
        plain.update(part)
        crc = zlib.crc32(part, crc)
        size += len(part)
        put(packer.compress(part))
    put(packer.flush())
    file = File(name, size, plain.hexdigest(), packed_size, packed.hexdigest())
    return file, Member(name, DEFLATED, crc, packed_size, size)


def _stored(name: str, data: bytes) -> Member:
    return Member(name, STORED, zlib.crc32(data), len(data), len(data))


def _assemble(
    file: BinaryIO,
    spool: BinaryIO,
    members: list[Member],
    heads: tuple[bytes, bytes],
    records: int,
) -> Written:
    digest = hashlib.sha256()

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    spool.seek(0)
    for number, member in enumerate(members):
        put(archive.local_header(member))
        if number < len(heads):
            put(heads[number])
            continue
        left = member.packed
        while left:
            data = spool.read(min(left, _COPY))
            put(data)
            left -= len(data)
    for entry in archive.end(members):
        put(entry)
    file.flush()
    os.fsync(file.fileno())
    return Written(digest.hexdigest(), file.tell(), records)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Make an empty file of mode 0600 beside ``path``; it is gone afterwards."""
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    temporary.touch(mode=0o600, exist_ok=False)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _place(temporary: Path, path: Path, written: Written) -> None:
    """Give the file its name, unless another file has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        if not _is(path, written):
            raise UsageError(
                f"evidence {path}: another file is there; choose another name"
            ) from None
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is(path: Path, written: Written) -> bool:
    if not path.is_file() or path.stat().st_size != written.bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == written.sha256
