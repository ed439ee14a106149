"""Records as a case may show them: the fields of its scope, and no others."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.cases.writing import record_id
from pipeline.scope import Scope

RECORD: Final = "record"
"""Names a record within a case: a digest of where it came from, in hex."""


def ids(records: pl.DataFrame, salt: str) -> list[bytes]:
    """Return the digest by which each record (columns RECORDS) is counted as shown in a case."""
    places = records.select("partition", "offset", "line")
    return [record_id(salt, *row) for row in places.iter_rows()]


def shown(records: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    r"""Return the record's name and the fields that ``scope`` allows, in its order.

    ``raw`` is text, bytes that are none written as ``\xNN``; ``time`` seconds since 1970 UTC.
    """
    names = pl.Series(RECORD, [one.hex() for one in ids(records, scope.salt)], dtype=pl.String)
    plain = [line.decode("utf-8", "backslashreplace") for line in records["raw"].to_list()]
    text = pl.Series("raw", plain, dtype=pl.String)
    return records.with_columns(text, names).select(RECORD, *scope.fields)
