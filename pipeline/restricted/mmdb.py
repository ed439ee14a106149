"""MMDB files, copied before they are mapped.

A mapped file that somebody truncates kills the process, and a copy without a name costs nothing
but page cache.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import maxminddb


def open_mmdb(path: Path) -> maxminddb.Reader:
    """Open the file as it is now; raises OSError, ValueError or InvalidDatabaseError."""
    with tempfile.NamedTemporaryFile(suffix=".mmdb") as copy:
        with path.open("rb") as source:
            shutil.copyfileobj(source, copy)
        copy.flush()
        reader = maxminddb.open_database(copy.name)
    reader.get("192.0.2.1")  # a damaged tree shows on the first walk
    return reader


def lookup(reader: maxminddb.Reader, address: str) -> object:
    """Return the record of a canonical address, None where there is none."""
    try:
        return reader.get(address)
    except (ValueError, maxminddb.InvalidDatabaseError):
        # IPv6 in a database of IPv4, or a damaged record.
        return None
