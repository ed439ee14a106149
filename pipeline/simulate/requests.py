"""Requests as text: the columns that every format's writer is given."""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.simulate.catalogue import Catalogue
from pipeline.simulate.hits import METHODS, NONE, PROTOCOLS
from pipeline.simulate.people import People, written

SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "host": pl.String,
    "server": pl.String,
    "server_address": pl.String,
    "zone": pl.String,
    "time": pl.Int64,
    "arrival": pl.Int64,
    "address": pl.String,
    "port": pl.Int64,
    "user": pl.String,
    "method": pl.String,
    "target": pl.String,
    "protocol": pl.String,
    "status": pl.Int64,
    "bytes": pl.Int64,
    "duration": pl.Int64,
    "referrer": pl.String,
    "agent": pl.String,
    "tls": pl.String,
    "cipher": pl.String,
    "serial": pl.Int64,
}
"""One request a row.

``time``: when it came, ``arrival``: when its line is written, both in microseconds since 1970
UTC; ``zone``: the name of the site's time zone. ``duration`` in microseconds, ``bytes`` of the
body sent. ``method``, ``target`` and ``protocol`` are null together where the client sent no
request; ``user``, ``referrer`` and ``agent`` where it sent none. ``serial`` counts from 0.
"""

_TLS: Final = "TLSv1.3"
_CIPHER: Final = "TLS_AES_128_GCM_SHA256"
_USERS: Final = (*[None] * 60, "editor")


def requests(
    rows: pl.DataFrame, site: Catalogue, people: People, *, host: str, zone: str, serial: int
) -> pl.DataFrame:
    """Return SCHEMA, and ``fault``, of hits; ``serial`` is the first row's."""
    indices = {
        "agent": people.texts,
        "target": site.targets,
        "referrer": site.referrers,
        "method": pl.Series(METHODS),
        "protocol": pl.Series(PROTOCOLS),
    }
    texts = [_text(rows[name], pool).alias(name) for name, pool in indices.items()]
    constants = {
        "host": host,
        "server": f"web1.{host}",
        "server_address": "192.0.2.1",
        "zone": zone,
        "tls": _TLS,
        "cipher": _CIPHER,
    }
    return rows.with_columns(
        *texts,
        *(pl.lit(value, pl.String).alias(name) for name, value in constants.items()),
        written(rows["first"], rows["second"]).alias("address"),
        # Now and then somebody is logged in.
        pl.lit(pl.Series(_USERS)).gather(pl.col("port") % len(_USERS)).alias("user"),
        pl.int_range(serial, serial + len(rows)).alias("serial"),
    ).select(*SCHEMA, "fault")


def _text(indices: pl.Series, pool: pl.Series) -> pl.Series:
    """Return the value of each index; null for NONE."""
    return pool.gather(indices.replace(NONE, None))
