"""A question in the closed vocabulary, read from JSON.

Every mistake is one line that begins with the field it is in and says what to write instead.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from pipeline.analytics import ranges, words
from pipeline.errors import UsageError
from pipeline.labels import PATTERN

MOST_ROWS: Final = 10_000
_LONGEST_VALUE: Final = 2048
_MOST_VALUES: Final = 100
_MOST_LETTERS: Final = 40
_MOST_FILTERS: Final = 8
_FIELDS: Final = frozenset(
    "site metrics date_range dimensions filters order limit after compare".split()
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a dimension's value is, or is not, or holds: any one of ``values``."""

    operator: str
    dimension: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A question; made by ``read`` or ``parameters.read``, which check every word of it.

    ``date_range`` is a name or two days; ``order`` holds names and whether they go down.
    """

    site: str
    metrics: tuple[str, ...]
    date_range: str | tuple[dt.date, dt.date]
    dimensions: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = 100
    after: str | None = None
    compare: bool = False
    spelt: tuple[tuple[str, str], ...] = ()
    """Names as they were asked, where they are others' for ours: an answer has them so."""

    def named(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return metrics or dimensions under the names that they were asked by."""
        spelt = dict(self.spelt)
        return tuple(spelt.get(name, name) for name in names)

    def document(self) -> dict[str, Any]:
        """Return the question as JSON, in full words."""
        asked = self.date_range
        return {
            "site": self.site,
            "metrics": list(self.metrics),
            "date_range": asked if isinstance(asked, str) else [day.isoformat() for day in asked],
            "dimensions": list(self.dimensions),
            "filters": [[one.operator, one.dimension, list(one.values)] for one in self.filters],
            "order": [[name, "desc" if down else "asc"] for name, down in self.order],
            "limit": self.limit,
            "compare": "previous_period" if self.compare else None,
        }

    def digest(self, days: ranges.Days) -> str:
        """Return a name for the list that this question's pages are of."""
        asked = self.document() | {"limit": 0, "compare": None, "date_range": repr(days)}
        return hashlib.blake2b(orjson.dumps(asked), digest_size=9).hexdigest()

    @property
    def times(self) -> tuple[str, ...]:
        """The dimensions of time among those grouped by."""
        return tuple(name for name in self.dimensions if name in words.TIMES)


def read(asked: Any) -> Query:  # noqa: ANN401 -- JSON may be anything
    """Read a question from JSON, or from its text; raises UsageError."""
    if isinstance(asked, bytes | str):
        try:
            asked = orjson.loads(asked)
        except orjson.JSONDecodeError:
            raise UsageError("query: send a JSON object") from None
    if not isinstance(asked, dict):
        raise UsageError("query: send a JSON object")
    strange = sorted(str(name) for name in asked.keys() - _FIELDS)
    if strange:
        raise UsageError(f"{quoted(strange[0])}: no such field; there are {_listed(_FIELDS)}")
    return Query(
        site=site(asked.get("site")),
        metrics=_metrics(asked.get("metrics", ["visitors", "pageviews"])),
        date_range=_range(asked.get("date_range", "7d")),
        dimensions=_dimensions(asked.get("dimensions") or []),
        filters=_filters(asked.get("filters") or []),
        order=_order(asked.get("order") or []),
        limit=_limit(asked.get("limit", 100)),
        after=_after(asked.get("after")),
        compare=_compare(asked.get("compare")),
        spelt=_spelt([*(asked.get("metrics") or []), *(asked.get("dimensions") or [])]),
    )


def site(asked: object) -> str:
    """Return what was asked about, if a site may be called so; raises UsageError."""
    if not isinstance(asked, str) or not re.fullmatch(PATTERN, asked):
        raise UsageError("site: name the site; GET /v1/sites lists those there are")
    return asked


def _spelt(names: list[str]) -> tuple[tuple[str, str], ...]:
    own = words.METRIC_ALIASES | words.DIMENSION_ALIASES
    return tuple((own[name], name) for name in names if name in own)


def metric(name: str) -> str | None:
    """Return a metric's own name, None where there is none."""
    name = words.METRIC_ALIASES.get(name, name)
    return name if name in words.METRICS else None


def dimension(name: str) -> str | None:
    """Return a dimension's own name, None where there is none."""
    name = words.DIMENSION_ALIASES.get(name, name)
    return name if name in words.DIMENSIONS else None


def _metrics(asked: object) -> tuple[str, ...]:
    names = _texts(asked, "metrics")
    found = [metric(name) for name in names]
    if not found or None in found:
        near = [_near(one, words.METRICS) for one in names if metric(one) is None]
        meant = f"{', '.join(one for one in near if one)}? Or " if any(near) else ""
        raise UsageError(f"metrics: {meant}choose from {_listed(words.METRICS)}")
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _dimensions(asked: object) -> tuple[str, ...]:
    names = _texts(asked, "dimensions")
    found = tuple(_dimension(name, "dimensions") for name in names)
    if len(found) > 2 or len(set(found)) < len(found):  # noqa: PLR2004
        raise UsageError("dimensions: two at most, and not the same twice")
    if sum(name in words.TIMES for name in found) > 1:
        raise UsageError("dimensions: choose one of time:hour, time:day, time:week, time:month")
    return found


def _dimension(name: str, field: str) -> str:
    found = dimension(name)
    if found is None:
        near = _near(name, words.DIMENSIONS)
        meant = f"{near}? Or " if near else ""
        raise UsageError(
            f"{field}: no dimension {quoted(name)}; {meant}{_listed(words.DIMENSIONS)}"
        )
    return found


def _near(name: str, known: Iterable[str]) -> str | None:
    """Return the word that may have been meant."""
    return next(iter(difflib.get_close_matches(name[:_MOST_LETTERS], known, 1, 0.75)), None)


def _filters(asked: object) -> tuple[Filter, ...]:
    if not isinstance(asked, list) or len(asked) > _MOST_FILTERS:
        raise UsageError(f"filters: a list of {_MOST_FILTERS} at most")
    return tuple(_filter(one) for one in asked)


def _filter(asked: object) -> Filter:
    if not isinstance(asked, list) or len(asked) != 3:  # noqa: PLR2004
        raise UsageError('filters: each as [OPERATOR, DIMENSION, [VALUES]], ["is","page",["/"]]')
    operator, name, values = asked
    if operator not in words.OPERATORS:
        raise UsageError(f"filters: operators are {_listed(words.OPERATORS)}")
    if not isinstance(name, str):
        raise UsageError("filters: the dimension's name comes second")
    found = _dimension(name, "filters")
    if found in words.TIMES:
        raise UsageError("filters: choose times with date_range")
    texts = _texts(values, "filters")
    if not 0 < len(texts) <= _MOST_VALUES or any(len(text) > _LONGEST_VALUE for text in texts):
        raise UsageError(
            f"filters: 1 to {_MOST_VALUES} values of {_LONGEST_VALUE} letters at most for {found}"
        )
    return Filter(operator, found, tuple(dict.fromkeys(texts)))


def _order(asked: object) -> tuple[tuple[str, bool], ...]:
    if not isinstance(asked, list) or len(asked) > 3:  # noqa: PLR2004
        raise UsageError('order: a list of three at most, as in [["visitors","desc"]]')
    return tuple(_ordered(one) for one in asked)


def _ordered(asked: object) -> tuple[str, bool]:
    match asked:
        case [str(name), "asc" | "desc" as way]:
            found = metric(name) or dimension(name)
            if found is not None:
                return found, way == "desc"
    raise UsageError('order: each as [NAME, "asc" or "desc"], of a metric or dimension asked for')


def _range(asked: object) -> str | tuple[dt.date, dt.date]:
    match asked:
        case str() if ranges.known(asked):
            return asked
        case [str(first), str(last)]:
            return ranges.read(first), ranges.read(last)
        case str():
            return ranges.read(asked), ranges.read(asked)
    raise UsageError(f"date_range: write one of {ranges.NAMES}, or two days as 2026-11-01")


def _limit(asked: object) -> int:
    if isinstance(asked, bool) or not isinstance(asked, int) or not 0 < asked <= MOST_ROWS:
        raise UsageError(f"limit: a number from 1 to {MOST_ROWS}")
    return asked


def _after(asked: object) -> str | None:
    if asked is None or (isinstance(asked, str) and len(asked) < 100):  # noqa: PLR2004
        return asked
    raise UsageError("after: send what the last answer had in next")


def _compare(asked: object) -> bool:
    if asked not in {None, "previous_period"} if asked is None or isinstance(asked, str) else True:
        raise UsageError("compare: previous_period, or leave it out")
    return asked is not None


def _texts(asked: object, field: str) -> list[str]:
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise UsageError(f"{field}: write a list of texts")
    for text in asked:
        _written(text, field)
    return asked


def _written(text: str, field: str) -> None:
    """Refuse what no value holds: control characters and halves of a character."""
    if any(ord(c) < 32 or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text):  # noqa: PLR2004
        raise UsageError(f"{field}: a value has no control characters; write it as the tables do")


def quoted(name: str) -> str:
    """Return a name that somebody wrote, short and on one line."""
    return "".join(c for c in name[:40] if c.isprintable())


def _listed(names: Iterable[str] | Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(sorted(names) if isinstance(names, frozenset) else names)
