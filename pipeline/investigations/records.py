"""Sealed frames, opened with the keys a case was lent, as records with fields."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline import envelope
from pipeline.errors import IntegrityError
from pipeline.investigations.lookup import Found
from pipeline.investigations.open import open_with
from pipeline.restricted import RECORD, RecordReader, open_reader
from pipeline.rows import HOUR
from pipeline.settings import Split
from pipeline.zones import ALL_UTC, Zones

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

PLACE: Final[dict[str, pl.DataType]] = {
    "token": pl.Binary(),
    "hour": pl.Int64(),
    "format": pl.String(),
    "key_id": pl.String(),
    "folder": pl.String(),
    "data": pl.String(),
    "place": pl.UInt32(),
    "row": pl.UInt32(),
}
"""Where a record lies sealed, and what it stands under in the index: as in ``parts.ROWS``."""

PLACED: Final[dict[str, pl.DataType]] = {
    **RECORDS,
    **PLACE,
    "sealed": pl.Int64(),
    "held": pl.Boolean(),
}
"""Columns of records that are to be sealed again or erased: ``sealed`` is the hour of sealing
(seconds since 1970 UTC), ``held`` tells whether a legal hold keeps a copy."""


class Records:
    """Opens frames and reads their lines."""

    def __init__(self, settings: Split, zones: Zones = ALL_UTC) -> None:
        """Read lines as ``settings`` have them read, pseudonyms by the clocks of ``zones``.

        Raises SettingsError.
        """
        self._reader: RecordReader = open_reader(settings, zones)

    def opened(self, found: Found, key: bytes) -> pl.DataFrame:
        """Return the records (columns RECORDS) of a frame's rows that were looked for.

        ``key`` is the batch's. Raises IntegrityError for a frame that is not what was sealed.
        """
        lines = open_with(key, found.head, found.frame, found.ciphertext)
        rows = found.rows.rename({"label": "source"})
        if rows.height and int(str(rows["row"].max())) >= len(lines):
            raise IntegrityError("the index names a line that its frame does not have")
        raw = pl.Series("raw", lines, dtype=pl.Binary).gather(rows["row"])
        held = rows.with_columns(raw)
        said = self._reader.read(held, envelope.decode_header(found.head).hour + HOUR)
        return held.select(*ABOUT).hstack(said).with_columns(raw).select(*RECORDS)

    def placed(self, found: Found, key: bytes) -> pl.DataFrame:
        """As :meth:`opened`, with the columns PLACED; ``held`` is False throughout."""
        hour = envelope.decode_header(found.head).hour
        return self.opened(found, key).with_columns(
            *(found.rows.get_column(name) for name in PLACE),
            sealed=pl.lit(hour, pl.Int64),
            held=pl.lit(value=False),
        )

    def visitors(self, records: pl.DataFrame, keys: dict[tuple[str, int], bytes]) -> pl.Series:
        """Return each record's pseudonym (UInt64) under the keys of its ingest and day."""
        return self._reader.visitors(records, keys)

    def providers(self, addresses: pl.Series) -> pl.Series:
        """Return the provider of each address, null where no database tells."""
        return self._reader.providers(addresses)
