"""Sealed frames, opened with the keys a case was lent, as records with fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl

from pipeline import envelope
from pipeline.investigations.lookup import Found
from pipeline.investigations.open import open_with
from pipeline.restricted import RECORD, RecordReader, open_reader
from pipeline.settings import Split

ABOUT: Final[dict[str, pl.DataType]] = {
    "partition": pl.String(),
    "offset": pl.UInt64(),
    "line": pl.UInt32(),
    "site": pl.String(),
    "source": pl.String(),
    "ingest": pl.String(),
    "outcome": pl.String(),
    "reason": pl.String(),
    "policy": pl.UInt16(),
}
"""What the index says of a record: where it came from, and what became of it."""

RECORDS: Final[dict[str, pl.DataType]] = {**ABOUT, **RECORD, "raw": pl.Binary()}
"""Columns of opened records; ``time`` in seconds since 1970 UTC, ``raw`` the line's bytes."""


class Records:
    """Opens frames and reads their lines."""

    def __init__(self, settings: Split) -> None:
        """Read lines as ``settings`` have them read; raises SettingsError."""
        self._reader: RecordReader = open_reader(settings)

    def opened(self, found: Iterable[tuple[Found, bytes]]) -> Iterator[pl.DataFrame]:
        """Yield RECORDS of each frame's rows that were looked for; ``found`` with content keys.

        Raises IntegrityError for a frame that is not what was sealed.
        """
        for frame, key in found:
            lines = open_with(key, frame.head, frame.frame, frame.ciphertext)
            rows = frame.rows.rename({"label": "source"})
            raw = pl.Series("raw", lines, dtype=pl.Binary).gather(rows["row"])
            held = rows.with_columns(raw)
            sealed = envelope.decode_header(frame.head).hour + 3600
            said = self._reader.read(held, sealed)
            yield held.select(*ABOUT).hstack(said).with_columns(raw).select(*RECORDS)

    def visitors(self, records: pl.DataFrame, keys: dict[tuple[str, int], bytes]) -> pl.Series:
        """Return each record's pseudonym (UInt64) under the keys of its ingest and day."""
        return self._reader.visitors(records, keys)
