"""What a bundle says of itself, without a record of it, and without a word on whether it is so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import IntegrityError
from pipeline.evidence import archive, bundle
from pipeline.evidence.bundle import Custody, Manifest
from pipeline.evidence.packed import Packed
from pipeline.evidence.verify import opened


@dataclass(frozen=True, slots=True)
class Shown:
    """The manifest and the chain of custody."""

    manifest: Manifest
    custody: tuple[Custody, ...] = field(repr=False)


def show(path: Path) -> Shown:
    """Read manifest and custody; the signature is not looked at.

    Raises InputError for what is no bundle, IntegrityError where it is too damaged for these two.
    """
    with opened(path) as source:
        place = 0
        stored = []
        for name in (bundle.MANIFEST, bundle.SIGNATURE):
            length = archive.header_bytes(name)
            _, size = archive.stated(source.read(place, length))
            stored.append(source.read(place + length, min(size, bundle.MOST_SMALL_BYTES)))
            place += length + size
        try:
            manifest = bundle.decode(stored[0])
        except IntegrityError as error:
            raise IntegrityError(f"evidence {path}: {bundle.MANIFEST}: {error}") from None
        for file in manifest.files:
            place += archive.header_bytes(file.name)
            if file.name == bundle.CUSTODY:
                packed = Packed(source, place, file.packed, file.bytes)
                try:
                    packed.check(file.packed_sha256, file.sha256)
                    return Shown(manifest, bundle.decode_custody(b"".join(packed.chunks())))
                except IntegrityError as error:
                    raise IntegrityError(f"evidence {path}: {bundle.CUSTODY}: {error}") from None
            place += file.packed
    raise AssertionError  # a manifest lists every file
