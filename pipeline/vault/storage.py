"""Where the vault's files lie: a local folder, or S3 behind fsspec, with the same three promises.

A file appears whole or not at all; a file made with ``create`` is made by one writer only; and
once a call returns, what it wrote survives a crash. Local files have mode 0600, folders 0700.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

import fsspec

from pipeline.buckets import FAILURES
from pipeline.errors import SettingsError, UnavailableError

_LOCAL: Final = {"file", "local"}
_EXCLUSIVE: Final = {"memory", "s3", "s3a"}  # whose "create" is one conditional request
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_TEMPORARY: Final = ".tmp"
_BLOCK: Final = 256 * 1024  # bytes fetched at once: a footer or a small row group


class Storage(Protocol):
    """Named files under a root; names are relative, with ``/`` between folders."""

    def put(self, name: str, data: bytes) -> None:
        """Write a file whole, durably. Raises UnavailableError and leaves nothing half-written."""

    def create(self, name: str, data: bytes) -> bool:
        """As ``put``, but return False and change nothing where the file is there already."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes; raises FileNotFoundError, UnavailableError."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading at random places; raises as ``read``."""

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of a folder's files, none where there is no folder."""

    def folders(self) -> list[str]:
        """Return the sorted names of the folders under the root."""

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens where it is gone."""

    def drop(self, folder: str) -> None:
        """Remove a folder under the root that nobody writes to, with all that is in it."""

    def clean(self, folder: str) -> None:
        """Remove what writers that were killed left half-written in a folder.

        A writer at work that loses its half-written file so fails, and tries again.
        """


def storage_at(url: str) -> Storage:
    """Return the storage at a folder's path, ``file://``, ``s3://`` or ``memory://``.

    Raises SettingsError for what cannot hold a vault.
    """
    protocol = fsspec.utils.get_protocol(url)
    if protocol not in _LOCAL | _EXCLUSIVE:
        raise SettingsError(f"vault {url}: give a folder or an s3:// address")
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise SettingsError(f"vault {url}: install partywall[s3] for s3:// addresses") from error
    if protocol in _LOCAL:
        return LocalStorage(Path(root))
    return ObjectStorage(filesystem, root.rstrip("/"))


def is_there(url: str) -> bool:
    """Tell whether a folder exists; of a bucket that shows only where it is asked."""
    if fsspec.utils.get_protocol(url) not in _LOCAL:
        return True
    return Path(fsspec.core.url_to_fs(url)[1]).is_dir()


class LocalStorage:
    """A folder. Files are written beside their place, synced, and linked or renamed into it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        """As in Storage."""
        with _writing(name), self._written(name, data) as temporary:
            temporary.rename(self._root / name)

    def create(self, name: str, data: bytes) -> bool:
        """As in Storage."""
        try:
            with _writing(name), self._written(name, data) as temporary:
                os.link(temporary, self._root / name)
        except FileExistsError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """As in Storage."""
        with _unavailable(name):
            return (self._root / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """As in Storage."""
        with _unavailable(name):
            # Without a buffer: a look-up asks for a few bytes here and there.
            return cast("BinaryIO", (self._root / name).open("rb", buffering=0))

    def names(self, folder: str) -> list[str]:
        """As in Storage."""
        with _unavailable(folder):
            try:
                found = sorted(entry.name for entry in (self._root / folder).iterdir())
            except FileNotFoundError:
                return []
        return [name for name in found if not name.endswith(_TEMPORARY)]

    def folders(self) -> list[str]:
        """As in Storage."""
        with _unavailable(""):
            try:
                return sorted(entry.name for entry in self._root.iterdir() if entry.is_dir())
            except FileNotFoundError:
                return []

    def remove(self, name: str) -> None:
        """As in Storage."""
        with _unavailable(name):
            (self._root / name).unlink(missing_ok=True)

    def drop(self, folder: str) -> None:
        """As in Storage."""
        with _unavailable(folder), suppress(FileNotFoundError):
            shutil.rmtree(self._root / folder)

    def clean(self, folder: str) -> None:
        """As in Storage."""
        with _unavailable(folder):
            for path in (self._root / folder).glob(f"*{_TEMPORARY}"):
                path.unlink(missing_ok=True)

    @contextmanager
    def _written(self, name: str, data: bytes) -> Iterator[Path]:
        """Write and sync a temporary file; after the caller has placed it, sync its folder."""
        folder = (self._root / name).parent
        self._make_folder(folder)
        temporary = folder / f"{secrets.token_hex(8)}{_TEMPORARY}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
        _sync(folder)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder != self._root:
            self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


class ObjectStorage:
    """A bucket, or memory in tests: a request is whole and durable or has not happened."""

    def __init__(self, filesystem: fsspec.AbstractFileSystem, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        """As in Storage."""
        with _writing(name):
            self._filesystem.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """As in Storage."""
        try:
            with _writing(name):
                self._filesystem.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """As in Storage."""
        with _unavailable(name):
            return bytes(self._filesystem.cat_file(self._path(name)))

    def open(self, name: str) -> BinaryIO:
        """As in Storage."""
        with _unavailable(name):
            opened: BinaryIO = self._filesystem.open(self._path(name), "rb", block_size=_BLOCK)
            return opened

    def names(self, folder: str) -> list[str]:
        """As in Storage."""
        return self._listed(folder, "file")

    def folders(self) -> list[str]:
        """As in Storage."""
        return self._listed("", "directory")

    def remove(self, name: str) -> None:
        """As in Storage."""
        with _unavailable(name), suppress(FileNotFoundError):
            self._filesystem.rm_file(self._path(name))

    def drop(self, folder: str) -> None:
        """As in Storage."""
        with _unavailable(folder), suppress(FileNotFoundError):
            self._filesystem.rm(self._path(folder), recursive=True)

    def clean(self, folder: str) -> None:
        """As in Storage: an object is never half-written."""

    def _listed(self, folder: str, kind: str) -> list[str]:
        with _unavailable(folder):
            self._filesystem.invalidate_cache()  # what others made meanwhile counts
            try:
                entries = self._filesystem.ls(self._path(folder).rstrip("/"), detail=True)
            except FileNotFoundError:
                return []
        return sorted(
            e["name"].rstrip("/").rpartition("/")[2] for e in entries if e["type"] == kind
        )

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unavailable(name: str) -> Iterator[None]:
    """Tell apart what a person must mend, what the caller decides, and what passes with time."""
    try:
        yield
    except (FileExistsError, FileNotFoundError):
        raise
    except FAILURES as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        where = name or "its folder"
        if getattr(error, "errno", None) in _FORBIDDEN:
            raise SettingsError(
                f"vault: {where} is refused ({why}); let this user read and write it"
            ) from error
        raise UnavailableError(f"vault: {where} cannot be reached ({why})") from error


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        with _unavailable(name):
            yield
    except FileNotFoundError as error:
        raise UnavailableError(f"vault: there is no folder or bucket to write {name} to") from error
