"""JSON lines by a map: which value of the object is which field.

Every JSON format is such a map, those built in and those from the settings. A field may have
several places; the first that says something counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.restricted.formats.anytime import any_seconds
from pipeline.restricted.formats.durations import DURATIONS, response_times
from pipeline.restricted.formats.fields import HEADERS, Context
from pipeline.restricted.formats.jsonlines import Picked, table
from pipeline.restricted.formats.localtime import zoned_seconds
from pipeline.restricted.formats.paths import Path, Step, path
from pipeline.restricted.formats.pieces import (
    bare_addresses,
    empty_as_null,
    plain_host,
    sizes,
    split_requests,
    split_urls,
)

MAPPED: Final = (
    "address", "time", "request", "method", "url", "target", "path", "query", "status", "bytes",
    "referrer", "agent", "host", *DURATIONS, *HEADERS,
)  # fmt: skip
"""What a map may name. ``request`` is a whole request line and says more than ``method`` and
``target``; ``url`` a whole URL, of which ``target`` and ``host`` are taken; ``path`` and ``query``
stand in for a missing ``target``; DURATIONS are response times."""

REQUESTS: Final = ("request", "url", "target", "path")
"""Where a map names any of these, a line that has none of them is not of its format."""

_CHAINS: Final = frozenset({"forwarded_for", "forwarded"})
"""Headers that may come several times; as a list they are read as one (RFC 9110, 5.3)."""


_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class FieldMap:
    """A map, compiled."""

    def __init__(
        self, places: Mapping[str, Sequence[str]], forms: Mapping[str, str] | None = None
    ) -> None:
        """``places``: any of MAPPED → paths (``paths.py``), the best first; an address, a time.

        ``forms``: a path of ``time`` → how it is written, in chrono's directives; those without
        are told by their looks. Raises SettingsError for a path that is none.
        """
        self.columns = {
            field: [f"{field} {n}" for n in range(len(paths))] for field, paths in places.items()
        }
        named = {
            f"{field} {n}": (path(text), field in _CHAINS)
            for field, paths in places.items()
            for n, text in enumerate(paths)
        }
        self._forms = {
            f"time {n}": forms[text]
            for n, text in enumerate(places["time"])
            if forms is not None and text in forms
        }
        self._picker = _Picker(named)

    def read(self, lines: pl.Series, context: Context) -> pl.DataFrame:
        """Read lines, as a ``Read`` does."""
        return self.settled(self.gathered(lines), context)

    def gathered(self, lines: pl.Series) -> pl.DataFrame:
        """Return ``matched`` (the line is an object) and the text at each place, as ``columns``."""
        return table(lines, self._picker.names, self._picker.pick)

    def settled(self, found: pl.DataFrame, context: Context) -> pl.DataFrame:
        """Return ``matched``, FIELDS and the HEADERS that the map names, of what was gathered."""
        found = found.with_columns(self._time(found, context)).hstack(
            _cut(found.select("matched", line=self._raw("request"), url=self._said("url")))
        )
        # A request line says it all; what stands beside it counts only where it was not logged.
        apart = pl.col("line").is_null()
        whole = pl.concat_str(
            self._said("path"), pl.lit("?"), self._said("query").str.strip_prefix("?")
        )
        target = pl.coalesce(self._said("target"), "url_target", whole, self._said("path"))
        status = self._said("status")
        address = found.select(self._said("address").alias("address")).to_series()
        return found.select(
            pl.col("matched")
            & self._any("address", "forwarded_for")
            & self._any("time", empty=False)
            & (self._any(*REQUESTS) if self.columns.keys() & set(REQUESTS) else pl.lit(value=True)),
            bare_addresses(address).alias("address"),
            "time",
            pl.when(apart).then(self._said("method")).otherwise("line_method").alias("method"),
            pl.when(apart).then(target).otherwise("line_target").alias("target"),
            # Some write 0 where the client was gone before an answer.
            pl.when(status.str.contains("^[1-9][0-9]{2}$")).then(status).alias("status"),
            sizes(self._raw("bytes").fill_null("0")).alias("bytes"),
            self._said("referrer").alias("referrer"),
            self._said("agent").alias("agent"),
            plain_host(pl.coalesce(self._said("host"), "url_host")).alias("host"),
            response_times(
                found.select(
                    "matched", *(self._said(s).alias(s) for s in DURATIONS if s in self.columns)
                )
            ),
            *(self._said(name).alias(name) for name in HEADERS if name in self.columns),
        )

    def _raw(self, field: str) -> pl.Expr:
        """Return the first value of a field that is there, be it empty."""
        return _first(pl.col(name) for name in self.columns.get(field, ()))

    def _said(self, field: str) -> pl.Expr:
        """Return the first value of a field that says something."""
        return _first(empty_as_null(pl.col(name)) for name in self.columns.get(field, ()))

    def _any(self, *fields: str, empty: bool = True) -> pl.Expr:
        columns = [pl.col(name) for field in fields for name in self.columns.get(field, ())]
        return pl.any_horizontal(
            (column if empty else empty_as_null(column)).is_not_null() for column in columns
        )

    def _time(self, found: pl.DataFrame, context: Context) -> pl.Series:
        time = pl.Series("time", [None], dtype=pl.Int64).new_from_index(0, len(found))
        for name in self.columns["time"]:
            form = self._forms.get(name)
            stamp = found[name]
            read = (
                any_seconds(stamp, context) if form is None else zoned_seconds(stamp, form, context)
            )
            time = time.zip_with(time.is_not_null(), read)
            if not time.has_nulls():
                break
        return time


class _Picker:
    """Picks values out of objects; what is shared by several paths is looked up once."""

    def __init__(self, places: Mapping[str, tuple[Path, bool]]) -> None:
        """``places``: column → its path, and whether a list there is a chain."""
        self._inner: list[tuple[int, Step]] = []
        self._boxes: dict[Path, int] = {(): 0}
        keyed: dict[int, dict[str, str]] = {}
        whole: dict[str, int] = {}
        in_lists: dict[str, int] = {}
        for name, (steps, _) in places.items():
            key = steps[:-1] if isinstance(steps[-1], int) else steps
            if not isinstance(key[-1], str):
                whole[name] = self._box(steps)
                continue
            keyed.setdefault(self._box(key[:-1]), {})[name] = key[-1]
            if isinstance(steps[-1], int):
                in_lists[name] = steps[-1]
        self._keyed = [(at, tuple(keys.values())) for at, keys in keyed.items()]
        self._whole = list(whole.values())
        self.names = [*(name for keys in keyed.values() for name in keys), *whole]
        self._lists = [(self.names.index(name), at) for name, at in in_lists.items()]
        self._chains = [at for at, name in enumerate(self.names) if places[name][1]]

    def _box(self, steps: Path) -> int:
        """Return where in the list that ``pick`` fills the value at ``steps`` will be."""
        if steps not in self._boxes:
            outer = self._box(steps[:-1])
            self._inner.append((outer, steps[-1]))
            self._boxes[steps] = len(self._inner)
        return self._boxes[steps]

    def pick(self, line: Mapping[str, object]) -> Picked:
        """Return the value at each place, None where there is none."""
        boxes: list[object] = [line]
        for at, step in self._inner:
            box = boxes[at]
            # An object has no numbers for keys.
            boxes.append(box.get(step) if type(box) is dict else _within(box, step))
        found: list[object] = []
        for at, keys in self._keyed:
            box = boxes[at]
            # map is twice as quick as a comprehension here, and this is the hot spot.
            found += map((box if type(box) is dict else _NOTHING).get, keys)
        found += [boxes[at] for at in self._whole]
        for at, place in self._lists:
            if found[at] is not None:
                found[at] = _within(found[at], place)
        for at in self._chains:
            if isinstance(found[at], list):
                found[at] = _chain(found[at])
        return found


def _within(box: object, step: Step) -> object:
    if isinstance(step, str):
        return box.get(step) if isinstance(box, dict) else None
    return box[step] if isinstance(box, list) and -len(box) <= step < len(box) else None


def _chain(values: object) -> str | None:
    """Return the values of a header that came several times as one."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return ", ".join(values)


def _first(columns: Iterable[pl.Expr]) -> pl.Expr:
    columns = list(columns)
    return pl.coalesce(columns) if columns else pl.lit(None, dtype=pl.String)


def _cut(found: pl.DataFrame) -> pl.DataFrame:
    """Return ``line`` and its parts, and the parts of ``url``."""
    line = split_requests(found["line"])
    url = split_urls(found["url"])
    return pl.DataFrame(
        [
            found["line"],
            line["method"].alias("line_method"),
            line["target"].alias("line_target"),
            url["host"].alias("url_host"),
            url["target"].alias("url_target"),
        ]
    )
