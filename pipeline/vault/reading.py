"""Opens the vault's files for reading, and names the one that is missing or damaged."""

from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.buckets import FAILURES
from pipeline.errors import IntegrityError, UnavailableError
from pipeline.vault.storage import Storage


@contextmanager
def parquet(
    storage: Storage,
    name: str,
    footer: tuple[int, str] | None = None,
    *,
    packed: bool = False,
) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; ``footer`` is its length and SHA-256, where they are known.

    The footer is read here, since pyarrow would read 64 KiB or more to find it. A row group is one
    read; texts stay dictionaries where they are to be ``packed``.
    """
    with reading(storage, name) as file:
        length, sha256 = footer or (_footer_length(file), None)
        file.seek(-length, io.SEEK_END)
        found = file.read(length)
        if sha256 is not None and hashlib.sha256(found).hexdigest() != sha256:
            raise IntegrityError(f"vault: {name} is damaged")
        metadata = pq.read_metadata(io.BytesIO(found))
        texts = [one.path for one in metadata.schema if one.logical_type.type == "STRING"]
        with pq.ParquetFile(
            file,
            metadata=metadata,
            pre_buffer=True,
            read_dictionary=texts if packed else None,
            page_checksum_verification=True,
        ) as parquet:
            yield parquet


def as_rows(table: pa.Table) -> pl.DataFrame:
    """Return a table's rows."""
    rows = pl.from_arrow(table)
    assert isinstance(rows, pl.DataFrame)  # noqa: S101 - a table is no series
    return rows


def _footer_length(file: BinaryIO) -> int:
    """Return the length of a footer by what stands behind it: its own, and four bytes."""
    file.seek(-8, io.SEEK_END)
    return int.from_bytes(file.read(4), "little") + 8


@contextmanager
def reading(storage: Storage, name: str) -> Iterator[BinaryIO]:
    """Open a file of the vault; name it where it is missing or does not read."""
    try:
        with storage.open(name) as file:
            yield file
    except FileNotFoundError as error:
        raise IntegrityError(f"vault: {name} is missing") from error
    except (pa.ArrowException, KeyError, ValueError, pl.exceptions.PolarsError) as error:
        raise IntegrityError(f"vault: {name} is damaged") from error
    except FAILURES as error:
        # Arrow's own have no number, and a place before a cut file's beginning an invalid one.
        if isinstance(error, OSError) and error.errno in (None, errno.EINVAL):
            raise IntegrityError(f"vault: {name} is damaged") from error
        raise UnavailableError(f"vault: {name} cannot be read") from error
