"""A question from the parameters of a URL, or from flags of a command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from pipeline.analytics.query import Query, dimension, quoted, read
from pipeline.errors import UsageError

_SHORT: Final = re.compile(r"(?P<name>[\w:]+)(?P<sign>!=|\^=|\$=|~|=)(?P<values>.*)", re.DOTALL)
_SIGNS: Final = {
    "=": "is",
    "!=": "is_not",
    "~": "contains",
    "^=": "starts_with",
    "$=": "ends_with",
}


def from_params(parameters: Iterable[tuple[str, str]]) -> Query:
    """Read a question from names and values of a URL, or of flags; raises UsageError.

    Lists have commas: ``metrics=visitors,pageviews``, ``date_range=2026-11-01,2026-11-07``,
    ``order=visitors:desc``. ``filter`` may come several times: ``page=/a|/b``, ``page!=/a``,
    ``page~shop``, ``page^=/docs``, ``page$=.pdf``; ``filters`` holds them as JSON.
    """
    asked: dict[str, Any] = {}
    short: list[Any] = []
    for name, value in parameters:
        if name == "filter":
            short.append(_short(value))
        elif name in asked:
            raise UsageError(f"{quoted(name)}: write it once, with commas between")
        elif name in {"metrics", "dimensions"}:
            asked[name] = [part.strip() for part in value.split(",") if part.strip()]
        elif name == "order":
            asked[name] = [_direction(part) for part in value.split(",") if part.strip()]
        elif name == "date_range":
            asked[name] = value.split(",") if "," in value else value
        elif name == "limit":
            asked[name] = int(value) if re.fullmatch(r"[0-9]{1,6}", value, re.ASCII) else value
        elif name == "filters":
            asked[name] = _json(value)
        else:
            asked[name] = value or None
    if short:
        given = asked.get("filters") or []
        asked["filters"] = [*(given if isinstance(given, list) else [given]), *short]
    return read(asked)


def _json(text: str) -> Any:  # noqa: ANN401
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise UsageError('filters: write JSON, as in [["is","page",["/"]]]') from None


def _short(text: str) -> list[Any]:
    match = _SHORT.fullmatch(text)
    if match is None:
        raise UsageError(
            "filter: write NAME=VALUE, or NAME with !=, ~ (contains), ^= (starts with), "
            "$= (ends with) and a value"
        )
    return [_SIGNS[match["sign"]], match["name"], match["values"].split("|")]


def _direction(text: str) -> list[str]:
    name, colon, way = text.strip().rpartition(":")
    if colon and way in {"asc", "desc"}:
        return [name, way]
    return [text.strip(), "asc" if dimension(text.strip()) is not None else "desc"]
