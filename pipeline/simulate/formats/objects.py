"""JSON objects, put together from columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson
import polars as pl

from pipeline.simulate.formats.text import changed

_SPECIAL: Final = r'["\\\x00-\x1f]'
_GO: Final = r'["\\\x00-\x1f<>&]'
_TEXTS: Final = ("user", "target", "referrer", "agent")


def json(value: str) -> str:
    """Escape for a place between a JSON string's quotes."""
    return orjson.dumps(value).decode()[1:-1]


def go_json(value: str) -> str:
    """Escape as Go's encoding/json, which also escapes ``<``, ``>`` and ``&``."""
    plain = json(value)
    for character in "<>&":
        plain = plain.replace(character, f"\\u{ord(character):04x}")
    return plain


def escaped(frame: pl.DataFrame, change: Callable[[str], str] = json) -> pl.DataFrame:
    """Return the frame with what clients sent escaped for JSON."""
    pattern = _GO if change is go_json else _SPECIAL
    return frame.with_columns(changed(frame[name], pattern, change) for name in _TEXTS)


def line(column: pl.Series, change: Callable[[str], str] = json) -> pl.Series:
    """Return whole lines escaped for JSON: nearly all of them hold quotes."""
    if change is go_json:
        column = line(column)
        for character in "<>&":
            column = column.str.replace_all(character, f"\\u{ord(character):04x}", literal=True)
        return column
    plain = column.str.replace_all("\\", "\\\\", literal=True)
    return changed(plain.str.replace_all('"', '\\"', literal=True), r"[\x00-\x1f]", _controls)


def _controls(value: str) -> str:
    return "".join(json(c) if c < " " else c for c in value)


def text(value: str | pl.Expr, *, nothing: str | None = None) -> pl.Expr:
    """Return an escaped column as a JSON string; ``nothing`` (raw JSON) in place of null."""
    column = pl.col(value) if isinstance(value, str) else value
    made = pl.format('"{}"', column)
    return made if nothing is None else made.fill_null(nothing)


def fixed(value: object) -> pl.Expr:
    """Return a constant as JSON."""
    return pl.lit(orjson.dumps(value).decode())


def obj(members: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return a JSON object; a member that is null in a row is left out there."""
    pieces: list[pl.Expr] = []
    for name, value in members.items():
        led = pl.concat_str(pl.lit(f",{orjson.dumps(name).decode()}:"), value.cast(pl.String))
        pieces.append(led.fill_null(""))
    inside = pl.concat_str(pieces).str.slice(1)
    return pl.concat_str(pl.lit("{"), inside, pl.lit("}"))
