"""A simulated day of a shop, as rows of cells: what the rollups would have sent, hour by hour.

Its rows are made as columns, with the people, pages and programs of ``partywall simulate`` but
without any log line; countries, their regions and providers are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import numpy as np
import polars as pl

from pipeline.events import DIMENSIONS
from pipeline.response_times import class_of
from pipeline.restricted import describers
from pipeline.rows import CELLS, DAY, HOUR
from pipeline.simulate import hits, programs, sessions
from pipeline.simulate.catalogue import Catalogue, catalogue
from pipeline.simulate.draws import TIDE
from pipeline.simulate.people import People, people

SITE: Final = "shop"
START: Final = 20_000 * DAY
LATENESS: Final = 2 * HOUR
HOLD: Final = 20 * HOUR
"""Seconds that its hours and its day wait for late rows, as ``Ledger`` has them."""
_COUNTRIES: Final = 40
_REGIONS: Final = 16
"""Of each country."""
_PROVIDERS: Final = 150
_FIRST_ERROR: Final = 400
_NOT_MODIFIED: Final = 304
_NO_WIDGET: Final = {
    "event": "request", "detail": "(none)", "locale": "(none)", "screen": "(none)",
    "widget_version": "(none)",
}  # fmt: skip


def hours(visits: int, seed: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of each hour, as the rollups would have sent them."""
    rng = np.random.default_rng(seed)
    site = catalogue(f"www.{SITE}.example")
    who = people(rng, visits)
    names = _Names(site, who)
    waiting = pl.DataFrame(schema=hits.SCHEMA)
    for hour in range(24):
        now = START // HOUR + hour
        count = int(rng.poisson(TIDE[hour] / sum(TIDE) * visits))
        walked, _ = sessions.visits(rng, site, who, now, count)
        fetched = programs.crawlers(rng, site, who, now, visits)
        waiting = pl.concat([waiting, walked, fetched])
        begun = pl.col("time") < (now + 1) * HOUR * hits.MICROS
        yield names.cells(waiting.filter(begun), now * HOUR)
        waiting = waiting.filter(~begun)


class _Names:
    """What the pipeline says of the numbers of a simulation."""

    def __init__(self, site: Catalogue, who: People) -> None:
        page, agent, referrer, _, campaign = describers()
        agents = [agent(text) for text in who.texts]
        own = frozenset({f"{SITE}.example"})
        came = [referrer(text) for text in site.referrers]
        # What is no request is the last of its pool, where -1 finds it.
        targets = [*site.targets, None]
        self._pools: Final = {
            "page": ("target", [page(text) for text in targets]),
            "campaign": ("target", [campaign(text) for text in targets]),
            "referrer": ("referrer", [_inside(one.name, one.host in own) for one in came]),
            "referrer_kind": ("referrer", [_kind(one.kind, one.host in own) for one in came]),
            "came_from": (
                "referrer",
                [
                    page(urlsplit(text).path or "/")
                    if one.host in own
                    else "(direct)"
                    if one.kind == "direct"
                    else "(elsewhere)"
                    for one, text in zip(came, site.referrers, strict=True)
                ],
            ),
            "browser": ("agent", [one.browser for one in agents]),
            "system": ("agent", [one.system for one in agents]),
            "device": ("agent", [one.device for one in agents]),
            "bot": ("agent", [one.bot for one in agents]),
            "audience": ("agent", [one.audience for one in agents]),
            "method": ("method", [*hits.METHODS, "(none)"]),
        }
        self._assets: Final = pl.Series(site.assets)

    def cells(self, rows: pl.DataFrame, hour: int) -> pl.DataFrame:
        """Return the cells of an hour's hits."""
        named = rows.select(
            *(_named(rows[of], pool).alias(name) for name, (of, pool) in self._pools.items()),
            pl.col("status").cast(pl.String),
            _made_up("country", pl.col("first"), _COUNTRIES),
            _made_up("place", pl.col("first"), _REGIONS),
            _made_up("provider", pl.col("first") // 64, _PROVIDERS),
            response_time=class_of(rows["duration"]),
            visitor=pl.struct("first", "agent").hash(),
            segment=self._segment(),
            second=(pl.col("time") // hits.MICROS - hour).cast(pl.UInt16),
            bytes=pl.col("bytes").cast(pl.UInt64),
            hits=pl.lit(1, pl.UInt64),
        )
        bot, view = pl.col("audience") == "bot", pl.col("segment") == "view"
        made = named.with_columns(
            *(pl.lit(value).alias(name) for name, value in _NO_WIDGET.items()),
            site=pl.lit(SITE),
            hour=pl.lit(hour, pl.Int64),
            segment=pl.when(bot).then(pl.lit("bot")).otherwise("segment"),
            came_from=pl.when(~bot & (pl.col("segment") == "failed"))
            .then("came_from")
            .otherwise(pl.lit("(none)")),
            goal=pl.lit("(none)"),
            place=pl.concat_str("country", "place", separator=" "),
            suspicion=pl.when(bot).then(pl.lit("(bot)")).otherwise(pl.lit("(none)")),
            second=pl.when(view & ~bot).then("second").otherwise(0),
        )
        keys = ["site", "hour", "segment", "visitor", "second", *DIMENSIONS]
        cells = made.group_by(keys, maintain_order=True).agg(pl.col("hits", "bytes").sum())
        return cells.select(pl.col(name).cast(kind) for name, kind in CELLS.items())

    def _segment(self) -> pl.Expr:
        status = pl.col("status")
        file = pl.col("target").is_in(self._assets.implode())
        asks = (pl.col("method") == hits.GET) & (pl.col("target") != hits.NONE) & ~file
        seen = (status // 100 == 2) | (status == _NOT_MODIFIED)  # noqa: PLR2004 -- 2xx
        return (
            pl.when(status >= _FIRST_ERROR)
            .then(pl.lit("failed"))
            .when(asks & seen)
            .then(pl.lit("view"))
            .otherwise(pl.lit("request"))
        )


def _inside(name: str, own: bool) -> str:  # noqa: FBT001 -- of a table
    return "(internal)" if own else name


def _kind(kind: str, own: bool) -> str:  # noqa: FBT001 -- of a table
    return "internal" if own else kind


def _named(indices: pl.Series, pool: list[str]) -> pl.Expr:
    """Return the name of each index; NONE is the pool's last."""
    places = indices.replace(hits.NONE, len(pool) - 1)
    return pl.lit(pl.Series(pool).gather(places))


def _made_up(name: str, of: pl.Expr, count: int) -> pl.Expr:
    """Return one of ``count`` names by a power law, the same for equal values."""
    dice = (of.hash(seed=count) % 1_000_003) / 1_000_003
    place = ((count + 1.0) ** dice).floor().cast(pl.Int64)
    return (pl.lit(f"{name}-") + place.cast(pl.String)).alias(name)
