"""What a log does to its folder: locks it, reads, writes durably, tidies. OSError means closed.

Files are written under names that nothing refers to yet; a checkpoint then refers to them. So none
is ever overwritten but the checkpoint, and that one by renaming.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.audit.layout import CHECKPOINT, NEW_CHECKPOINT, folders
from pipeline.errors import IntegrityError, UnavailableError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def fail_closed(path: Path) -> Iterator[None]:
    """Turn an OSError into an UnavailableError that names the log and the system's reason."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"the audit log {path} cannot be used ({error.strerror}); nothing is done that it "
            "would not tell of"
        ) from error


@contextlib.contextmanager
def locked(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the folder itself, against other processes and threads, while the block runs."""
    descriptor = os.open(folder, _FOLDER)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        held, named = os.fstat(descriptor), folder.stat()
        if (held.st_dev, held.st_ino) != (named.st_dev, named.st_ino):
            raise UnavailableError(f"the audit log {folder} was put in another's place")
        yield
    finally:
        os.close(descriptor)


def read(folder: Path, name: str) -> bytes:
    """Return a file's bytes; raises IntegrityError where it is missing or no regular file."""
    try:
        descriptor = os.open(folder / name, _READ)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IntegrityError(f"the audit log's {name} is missing") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise IntegrityError(f"the audit log's {name} is a link") from error
        raise
    try:
        parts: list[bytes] = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a new file and wait until it, and the folders made for it, are on the disk."""
    above = [*folders(name)]
    for part in reversed(above):
        with contextlib.suppress(FileExistsError):
            (folder / part).mkdir(0o700)
    descriptor = os.open(folder / name, _WRITE, 0o600)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # A folder that an earlier, killed append made may not be on the disk either: all of them.
    for part in above:
        sync(folder / part)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, in as many pieces as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def put_checkpoint(folder: Path, note: bytes) -> None:
    """Put a checkpoint in place of the one before, durably: the moment an entry is in the log."""
    remove(folder, NEW_CHECKPOINT)
    write(folder, NEW_CHECKPOINT, note)
    (folder / NEW_CHECKPOINT).rename(folder / CHECKPOINT)
    sync(folder)


def sync(folder: Path) -> None:
    """Wait until a folder's names are on the disk."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(folder: Path, name: str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        (folder / name).unlink()


def names_in(folder: Path, name: str) -> list[str]:
    """Return what lies in a folder; nothing where there is no such folder."""
    try:
        return [entry.name for entry in (folder / name).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove_empty(folder: Path, name: str) -> None:
    """Remove a folder under the log's and those around it, as far as they are empty."""
    for part in (name, *folders(name)):
        try:
            (folder / part).rmdir()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                return
            raise
