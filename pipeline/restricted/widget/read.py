"""Lines of ``logs.widget`` into columns: an object each, as ``schemas/widget`` says.

``pick`` reads each line alone. From there on everything is done by the column: ``fit`` holds it
against its shape, and of every column only what is in the ``allowlist`` is handed on.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import FIELDS, NOT_THIS_FORMAT, Context, Format, check
from pipeline.restricted.formats.pieces import empty_as_null
from pipeline.restricted.widget import coarsen, schema
from pipeline.restricted.widget.allowlist import AllowList
from pipeline.restricted.widget.coarsen import NONE
from pipeline.restricted.widget.fit import unfit
from pipeline.restricted.widget.pick import Picker
from pipeline.restricted.widget.schema import Schemas
from pipeline.restricted.widget.values import Column, of_page, seconds, texts, where, whole

NAME: Final = "widget"

UNKNOWN_EVENT: Final = "unknown_event"
BAD_EVENT: Final = "bad_event"
OPTED_OUT: Final = "opted_out"
REASONS: Final[dict[str, str]] = {
    UNKNOWN_EVENT: "an event, or a version of it, that no schema declares",
    BAD_EVENT: "a property does not fit the event's schema",
    OPTED_OUT: "the visitor's browser asks not to be counted, and the site's policy grants it",
}
"""Why a line of this format is no event, beside what all formats say."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    **{name: pl.String() for name in coarsen.FIELDS},
    "nobody": pl.Boolean(),
}
"""What a widget's line has beside RAW_SCHEMA, as coarse as it crosses; nulls where it is rejected.

``nobody``: the line is to be counted without a pseudonym.
"""

HEADERS: Final = ("forwarded_for", "forwarded")
"""What proxies said of the client, as the collector was told it."""

_BELIEVED: Final = 86_400
"""Seconds before a line was received within which the client's own clock is believed."""
_OBJECT: Final = frozenset({dict, type(None)})


class Reader:
    """Reads lines by the schemas it was given; keeps nothing of them."""

    def __init__(self, schemas: Schemas) -> None:
        """Take all events, of every version."""
        self._envelope = schemas.envelope
        self._kinds = {(event.version, event.name): n for n, event in enumerate(schemas.events)}
        shapes = {n: s for event in schemas.events for n, s in event.shapes.items()}
        self._shapes = {n: s for n, s in shapes.items() if s.types != {"object"}}
        self._objects = tuple(shapes.keys() - self._shapes.keys())
        self._declaring: dict[str, set[int]] = defaultdict(set)
        self._requiring: dict[str, set[int]] = defaultdict(set)
        for kind, event in enumerate(schemas.events):
            for name in event.shapes:
                self._declaring[name].add(kind)
            for name in event.required:
                self._requiring[name].add(kind)
        self._picker = Picker(self._envelope, self._shapes, self._objects)
        self._allowed = AllowList(schemas.events)
        named = {event.name for event in schemas.events if "event" in event.crossing}
        self.events: Final = named | set(map(coarsen.author, ("visitor", "agent")))
        """What the field ``event`` of a line can be."""

    def parse(self, lines: pl.Series, context: Context) -> pl.DataFrame:
        """Return RAW_SCHEMA and COLUMNS, a row per line, in order; no text makes it raise."""
        found = self.read(lines)
        checked = check(found.select("matched", *FIELDS, *HEADERS), lines, context)
        plain = checked["reject"].is_null() | (checked["reject"] == NOT_THIS_FORMAT)
        reject = pl.when(plain).then(pl.coalesce(found["refused"], "reject")).otherwise("reject")
        checked = checked.with_columns(reject.alias("reject"), *found.select(*COLUMNS))
        if checked["reject"].null_count() == len(checked):
            return checked
        kept = pl.col("reject").is_null()
        return checked.select(
            "reject", *(pl.when(kept).then(name).alias(name) for name in (*FIELDS, *COLUMNS))
        )

    def read(self, lines: pl.Series) -> pl.DataFrame:
        """Return matched, FIELDS, HEADERS, COLUMNS and ``refused``.

        ``refused`` is one of REASONS, null where a line matched.
        """
        around, stated, said = self._picker.pick(lines)
        kinds = self._kinds_of(stated)
        shapeless = {
            at for name in ("received", "address") for at, v in enumerate(around[name]) if v is None
        }
        for name, shape in self._envelope.items():
            shapeless.update(unfit(around[name], shape))
        bad = self._bad(said, kinds)
        if shapeless or bad or -1 in kinds:
            ok = [
                kind >= 0 and at not in shapeless and at not in bad for at, kind in enumerate(kinds)
            ]
            kinds_ok = [kind if good else -1 for kind, good in zip(kinds, ok, strict=True)]
            around = {name: where(ok, values) for name, values in around.items()}
            said = {name: where(ok, values) for name, values in said.items()}
            refused = [
                None if at in shapeless else UNKNOWN_EVENT if kind < 0 else BAD_EVENT if at in bad
                else None for at, kind in enumerate(kinds)
            ]  # fmt: skip
            return self._frame(around, said, kinds_ok, pl.Series(refused, dtype=pl.String))
        return self._frame(
            around, said, kinds, pl.repeat(None, len(kinds), dtype=pl.String, eager=True)
        )

    def _kinds_of(self, stated: tuple[Column, ...]) -> list[int]:
        """Return the number of each line's event, -1 where no schema declares it."""
        get = self._kinds.get
        return [
            get((number, name), -1) if type(name) is str and number is not None else -1
            for number, name in zip(map(whole, stated[0]), stated[1], strict=True)
        ]

    def _bad(self, said: dict[str, Column], kinds: list[int]) -> set[int]:
        """Return the places of lines with a property that does not fit, or without a needed one."""
        bad: set[int] = set()
        for name, shape in self._shapes.items():
            declaring = self._declaring[name]
            bad.update(at for at in unfit(said[name], shape) if kinds[at] in declaring)
        for name in self._objects:
            if not _OBJECT.issuperset(said[name]):
                pairs = enumerate(zip(said[name], kinds, strict=True))
                declaring = self._declaring[name]
                bad.update(at for at, (t, k) in pairs if t not in _OBJECT and k in declaring)
        for name, requiring in self._requiring.items():
            pairs = enumerate(zip(said[name], kinds, strict=True))
            bad.update(at for at, (value, kind) in pairs if value is None and kind in requiring)
        return bad

    def _frame(
        self,
        around: dict[str, Column],
        said: dict[str, Column],
        kinds: list[int],
        refused: pl.Series,
    ) -> pl.DataFrame:
        crossing = self._allowed.fields(said, kinds)
        host, path = of_page(texts(crossing["page"]))
        received, told = seconds(around["received"]), seconds(crossing["time"])
        coarse = {
            name: pl.Series(name, crossing[name], dtype=pl.String).fill_null(NONE)
            for name in coarsen.FIELDS
        }
        privacy = texts(around["privacy"])
        told_of_all = pl.select(
            matched=pl.Series(kinds, dtype=pl.Int16) >= 0,
            refused=pl.when(pl.lit(privacy) == "drop").then(pl.lit(OPTED_OUT)).otherwise(refused),
            address=texts(around["address"]),
            time=pl.when((received - told).is_between(0, _BELIEVED)).then(told).otherwise(received),
            method=pl.lit(None, pl.String),
            target=path,
            status=pl.lit(None, pl.String),
            bytes=pl.lit(0, pl.UInt64),
            referrer=empty_as_null(pl.lit(texts(crossing["referrer"]))),
            agent=empty_as_null(pl.lit(texts(around["agent"]))),
            host=host,
            response_time=pl.lit(None, pl.Int64),
            nobody=pl.lit(privacy).eq_missing(pl.lit("no-pseudonym")),
        )
        proxies = [texts(around[name]).alias(name) for name in HEADERS]
        return told_of_all.hstack([*coarse.values(), *proxies])


def persons(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with neither address nor agent where nobody is to be told apart.

    All such lines of a site and day so share one pseudonym, which no address has.
    """
    nobody = pl.col("nobody")
    return rows.with_columns(
        pl.when(~nobody).then("address").alias("address"),
        pl.when(~nobody).then("agent").alias("agent"),
    )


@cache
def packaged() -> Reader:
    """Return the reader of the packaged schemas; raises SettingsError as ``schema.load`` does."""
    return Reader(schema.load())


WIDGET: Final = Format(
    NAME,
    "chat widget events, in the envelope of the collector",
    lambda lines, _: packaged().read(lines).select("matched", *FIELDS, *HEADERS),
    # What a visitor asked for is seen to by split, which knows a widget's lines by this name.
    wrappable=False,
)
