"""Logs in a bucket: ``s3://bucket/prefix`` through fsspec, an object a file.

Needs the optional extra ``partywall[s3]``. Credentials and endpoints are those of botocore:
https://s3fs.readthedocs.io/en/latest/#credentials
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

import fsspec

from pipeline.buckets import FAILURES
from pipeline.errors import InputError

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://")
_KNOWN: Final = {"s3", "s3a", "memory"}
_BLOCK: Final = 4 << 20


def is_remote(name: str) -> bool:
    """Tell an address from a path."""
    return _ADDRESS.match(name) is not None


def listed(address: str) -> list[str]:
    """Return the addresses of all objects at, under or beginning with ``address``, sorted.

    A ``*`` in it matches within one folder. Hidden objects and empty ones are left out. Raises
    InputError.
    """
    files, path = _filesystem(address)
    scheme = address.partition("://")[0]
    with _asking(address):
        if "*" in path:
            found = _whole(files, files.glob(path, detail=True))
        elif files.isfile(path):
            found = [path]
        else:
            found = _whole(files, {path: {"type": "directory"}})
            found = found or _whole(files, files.glob(path + "*", detail=True))
    root = path.partition("*")[0].rpartition("/")[0]
    return [
        f"{scheme}://{name.lstrip('/')}"
        for name in sorted(set(found))
        if not any(part.startswith(".") for part in name.removeprefix(root).split("/"))
    ]


@contextmanager
def opened(address: str) -> Iterator[tuple[IO[bytes], int, str]]:
    """Yield an object's bytes, their number and what tells them from others; raises InputError."""
    files, path = _filesystem(address)
    with _asking(address):
        about = files.info(path)
        with files.open(path, "rb", block_size=_BLOCK) as stored:
            changed = about.get("ETag") or about.get("LastModified") or about.get("created")
            yield stored, int(about["size"]), f"{path}:{about['size']}:{changed}"


def _whole(files: Any, found: dict[str, dict[str, Any]]) -> list[str]:  # noqa: ANN401 -- fsspec has no types
    names: list[str] = []
    for name, about in found.items():
        if about["type"] == "directory":
            under = files.find(name, detail=True)
            names += [inner for inner, size in under.items() if size["size"]]
        elif about["size"]:
            names.append(name)
    return names


def _filesystem(address: str) -> tuple[Any, str]:
    if address.partition("://")[0] not in _KNOWN:
        raise InputError(f"{address}: name a file, a folder or an s3:// address")
    try:
        files, path = fsspec.core.url_to_fs(address, use_listings_cache=False)
    except ImportError:
        raise InputError(f"{address}: install partywall[s3] to read s3:// addresses") from None
    return files, path


@contextmanager
def _asking(address: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{address} does not exist: check the address") from None
    except PermissionError:
        raise InputError(f"{address} may not be read: check the credentials") from None
    except FAILURES as error:
        raise InputError(
            f"{address} cannot be read ({type(error).__name__}): check address and credentials"
        ) from None
