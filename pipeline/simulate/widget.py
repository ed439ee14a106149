"""The chat widget's events, as the collector writes them: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from pipeline.simulate import chats as said
from pipeline.simulate.catalogue import Catalogue
from pipeline.simulate.formats.objects import fixed, json, obj, text
from pipeline.simulate.formats.text import changed
from pipeline.simulate.hits import MICROS, NONE
from pipeline.simulate.people import People, written

SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "time": pl.Int64,
    "first": pl.UInt64,
    "second": pl.UInt64,
    "agent": pl.Int64,
    "page": pl.Int64,
    "referrer": pl.Int64,
    "locale": pl.String,
    "screen": pl.String,
    "event": pl.String,
    "chat_id": pl.String,
    "by": pl.String,
    "text": pl.String,
    "length": pl.Int64,
    "waited": pl.Int64,
    "agent_id": pl.String,
    "visitor_name": pl.String,
    "visitor_email": pl.String,
    "recipient": pl.String,
    "rating": pl.Int64,
    "code": pl.String,
    "target": pl.String,
}
"""``time`` in microseconds since 1970 UTC; ``page`` and ``referrer`` are a catalogue's indices."""

_TEXTS: Final = ("event", "chat_id", "by", "agent_id", "recipient", "code", "text", "visitor_name",
                 "visitor_email", "target")  # fmt: skip
_LOCALES: Final = ("de-DE", "en-GB", "en-US", "fr-FR", "de-AT", "pl-PL")
_ERRORS: Final = ("network", "timeout", "storage", "script")
_LINKS: Final = (
    "https://www.parcels.example/track?number=JD014600003828", "https://maps.example/@48.2,16.3",
    "https://maker.example/chairs", "https://alice.pages.example/", "https://192.0.2.80/",
)  # fmt: skip
_LINK_ODDS: Final = (0.5, 0.25, 0.15, 0.07, 0.03)
_OUTBOUND: Final = 0.03
"""Share of pages with a click on a link that leads to another site."""
_CONTEXT: Final = ("first", "second", "agent", "page", "referrer", "locale", "screen")


def events(
    rng: np.random.Generator, people: People, pages: pl.DataFrame, chats: float
) -> pl.DataFrame:
    """Return the events (SCHEMA, unsorted) of the pages that ``sessions.visits`` gave.

    ``chats``: share of visits in which the widget is opened.
    """
    running = pages.filter(pl.Series(rng.random(len(pages)) < 0.85))  # noqa: PLR2004 - no script
    desktop = ~people.texts.str.contains("Mobi").fill_null(value=False)
    base = running.select(
        pl.col("time") + 900_000, "first", "second", "agent", "referrer", "step",
        page=pl.col("target"),
        locale=pl.lit(pl.Series(_LOCALES)).gather(pl.col("agent") % len(_LOCALES)),
        screen=pl.when(pl.lit(desktop).gather(pl.col("agent"))).then(pl.lit("large"))
        .otherwise(pl.lit("small")),
    )  # fmt: skip
    begun = base.filter(step=0)
    failed = base.filter(pl.Series(rng.random(len(base)) < 0.002))  # noqa: PLR2004
    codes = pl.Series("code", rng.choice(np.array(_ERRORS), len(failed)).tolist(), dtype=pl.String)
    opened = begun.filter(pl.Series(rng.random(len(begun)) < chats))
    parts = [
        base.with_columns(event=pl.lit("loaded")),
        begun.with_columns(pl.col("time") + 400_000, event=pl.lit("shown")),
        failed.with_columns(pl.col("time") + 100_000, codes, event=pl.lit("error")),
        _chats(rng, opened.drop("step")),
        _outbound(rng, base),
    ]
    return pl.concat([_shaped(part) for part in parts])


def _outbound(rng: np.random.Generator, pages: pl.DataFrame) -> pl.DataFrame:
    left = pages.filter(pl.Series(rng.random(len(pages)) < _OUTBOUND))
    links = rng.choice(np.array(_LINKS), len(left), p=_LINK_ODDS).tolist()
    return left.with_columns(
        pl.col("time") + pl.Series(rng.integers(2, 60, len(left))) * MICROS,
        pl.Series("target", links, dtype=pl.String),
        event=pl.lit("outbound"),
    )


def _chats(rng: np.random.Generator, opened: pl.DataFrame) -> pl.DataFrame:
    rows: list[said.Row] = []
    for row in opened.iter_rows(named=True):
        context = {name: row[name] for name in _CONTEXT}
        chat_id = f"c-{rng.integers(1 << 48):012x}"
        begin = row["time"] + int(rng.integers(2, 50)) * MICROS
        rows += [{**context, **event} for event in said.chat(rng, begin, chat_id)]
    return pl.DataFrame(rows, schema=SCHEMA)


def spam(
    rng: np.random.Generator, site: Catalogue, people: People, times: Iterable[int]
) -> pl.DataFrame:
    """Return the spammer's chats, begun at ``times``."""
    context = {
        "first": people.spammer, "second": 0, "agent": 0, "page": site.at("/contact"),
        "referrer": 0, "locale": "en-US", "screen": "large",
    }  # fmt: skip
    rows = [
        {**context, **event}
        for time in times
        for event in said.spam(rng, time, f"c-{rng.integers(1 << 48):012x}")
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _shaped(part: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, kind).alias(n) for n, kind in SCHEMA.items() if n not in part.columns]
    return part.with_columns(missing).select(*SCHEMA).cast(SCHEMA)  # type: ignore[arg-type]


def lines(
    rows: pl.DataFrame, site: Catalogue, people: People, *, host: str, name: str
) -> pl.Series:
    """Return a line per event: what the collector knows of the request, and the event.

    ``rows`` has, beside SCHEMA, ``cut``: the line breaks off in the middle.
    """
    pages = f"https://{host}" + site.targets
    pools = {"agent": people.texts, "page": pages, "referrer": site.referrers}
    frame = rows.with_columns(
        *(pool.gather(rows[key].replace(NONE, None)).alias(key) for key, pool in pools.items()),
        written(rows["first"], rows["second"]).alias("address"),
    )
    frame = frame.with_columns(
        changed(frame[key], r'["\\\x00-\x1f]', json)
        for key in ("agent", "page", "referrer", *_TEXTS)
    )
    event = {
        "event": text("event"),
        "v": fixed(1),
        "time": pl.col("time") // 1000,
        "site": fixed(name),
        "page": text("page"),
        "referrer": text("referrer"),
        "widget_version": fixed("3.2.1"),
        "locale": text("locale"),
        "screen": text("screen"),
        **{key: text(key) for key in _TEXTS[1:]},
        "length": pl.col("length"),
        "waited": pl.col("waited"),
        "rating": pl.col("rating"),
        "custom": pl.when(pl.col("chat_id").is_not_null()).then(
            fixed({"cart": "4711", "vip": False})
        ),
    }
    envelope = {
        "received": pl.col("time") // 1000 + 250,
        "address": text("address"),
        "agent": text("agent", nothing="null"),
        "privacy": fixed(None),
        "event": obj(event),
    }
    whole = frame.select(obj(envelope)).to_series()
    cut = pl.DataFrame([whole.alias("line"), rows["cut"]])
    shorter = pl.col("line").str.head(pl.col("line").str.len_chars() // 2)
    return cut.select(pl.when("cut").then(shorter).otherwise("line")).to_series()
