"""Door 1: a batch of raw messages becomes events and sealed records, and nothing else.

Two steps, since the keys of the pseudonyms are asked for in between: :meth:`Splitter.read` parses
and tells which days' keys are needed, :meth:`Splitter.cross` makes what may leave the room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline import events
from pipeline.events import EventsHeader
from pipeline.keys.material import SealingKey
from pipeline.labels import LIVE, LONGEST, WIDGET_SUFFIX
from pipeline.policy import Policy
from pipeline.purposes import Refusals
from pipeline.restricted import batches, client_ip, formats, judge, seal
from pipeline.restricted.behaviour import Behaviour
from pipeline.restricted.client_ip import subscriber_column
from pipeline.restricted.describe import Describer
from pipeline.restricted.judge import EVENT, UNKNOWN_LABEL, PseudonymKeys
from pipeline.restricted.lines import Label, Labeller, Lines, RawMessages, explode, text
from pipeline.restricted.proxies import NO_PROXIES, Proxies
from pipeline.restricted.pseudonym import Pseudonymiser
from pipeline.restricted.widget import read as widget
from pipeline.rows import DAY, HOUR
from pipeline.shown import shown
from pipeline.zones import ALL_UTC, Zones


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """A parsed batch. ``frame`` is raw; ``days`` are the keys that crossing needs.

    ``messages`` may be fewer than were given to read: where they had too many labels, those from
    the first of the next label on are left for another batch.
    """

    messages: RawMessages
    lines: Lines
    frame: pl.DataFrame
    days: frozenset[tuple[str, int]]
    now: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """What leaves the room for one batch of one source partition.

    ``events``: (events partition, message), in order. ``sealed``: messages for vault.sealed.
    ``outcomes``: (site, outcome, reason) → lines. ``sources``: (site, source) → lines, and those
    of them that were rejected for what is in them; lines of labels not taken are in neither.
    """

    events: list[tuple[int, bytes]]
    sealed: list[bytes]
    outcomes: dict[tuple[str, str, str], int]
    sources: dict[tuple[str, str], tuple[int, int]]

    def __repr__(self) -> str:
        return f"Crossing(events={len(self.events)}, sealed={len(self.sealed)})"


class Splitter:
    """The way through door 1; holds caches that outlive a batch."""

    def __init__(
        self,
        describer: Describer,
        behaviour: Behaviour,
        policy: Policy,
        default: Label,
        *,
        partitions: int,
        max_line_bytes: int,
        own_hosts: Mapping[str, frozenset[str]],
        sealing: bool = True,
        sites: Collection[str] | None = None,
        ingests: Collection[str] | None = None,
        known: Mapping[str, formats.Format] = formats.FORMATS,
        proxies: Proxies = NO_PROXIES,
        zones: Zones = ALL_UTC,
    ) -> None:
        """``partitions`` of the events topic; ``sealing=False`` is a switch of the benchmark.

        ``known`` are the formats that a label may name, ``proxies`` those that are believed; days,
        which have a pseudonym key each, are those of the sites' ``zones``.
        Where ``sites`` or ``ingests`` are given, lines of others are rejected.
        """
        self._describer = describer
        self._behaviour = behaviour
        self._policy = policy
        self._labeller = Labeller(default, sites, ingests)
        self._partitions = partitions
        self._max_line_bytes = max_line_bytes
        self._own_hosts = own_hosts
        self._sealing = sealing
        self._pseudonymiser = Pseudonymiser()
        self._refusals = Refusals(policy, events.PURPOSES)
        self._formats = known
        self._proxies = proxies
        self._zones = zones
        self._day = 0

    def __repr__(self) -> str:
        return "Splitter()"

    def forget(self, day: int) -> None:
        """Forget raw values and token keys remembered, where ``day`` (since 1970 UTC) is a new one.

        Not while a batch is being read or crosses: the memories are not made for two threads.
        """
        if day != self._day:
            self._day = day
            self._describer.forget()
            self._behaviour.forget()
            client_ip.forget()
            self._proxies.forget()
            seal.forget()

    def read(self, messages: RawMessages, now: int) -> Reading:
        """Parse a batch; ``now`` in seconds bounds how far ahead a line's time may lie."""
        lines = explode(messages, self._labeller)
        messages = messages.first(lines.messages)
        frame = lines.frame
        too_long = pl.col("raw").bin.size() > self._max_line_bytes
        plain = text(frame.select(pl.when(~too_long).then("raw").otherwise(b""))["raw"])
        frame = frame.with_columns(
            plain.alias("text"), too_long.alias("too_long"), pl.int_range(pl.len()).alias("at")
        )
        parsed = [
            self._parse(part, lines.labels[int(number)], now)
            for (number,), part in frame.group_by("label", maintain_order=True)
        ]
        # Only a widget's lines bring the columns of a widget.
        frame = pl.concat(parsed, how="diagonal").sort("at") if parsed else frame.clear()
        frame = judge.judge(frame, self._policy) if parsed else frame
        days = frozenset(
            frame.filter(outcome=EVENT).select("ingest", "day").unique().iter_rows()
            if parsed
            else ()
        )
        return Reading(messages, lines, frame, days, now)

    def _parse(self, part: pl.DataFrame, label: Label, now: int) -> pl.DataFrame:
        plain = part["text"]
        name = label.format
        if name == "auto" and label.known:
            first = plain.head(1_000)
            told = formats.detect(first, self._formats, directive=label.directive)
            name = told.format or ""
        site = label.site + WIDGET_SUFFIX * (name == widget.NAME)
        context = formats.Context(
            now=now,
            zone=label.zone,
            directive=label.directive,
            starts=part["line"] == 0,
            live=label.ingest == LIVE,
            proxies=self._proxies,
        )
        reads: pl.Series | pl.Expr = pl.lit(name)
        if not label.known or len(site) > LONGEST:
            site, raw = label.site, _unread(plain, UNKNOWN_LABEL)
        elif formats.find(name, self._formats) is None:
            raw = _unread(plain, "unknown_format")
        elif name == widget.NAME:
            raw = widget.packaged().parse(plain, context)
        else:
            raw, reads = formats.parse_and_tell(name, plain, context, among=self._formats)
        return pl.concat(
            [
                part.drop("text"),
                raw,
                plain.str.strip_chars().eq("").alias("empty").to_frame(),
            ],
            how="horizontal",
        ).with_columns(
            pl.lit(site).alias("site"),
            pl.lit(label.source).alias("source"),
            pl.lit(label.ingest).alias("ingest"),
            reads.alias("format"),
            (shown(pl.col("time"), self._zones.of(site)) // DAY).alias("day"),
        )

    def cross(self, reading: Reading, sealing: SealingKey, keys: PseudonymKeys) -> Crossing:
        """Make events and sealed messages; lines of a day whose key is gone are ``too_late``."""
        frame = judge.too_late(reading.frame, keys)
        outgoing: list[tuple[int, bytes]] = []
        rows = frame.filter(outcome=EVENT) if frame.height else frame
        described = self._describe(rows, keys) if rows.height else pl.DataFrame(schema=_KEYED)
        labels = reading.lines.labels
        numbers = reading.lines.frame["label"].unique().to_list()
        said = reading.lines.said
        ingests = {labels[number].ingest for number in numbers} | {*said.ended, *said.begun}
        for ingest in sorted(ingests):
            mine = described.filter(ingest=ingest)
            header = EventsHeader(
                source=reading.messages.source,
                last_offset=reading.messages.offsets[-1],
                ingest=ingest,
                watermark=batches.watermark(mine["time"], reading.now, said.watermarks.get(ingest)),
                end=ingest in said.ended,
                topics=said.begun.get(ingest, ()),
                zones=self._zones.differing(mine["site"].unique().sort()),
            )
            outgoing += batches.messages(header, mine, self._partitions)
        parcels = self._seal(frame, reading, sealing)
        return Crossing(outgoing, parcels, judge.outcomes(frame), judge.sources(frame))

    def _describe(self, rows: pl.DataFrame, keys: PseudonymKeys) -> pl.DataFrame:
        parts = []
        for (site, ingest), part in rows.group_by("site", "ingest", maintain_order=True):
            lent = {d: key for (of, d), key in keys.items() if of == ingest and key is not None}
            who = widget.persons(part) if str(site).endswith(WIDGET_SUFFIX) else part
            visitor = self._pseudonymiser.pseudonyms(
                who.select("site", subscriber_column(who["address"]), "agent", "day"),
                lent,
            )
            described = self._described(str(site), str(ingest), part, visitor)
            kept = part.select("offset", "line", "policy", "site", "ingest")
            parts.append(kept.hstack([visitor.alias("visitor")]).hstack(described))
        described = pl.concat(parts) if len(parts) > 1 else parts[0]
        # Of one site and ingest alone, the rows are in order still.
        return self._refusals.apply(
            described.sort("offset", "line") if len(parts) > 1 else described
        )

    def _described(
        self, site: str, ingest: str, part: pl.DataFrame, visitor: pl.Series
    ) -> pl.DataFrame:
        """Describe rows of one site; a widget's by the rules of the site that it stands on."""
        plain = site.removesuffix(WIDGET_SUFFIX)
        hosts = self._own_hosts.get(plain, frozenset())
        if plain != site:
            raw = part.select(*formats.RAW_SCHEMA, *widget.COLUMNS)
            return self._describer.describe_widget(raw, hosts, plain, visitor)
        raw = part.select(*formats.RAW_SCHEMA)
        described = self._describer.describe(raw, hosts, site, visitor)
        watched = part.select("target", "method").with_columns(
            visitor.alias("visitor"), described["audience"], described["time"]
        )
        sign = self._behaviour.signs((site, ingest), watched)
        return described.with_columns(suspicion=sign.fill_null(described["suspicion"]))

    def _seal(self, frame: pl.DataFrame, reading: Reading, key: SealingKey) -> list[bytes]:
        if not self._sealing or frame.is_empty():
            return []
        records = frame.select(
            "raw",
            "address",
            "offset",
            "line",
            "site",
            pl.col("source").alias("label"),
            "ingest",
            "format",
            "outcome",
            "reason",
            pl.col("policy").fill_null(0),
            (pl.col("time") // HOUR * HOUR).alias("hour"),
        )
        hour = reading.now // HOUR * HOUR
        return seal.seal(records, key, source=reading.messages.source, hour=hour)


_KEYED: Final[dict[str, pl.DataType]] = {**events.SCHEMA, "ingest": pl.String()}


def _unread(lines: pl.Series, reason: str) -> pl.DataFrame:
    """Return RAW_SCHEMA for lines that no parser is asked about."""
    nothing = pl.DataFrame(schema=formats.RAW_SCHEMA).clear(lines.len())
    return nothing.with_columns(pl.lit(reason).alias("reject"))
