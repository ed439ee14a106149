"""Reads every byte of a vault and names what is not as it was written.

What ties a vault together, outermost first: each manifest entry holds its own SHA-256 and that of
the entry before; an entry that of each of its segment's files; and what an entry says of its
segment can be counted again from the files. None of it takes a key, so whoever may write to the
vault may also write all of it anew, or cut a chain off at its end: against that the frames are
sealed, and the folder is for its writer alone.

A kind of folder, or a part of a partition's folder, that comes later brings a checker of its own:
see KINDS and PARTS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pipeline.errors import IntegrityError, UnavailableError
from pipeline.vault.check_volumes import Past, bound, expired
from pipeline.vault.erasures import Erasure, Erasures
from pipeline.vault.manifest import HOLD, SEALED, Entry, Head, decode, name_of
from pipeline.vault.recount import Sources, differences
from pipeline.vault.storage import Storage, storage_at

Checker = Callable[[Storage, str], Iterator[str]]
"""Takes a storage and a folder in it; yields what is wrong, a line each, files named from the root.

Raises UnavailableError.
"""


def check(vault: Storage | str) -> list[str]:
    """Return what is wrong with a vault (its storage or URL), a line each; nothing if all is well.

    Names each file that was changed, cut, removed, added or put in another's place, and each
    manifest entry that was changed, removed, reordered or taken from another chain. Reads all
    there is, a segment at a time. A file that a writer at work has yet to name in the manifest
    is told as one too many. Raises UnavailableError.
    """
    return list(findings(vault))


def findings(vault: Storage | str) -> Iterator[str]:
    """Yield what :func:`check` returns, as it is found."""
    storage = storage_at(vault) if isinstance(vault, str) else vault
    folders = storage.folders()
    yield from _unknown(storage, "", {*folders})
    for folder in folders:
        checker = next((made for kind, made in KINDS.items() if folder.startswith(kind)), None)
        if checker is None:
            yield f"{folder}: no folder of a vault has such a name"
        else:
            yield from checker(storage, folder)


def _partition(storage: Storage, folder: str) -> Iterator[str]:
    """Check a partition's folder: its parts, and that there is nothing else."""
    yield from _unknown(storage, folder, {*PARTS, "segments", "erasures", "resealed"})
    for part, checker in PARTS.items():
        yield from checker(storage, f"{folder}/{part}")


def _chain(storage: Storage, manifest: str) -> Iterator[str]:
    """Check a partition's manifest, and the files of the segments it names."""
    folder = manifest.rpartition("/")[0]
    past = expired(storage, folder)
    erased, trouble = _erased(storage, folder, past)
    yield from trouble
    # Listed before the manifest: what is added meanwhile is named by then.
    present = storage.names(f"{folder}/segments")
    head: Head | None = Head()
    named: set[str] = set()
    unread: set[str] = set()
    for name in storage.names(manifest):
        path = f"{manifest}/{name}"
        data = _read(storage, path)
        if data is None:
            yield f"{path}: is no file"
            continue
        try:
            entry = decode(data)
        except IntegrityError:
            yield f"{path}: is changed or cut, or no manifest entry"
            head = None
            unread.add(name.partition(".")[0])
            continue
        if name_of(entry.first) != name:
            yield f"{path}: holds the entry of another place, {name_of(entry.first)}"
            head = None
            continue
        if past.covers(entry.first):  # kept to say where the chain goes on
            continue
        if head is not None:
            head = past.behind(head)
            yield from _follows(path, entry, head)
        if entry.segment is not None:
            for one in _foreign(entry.segment.names, folder):
                yield f"{path}: names {one}, a file of elsewhere"
            named |= {one for one in entry.segment.names if one.startswith(f"{folder}/segments/")}
        yield from _standing(storage, path, entry, None if head is None else head.sources, erased)
        head = Head(entry.last + 1, hashlib.sha256(data).hexdigest(), entry.sources)
    for place in sorted(erased):
        yield f"{folder}/erasures: an entry stands for offset {place}, which the manifest has not"
    yield from (
        f"{folder}/segments/{name}: is not in the manifest"
        for name in present
        if f"{folder}/segments/{name}" not in named and name.partition("-")[0] not in unread
    )


def _erased(storage: Storage, folder: str, past: Past) -> tuple[dict[int, Erasure], list[str]]:
    """Return what stands in the place of which entry, by its first offset, and what is wrong."""
    try:
        erased = {one.place: one for one in Erasures(storage, folder).all()}
    except IntegrityError as error:
        return {}, [str(error)]
    return {place: one for place, one in erased.items() if not past.covers(place)}, []


def _standing(
    storage: Storage, path: str, entry: Entry, known: Sources | None, erased: dict[int, Erasure]
) -> Iterator[str]:
    """Check the segment that counts for an entry today."""
    now = erased.pop(entry.first, None)
    if now is None:
        yield from _segment(storage, path, entry, known)
    else:
        yield from _resealed(storage, path, entry, now)


def _resealed(storage: Storage, path: str, entry: Entry, now: Erasure) -> Iterator[str]:
    """Check the segment that stands in the place of an entry's, since records were erased."""
    named = () if now.segment is None else now.segment.names
    folder = path.partition("/")[0]
    for name in storage.names(f"{folder}/resealed"):
        mine = name.partition("-")[0] == name_of(entry.first).partition(".")[0]
        if mine and f"{folder}/resealed/{name}" not in named:
            yield f"{folder}/resealed/{name}: is not in the erasure list"
    if now.segment is not None:
        standing = replace(entry, segment=now.segment, counts=now.counts, held=now.held)
        yield from _segment(storage, f"{folder}/erasures", standing, None)


def _follows(path: str, entry: Entry, head: Head) -> Iterator[str]:
    """Check that an entry follows what ends the chain before it."""
    if entry.first != head.next:
        yield f"{path}: does not follow: entries from offset {head.next} on are missing before"
    elif entry.previous != head.sha256:
        yield f"{path}: does not follow: the entry before is not the one it was written after"


def _segment(storage: Storage, path: str, entry: Entry, known: Sources | None) -> Iterator[str]:
    """Check an entry's files against it, and what it says of them.

    ``known`` is how far the sources reached before it, None where that is not asked.
    """
    segment = entry.segment
    files: list[bytes] = []
    if segment is not None:
        sums = (segment.data_sha256, segment.index_sha256, segment.filter_sha256)
        for name, sha256 in zip(segment.names, sums, strict=True):
            data = _read(storage, name)
            if data is None:
                yield f"{name}: is missing, or no file"
            elif hashlib.sha256(data).hexdigest() != sha256:
                yield f"{name}: is changed or cut"
            else:
                files.append(data)
        if len(files) != len(sums):
            return
    for difference in differences(entry, files, known):
        yield f"{path}: {difference}"


def _foreign(names: tuple[str, ...], folder: str) -> list[str]:
    return [name for name in names if name.rpartition("/")[0] != f"{folder}/segments"]


def _unknown(storage: Storage, folder: str, known: set[str]) -> Iterator[str]:
    """Yield the files, and in a local folder the folders, that nothing of a vault is called."""
    for name in storage.names(folder):
        if name not in known:
            yield f"{f'{folder}/{name}'.lstrip('/')}: nothing of a vault has such a name"


def _read(storage: Storage, name: str) -> bytes | None:
    try:
        return storage.read(name)
    except FileNotFoundError:
        return None
    except UnavailableError as error:
        if isinstance(error.__cause__, IsADirectoryError):
            return None
        raise


KINDS: Final[Mapping[str, Checker]] = {SEALED: _partition, HOLD: _partition}
"""How the name of a folder under the root begins → what checks it."""

PARTS: Final[Mapping[str, Checker]] = {"manifest": _chain, "volumes": bound}
"""Folder of a partition → what checks it; the manifest's checks ``segments`` too."""
