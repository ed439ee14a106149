"""Sealed lines that were opened again, into the fields that an investigation may show.

Each line is read alone, by what split wrote beside it: its format, zone and directive. No address
is found here that split did not find; what could not be read then cannot be read now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
import polars as pl

from pipeline.labels import LIVE
from pipeline.restricted import formats
from pipeline.restricted.client_ip import subscriber_column
from pipeline.restricted.geo import NOWHERE, Geo
from pipeline.restricted.lines import text
from pipeline.restricted.proxies import Proxies
from pipeline.restricted.pseudonym import Pseudonymiser
from pipeline.restricted.widget import read as widget
from pipeline.rows import DAY
from pipeline.shown import shown
from pipeline.zones import ALL_UTC, Zones

RECORD: Final[dict[str, pl.DataType]] = {
    **formats.FIELDS,
    "event": pl.String(),
    "chat": pl.String(),
}
"""What a line says: the formats' fields, and of a widget's the event's name and the chat's id."""


class RecordReader:
    """Reads lines as split read them; keeps nothing of them."""

    __slots__ = ("_formats", "_geo", "_proxies", "_zones")

    def __init__(
        self,
        known: Mapping[str, formats.Format],
        proxies: Proxies,
        geo: Geo | None = None,
        zones: Zones = ALL_UTC,
    ) -> None:
        """``known`` are the formats there are, ``proxies`` those that are believed.

        ``zones``: by whose clocks the days of pseudonyms are.
        """
        self._formats = known
        self._proxies = proxies
        self._geo = geo or Geo(None, None, None)
        self._zones = zones

    def read(self, lines: pl.DataFrame, now: int) -> pl.DataFrame:
        """Return RECORD, a row per line, in order; nulls where a line is not of its format.

        ``lines`` has raw (Binary), format and ingest; ``now`` is when they were sealed, in seconds,
        for times that leave out the year.
        """
        numbered = lines.select("raw", "format", "ingest").with_row_index("at")
        parts = [
            part.select("at").hstack(self._read(part["raw"], str(told), str(ingest), now))
            for (told, ingest), part in numbered.group_by("format", "ingest")
        ]
        if not parts:
            return pl.DataFrame(schema=RECORD)
        return pl.concat(parts).sort("at").drop("at")

    def visitors(self, records: pl.DataFrame, keys: Mapping[tuple[str, int], bytes]) -> pl.Series:
        """Return the pseudonym that each record's event had (UInt64), null where no key is given.

        ``records`` has site, ingest, time, address and agent; ``keys`` are by ingest and day. Of a
        widget's events that were counted for nobody there is none to find.
        """
        rows = records.select(
            "site", "ingest", subscriber_column(records["address"]), "agent", "time",
        ).with_row_index("at")  # fmt: skip
        made = [rows.clear().select("at", visitor=pl.lit(None, pl.UInt64))]
        known = rows.drop_nulls(["address", "time"]).group_by("ingest", "site")
        for (ingest, site), part in known:
            lent = {day: key for (of, day), key in keys.items() if of == ingest}
            days = part.with_columns(day=shown(pl.col("time"), self._zones.of(str(site))) // DAY)
            found = Pseudonymiser().pseudonyms(days, lent)
            made.append(part.select("at", found.alias("visitor")))
        told = rows.join(pl.concat(made), on="at", how="left", maintain_order="left")
        return told.get_column("visitor")

    def providers(self, addresses: pl.Series) -> pl.Series:
        """Return the provider of each address (String), null where no database tells.

        The database keeps nothing of them once this returns.
        """
        values = addresses.drop_nulls().unique().to_list()
        named = (
            {}
            if not self._geo.knows_something
            else {
                value: place.provider
                for value, place in zip(values, self._geo.many(values), strict=True)
                if place.provider != NOWHERE.provider
            }
        )
        self._geo.forget()
        return pl.Series([named.get(a) for a in addresses.to_list()], dtype=pl.String)

    def _read(self, raw: pl.Series, told: str, ingest: str, now: int) -> pl.DataFrame:
        name, zone, directive = formats.alone(told)
        plain = text(raw)
        if formats.find(name, self._formats) is None:
            return pl.DataFrame(schema=RECORD).clear(len(raw))
        context = formats.Context(
            now=now,
            zone=zone,
            directive=directive,
            starts=pl.repeat(value=True, n=len(raw), eager=True),
            live=ingest == LIVE,
            proxies=self._proxies,
        )
        found = formats.parse(name, plain, context, among=self._formats).drop("reject")
        events, chats = _widget(raw) if name == widget.NAME else ([None] * len(raw),) * 2
        return found.with_columns(
            pl.Series("event", events, dtype=pl.String), pl.Series("chat", chats, dtype=pl.String)
        ).select(*RECORD)


def _widget(raw: pl.Series) -> tuple[list[str | None], list[str | None]]:
    """Return the name and the chat's id of each event, None where a line says none."""
    said = [_event(line) for line in raw.to_list()]
    return [_text(one.get("event")) for one in said], [_text(one.get("chat_id")) for one in said]


def _event(line: bytes) -> dict[str, object]:
    try:
        event = orjson.loads(line)["event"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    return event if isinstance(event, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
