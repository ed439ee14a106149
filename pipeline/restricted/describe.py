"""Parsed lines → the descriptive columns of an event, each from its own describer.

Nothing raw is carried over: the result is built from what the describers say, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline.restricted.agent import UNKNOWN as UNKNOWN_AGENT
from pipeline.restricted.agent import Agents
from pipeline.restricted.distinct import distinct
from pipeline.restricted.geo import UNKNOWN, Geo
from pipeline.restricted.referrer import INTERNAL, Referrers, bare_host
from pipeline.restricted.scrub import NO_PAGE, Scrubber, method_name
from pipeline.restricted.widget import coarsen

DESCRIBED: Final[dict[str, pl.DataType]] = {
    "time": pl.Int64(),
    "audience": pl.String(),
    "page": pl.String(),
    "referrer": pl.String(),
    "referrer_kind": pl.String(),
    "browser": pl.String(),
    "browser_version": pl.String(),
    "system": pl.String(),
    "device": pl.String(),
    "country": pl.String(),
    "provider": pl.String(),
    "status": pl.String(),
    "method": pl.String(),
    "bytes": pl.UInt64(),
    **{name: pl.String() for name in coarsen.FIELDS},
}
"""Column → type of what ``Describer.describe`` returns; no nulls."""

NO_STATUS: Final = "(none)"
NO_METHOD: Final = "(none)"
_CLIENT: Final = ("browser", "browser_version", "system", "device")
_AGENT: Final = ("audience", *_CLIENT)
_PLACE: Final = ("country", "provider")


class Describer:
    """Puts the describers together; each brings a bounded memory of its own."""

    def __init__(self, scrubber: Scrubber, agents: Agents, referrers: Referrers, geo: Geo) -> None:
        """Describe with these."""
        self._scrubber = scrubber
        self._agents = agents
        self._referrers = referrers
        self._geo = geo

    def forget(self) -> None:
        """Forget all values remembered."""
        for describer in (self._scrubber, self._agents, self._referrers, self._geo):
            describer.forget()

    def describe(self, raw: pl.DataFrame, own_hosts: frozenset[str] = frozenset()) -> pl.DataFrame:
        """Return DESCRIBED, a row per row of ``raw``, in order.

        ``raw`` holds parsed lines only (columns of ``formats.FIELDS``, ``address`` and ``time``
        never null). ``own_hosts`` are the site's host names, in any spelling.
        """
        codes, methods = distinct(raw["method"])
        method = _spread("method", [method_name(name) for name in methods], codes)
        request = _request(self._page(raw), method, raw["method"].is_null())
        return pl.DataFrame([
            raw["time"], *request, *self._who(raw, own_hosts),
            raw["status"].fill_null(NO_STATUS), raw["bytes"], *_no_widget(len(raw)),
        ]).select(*DESCRIBED)  # fmt: skip

    def describe_widget(
        self, raw: pl.DataFrame, own_hosts: frozenset[str] = frozenset()
    ) -> pl.DataFrame:
        """Return the same of a widget's lines, which have the columns ``widget.read.COLUMNS`` too.

        Of those that count for nobody, no more is said of the client than whether it is a bot:
        together browser, place and page could tell one from the others as well as a pseudonym.
        """
        made = pl.DataFrame([
            raw["time"], self._page(raw), *self._who(raw, own_hosts), raw["bytes"],
            *(raw[name] for name in coarsen.FIELDS),
            pl.repeat(NO_METHOD, len(raw), dtype=pl.String, eager=True).alias("method"),
            pl.repeat(NO_STATUS, len(raw), dtype=pl.String, eager=True).alias("status"),
        ]).select(*DESCRIBED)  # fmt: skip
        if not raw["nobody"].any():
            return made
        human = pl.lit(raw["nobody"]) & (pl.col("audience") == "human")
        hidden = [pl.when(human).then(pl.lit(UNKNOWN_AGENT)).otherwise(n).alias(n) for n in _CLIENT]
        places = [
            pl.when(pl.lit(raw["nobody"])).then(pl.lit(UNKNOWN)).otherwise(n).alias(n)
            for n in _PLACE
        ]
        return made.with_columns(*hidden, *places)

    def _page(self, raw: pl.DataFrame) -> pl.Series:
        codes, targets = distinct(raw["target"])
        return _spread("page", self._scrubber.many(targets), codes)

    def _who(self, raw: pl.DataFrame, own_hosts: frozenset[str]) -> list[pl.Series]:
        own = frozenset(bare_host(host) for host in own_hosts)
        codes, headers = distinct(raw["agent"])
        agents = _spread_rows(_AGENT, self._agents.many(headers), codes)
        return [*self._referrer(raw, own), *agents, *self._places(raw["address"])]

    def _places(self, addresses: pl.Series) -> list[pl.Series]:
        names = _PLACE
        if not self._geo.knows_something:
            return [
                pl.repeat(UNKNOWN, len(addresses), dtype=pl.String, eager=True).alias(name)
                for name in names
            ]
        codes, values = distinct(addresses)
        return _spread_rows(names, self._geo.many([value or "" for value in values]), codes)

    def _referrer(self, raw: pl.DataFrame, own: frozenset[str]) -> list[pl.Series]:
        codes, urls = distinct(raw["referrer"])
        found = self._referrers.many(urls, own)
        columns = _spread_rows(("referrer", "referrer_kind", "from"), found, codes)
        if raw["host"].null_count() == len(raw):
            return columns[:2]
        codes, hosts = distinct(raw["host"])
        to = _spread("to", [None if host is None else bare_host(host) for host in hosts], codes)
        same = pl.col("from") == pl.col("to")
        inside = pl.DataFrame([*columns, to]).select(
            pl.when(same).then(pl.lit(INTERNAL)).otherwise("referrer").alias("referrer"),
            pl.when(same)
            .then(pl.lit("internal"))
            .otherwise("referrer_kind")
            .alias("referrer_kind"),
        )
        return inside.get_columns()


def _no_widget(height: int) -> list[pl.Series]:
    """Return the fields that only widgets fill, for a web server's lines."""
    return [
        pl.repeat(
            coarsen.REQUEST if name == "event" else coarsen.NONE,
            height,
            dtype=pl.String,
            eager=True,
        ).alias(name)
        for name in coarsen.FIELDS
    ]


def _request(page: pl.Series, method: pl.Series, unsaid: pl.Series) -> list[pl.Series]:
    """Name both of a request, or neither where one is missing.

    So that ``(none)`` stands for the same rows in both: were there more of them in one, whoever
    knows how they come about could set it against the other.
    """
    none = (page == NO_PAGE) | unsaid
    return [page.set(none, NO_PAGE), method.set(none, NO_METHOD)]


def _spread(name: str, answers: Sequence[str | None], codes: pl.Series) -> pl.Series:
    """Give each row the answer of its distinct value."""
    return pl.Series(name, answers, dtype=pl.String).gather(codes)


def _spread_rows(
    names: Sequence[str], answers: Sequence[Sequence[str | None]], codes: pl.Series
) -> list[pl.Series]:
    # Not zip(*answers): it makes an iterator of each answer, and there are thousands.
    return [
        _spread(name, [answer[at] for answer in answers], codes) for at, name in enumerate(names)
    ]
