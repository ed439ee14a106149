"""Parsed lines → the descriptive columns of an event, each from its own describer.

Nothing raw is carried over: the result is built from what the describers say, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipeline import response_times
from pipeline.restricted.agent import BOT, Agents
from pipeline.restricted.agent import UNKNOWN as UNKNOWN_AGENT
from pipeline.restricted.came_from import NO_ORIGIN, came_from
from pipeline.restricted.campaign import NO_CAMPAIGN, Campaigns
from pipeline.restricted.distinct import distinct
from pipeline.restricted.geo import NOWHERE, Geo
from pipeline.restricted.georecords import UNKNOWN
from pipeline.restricted.goals import NO_GOAL, Reached
from pipeline.restricted.referrer import INTERNAL, OwnHosts, Referrers, bare_host
from pipeline.restricted.scrub import NO_PAGE, Scrubber, method_name
from pipeline.restricted.scrub.pages import Pages
from pipeline.restricted.segment import Segments, of_widget
from pipeline.restricted.widget import coarsen
from pipeline.settings import NO_GOALS, Goals

DESCRIBED: Final[dict[str, pl.DataType]] = {
    "time": pl.Int64(),
    "audience": pl.String(),
    "segment": pl.String(),
    "goal": pl.String(),
    "page": pl.String(),
    "referrer": pl.String(),
    "referrer_kind": pl.String(),
    "came_from": pl.String(),
    "campaign": pl.String(),
    "browser": pl.String(),
    "browser_version": pl.String(),
    "system": pl.String(),
    "device": pl.String(),
    "bot": pl.String(),
    "suspicion": pl.String(),
    "country": pl.String(),
    "place": pl.String(),
    "provider": pl.String(),
    "status": pl.String(),
    "method": pl.String(),
    "bytes": pl.UInt64(),
    "response_time": pl.String(),
    **{name: pl.String() for name in coarsen.FIELDS},
}
"""Column → type of what ``Describer.describe`` returns; no nulls."""

NO_STATUS: Final = "(none)"
NO_METHOD: Final = "(none)"
NO_SUSPICION: Final = "(none)"
DATA_CENTRE: Final = "data centre"
_CLIENT: Final = ("browser", "browser_version", "system", "device")
_AGENT: Final = ("audience", *_CLIENT, "bot")
_WHERE: Final = ("country", "place", "provider")


class Describer:
    """Puts the describers together; each brings a bounded memory of its own."""

    def __init__(
        self,
        scrubber: Scrubber,
        agents: Agents,
        referrers: Referrers,
        geo: Geo,
        goals: Goals = NO_GOALS,
    ) -> None:
        """Describe with these; ``goals`` are those of all sites."""
        self._pages = Pages(scrubber)
        self._agents = agents
        self._referrers = referrers
        self._geo = geo
        self._reached = Reached(goals)
        self._campaigns = Campaigns(scrubber.page)
        self._segments = Segments()

    def forget(self) -> None:
        """Forget all values remembered."""
        known = (
            self._pages,
            self._agents,
            self._referrers,
            self._geo,
            self._campaigns,
            self._reached,
        )
        for describer in known:
            describer.forget()

    def describe(
        self,
        raw: pl.DataFrame,
        own_hosts: frozenset[str] = frozenset(),
        site: str = "",
        visitors: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return DESCRIBED, a row per row of ``raw``, in order.

        ``raw`` holds parsed lines only (columns of ``formats.FIELDS``, ``address`` and ``time``
        never null). ``own_hosts`` are the site's host names, in any spelling, ``*.example.com``
        too. ``visitors`` (UInt64) tell who is who; without them each address is one. ``suspicion``
        is what the address alone gives cause for.
        """
        if visitors is None:
            visitors = raw["address"].hash()
        page = self._pages.column(site, raw["target"], visitors, raw["status"])
        codes, methods = distinct(raw["method"])
        method = _spread("method", [method_name(name) for name in methods], codes)
        made = pl.DataFrame([
            raw["time"], *_request(page, method, raw["method"].is_null()),
            *self._who(raw, own_hosts, site),
            self._campaigns.column(raw["target"], self._pages.hidden(site, self._campaigns.keys)),
            raw["status"].fill_null(NO_STATUS), raw["bytes"], *_no_widget(len(raw)),
            response_times.class_of(raw["response_time"]),
        ])  # fmt: skip
        made = made.with_columns(self._segments.of(made, raw["target"]))
        return made.with_columns(
            self._reached.column(site, made["page"], made["segment"]),
            came_from(self._pages, site, made, raw["referrer"], visitors),
        ).select(*DESCRIBED)

    def describe_widget(
        self,
        raw: pl.DataFrame,
        own_hosts: frozenset[str] = frozenset(),
        site: str = "",
        visitors: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return the same of a widget's lines, which have the columns ``widget.read.COLUMNS`` too.

        Of those that count for nobody, no more is said of the client than whether it is a bot:
        together browser, place and page could tell one from the others as well as a pseudonym.
        """
        if visitors is None:
            visitors = raw["address"].hash()
        made = pl.DataFrame([
            raw["time"], self._pages.column(site, raw["target"], visitors, raw["status"]),
            *self._who(raw, own_hosts, site), raw["bytes"],
            *(raw[name] for name in coarsen.FIELDS), _all("campaign", NO_CAMPAIGN, len(raw)),
            _all("method", NO_METHOD, len(raw)), _all("status", NO_STATUS, len(raw)),
            _all("goal", NO_GOAL, len(raw)), _all("came_from", NO_ORIGIN, len(raw)),
            _all("response_time", response_times.NONE, len(raw)),
        ])  # fmt: skip
        made = made.with_columns(of_widget(made)).select(*DESCRIBED)
        if not raw["nobody"].any():
            return made
        nobody = pl.lit(raw["nobody"])
        human = nobody & (pl.col("audience") == "human")
        return made.with_columns(
            *(pl.when(human).then(pl.lit(UNKNOWN_AGENT)).otherwise(n).alias(n) for n in _CLIENT),
            *(pl.when(nobody).then(pl.lit(UNKNOWN)).otherwise(n).alias(n) for n in _WHERE),
            pl.when(human).then(pl.lit(NO_SUSPICION)).otherwise("suspicion").alias("suspicion"),
        )

    def _who(self, raw: pl.DataFrame, own_hosts: frozenset[str], site: str) -> list[pl.Series]:
        codes, headers = distinct(raw["agent"])
        agents = _spread_rows(_AGENT, self._agents.many(headers), codes)
        *places, hosted = self._places(raw["address"])
        referrer = self._referrer(raw, OwnHosts(own_hosts), site)
        return [*referrer, *agents, _suspicion(agents[0], hosted), *places]

    def _places(self, addresses: pl.Series) -> list[pl.Series]:
        if not self._geo.knows_something:
            nowhere = pl.DataFrame([NOWHERE], schema=NOWHERE._fields, orient="row")
            return nowhere.select(pl.all().gather(pl.repeat(0, len(addresses)))).get_columns()
        codes, values = distinct(addresses)
        found = self._geo.many([value or "" for value in values])
        hosted = pl.Series("hosted", [place.hosted for place in found], dtype=pl.Boolean)
        named = _spread_rows(_WHERE, [place[:3] for place in found], codes)
        return [*named, hosted.gather(codes)]

    def _referrer(self, raw: pl.DataFrame, own: OwnHosts, site: str) -> list[pl.Series]:
        codes, urls = distinct(raw["referrer"])
        found = self._pages.referrers(site, self._referrers.many(urls, own))
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
    values = {name: coarsen.REQUEST if name == "event" else coarsen.NONE for name in coarsen.FIELDS}
    return [_all(name, value, height) for name, value in values.items()]


def _all(name: str, value: str, height: int) -> pl.Series:
    return pl.repeat(value, height, dtype=pl.String, eager=True).alias(name)


def _request(page: pl.Series, method: pl.Series, unsaid: pl.Series) -> list[pl.Series]:
    """Name both of a request, or neither where one is missing.

    So that ``(none)`` stands for the same rows in both: were there more of them in one, whoever
    knows how they come about could set it against the other.
    """
    none = (page == NO_PAGE) | unsaid
    return [page.set(none, NO_PAGE), method.set(none, NO_METHOD)]


def _suspicion(audience: pl.Series, hosted: pl.Series) -> pl.Series:
    """Name the one cause that an address gives; of a bot there is nothing left to suspect."""
    said = (
        pl.when(audience == "bot")
        .then(pl.lit(BOT))
        .when(hosted)
        .then(pl.lit(DATA_CENTRE))
        .otherwise(pl.lit(NO_SUSPICION))
    )
    return pl.select(said.alias("suspicion")).to_series()


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
