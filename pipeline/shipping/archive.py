"""Tar archives of logs, read as they stream by: no member is held, or written anywhere.

A member is found again by reading the archive from its start. For a packed one that is as much
decompression as there are members; the other way would be raw lines in temporary files.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import IO, cast

from pipeline.errors import InputError
from pipeline.shipping.unpack import FAILURES


def members(stream: IO[bytes], name: str) -> Iterator[tuple[int, str, io.BufferedReader]]:
    """Yield number, path and bytes of each regular file; raises InputError for a damaged archive.

    A member's bytes are gone once the next is asked for. Empty and hidden files are left out.
    """
    try:
        # Not closed: there is nothing of its own to close, and the last member is still read.
        tar = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115
        for number, info in enumerate(tar):
            tar.members = []  # type: ignore[attr-defined] # else it remembers every header it has seen
            path = info.name.removeprefix("./")
            hidden = any(part.startswith(".") for part in path.split("/"))
            if info.isreg() and info.size and not hidden:
                yield number, path, cast("io.BufferedReader", tar.extractfile(info))
    except FAILURES:
        raise InputError(f"{name} is damaged or cut short: unpack or fetch it again") from None


def member(stream: IO[bytes], wanted: int, name: str) -> io.BufferedReader:
    """Return the bytes of one member; raises InputError where it is not there any more."""
    for number, _, content in members(stream, name):
        if number == wanted:
            return content
    raise InputError(f"{name} is not in its archive any more: name the archive again")
