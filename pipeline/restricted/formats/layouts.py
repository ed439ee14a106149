"""A line's layout (literal text and slots) compiled into columnar patterns.

Each line meets a quick pattern first, in which every piece ends at the first character that cannot
belong to it, so that the matcher never has to look back. What the quick one leaves (escapes,
spaces in user names, requests that are none) meets a tolerant one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.formats.fields import FIELDS, Read
from pipeline.restricted.formats.pieces import (
    clf_seconds,
    empty_as_null,
    iso_seconds,
    plain_host,
    sizes,
    split_requests,
    unescaped,
    unix_seconds,
)

SLOTS: Final = frozenset(
    "address clf iso epoch micros request method target path query status size referrer agent "
    "host".split()
)
"""What a slot may hold. ``clf`` is a time without its brackets, ``epoch`` one in seconds or
milliseconds, ``micros`` in microseconds; ``path`` and ``query`` stand in for a missing target."""

_PARTS: Final = ("method", "target", "path", "query")
_TIMES: Final = ("clf", "iso", "epoch", "micros")
_SHAPES: Final = {"status": "[0-9]{3}|-", "size": "[0-9]+|-", "clf": r"[^\]]+"}
_REQUEST: Final = r'(?P<method>[A-Z]+) (?P<target>[^ "\\]+) HTTP/[0-9.]+'
_QUOTED: Final = r'(?:[^"\\]|\\.)*'
# Many sites append fields of their own after a quoted one; they are not looked at.
_MORE: Final = r"(?:\s.*)?$"
_NO_MORE: Final = r"\s*$"


@dataclass(frozen=True, slots=True)
class Slot:
    """A field of a line: which of SLOTS it holds, None where nobody looks at it."""

    holds: str | None


Layout = tuple[str | Slot, ...]
"""Literal texts and slots, in the order of the line."""


def joined(pieces: list[str | Slot]) -> Layout:
    """Return the layout of pieces: texts that follow each other are one, path and query a target.

    ``%U%q`` and ``$uri$is_args$args`` write a target in two parts, with nothing between them.
    """
    made: list[str | Slot] = []
    for piece in pieces:
        last = made[-1] if made else None
        if isinstance(piece, str) and isinstance(last, str):
            made[-1] = last + piece
        elif piece == Slot("query") and last == Slot("path"):
            made[-1] = Slot("target")
        elif piece:
            made.append(piece)
    return tuple(made)


def reader(layout: Layout) -> Read:
    """Return what reads lines of a layout; raises SettingsError where none could be an event.

    That is a layout without an address or a time, or with two slots that nothing parts.
    """
    _check(layout)
    quick, tolerant = _pattern(layout, quick=True), _pattern(layout, quick=False)

    def read(lines: pl.Series) -> pl.DataFrame:
        found = lines.str.extract_groups(quick).struct.unnest()
        missed = found["address"].is_null()
        if missed.any():
            again = _plain(lines.filter(missed).str.extract_groups(tolerant).struct.unnest())
            at = missed.arg_true()
            found = found.with_columns(
                found[name].scatter(at, again[name]) for name in found.columns
            )
        return _typed(found)

    return read


def _check(layout: Layout) -> None:
    held = {slot.holds for slot in layout if isinstance(slot, Slot)}
    if "address" not in held:
        raise SettingsError("a log format needs the client's address")
    if held.isdisjoint(_TIMES):
        raise SettingsError("a log format needs a time")
    if any(isinstance(one, Slot) and isinstance(two, Slot) for one, two in pairwise(layout)):
        raise SettingsError("a log format needs something between each two fields")


def _pattern(layout: Layout, *, quick: bool) -> str:
    """Return the regular expression of a layout; a slot that comes again is not read again.

    Where there is a request line it says it all, and its parts beside it are not read.
    """
    seen = set(_PARTS) if Slot("request") in layout else set()
    made = ["^"]
    for at, piece in enumerate(layout):
        if isinstance(piece, str):
            made.append(re.escape(piece))
            continue
        before = layout[at - 1] if at else ""
        after = layout[at + 1] if at + 1 < len(layout) else ""
        made.append(_slot(piece.holds, str(before), str(after), seen, quick=quick))
    quoted = str(layout[-1]).endswith('"')
    made.append("$" if quick else _MORE if quoted else _NO_MORE)
    return "".join(made)


def _slot(holds: str | None, before: str, after: str, seen: set[str], *, quick: bool) -> str:
    quoted = before.endswith('"') and after.startswith('"')
    if holds == "request" and holds not in seen and quick:
        seen.add(holds)
        return _REQUEST
    if quoted:
        shape = r'[^"\\]*' if quick else _QUOTED
    elif holds in _SHAPES:
        shape = _SHAPES[holds]
    elif not after:
        shape = ".*?"
    else:
        shape = f"[^{re.escape(after[0])}]+" if quick or holds is not None else ".*?"
    if holds is None or holds in seen:
        return f"(?:{shape})"
    seen.add(holds)
    return f"(?P<{holds}>{shape})"


def _plain(found: pl.DataFrame) -> pl.DataFrame:
    """Undo escapes, then cut the requests."""
    texts = {"request", "target", "path", "query", "referrer", "agent"} & set(found.columns)
    found = found.with_columns(unescaped(found[name]) for name in sorted(texts))
    if "request" not in found.columns:
        return found
    return found.hstack(split_requests(found["request"]))


def _typed(found: pl.DataFrame) -> pl.DataFrame:
    """Give the groups of a pattern the types of FIELDS; those it does not have become null."""
    nothing = pl.lit(None, dtype=pl.String)
    have = {
        name: pl.col(name) if name in found.columns else nothing
        for name in SLOTS | set(FIELDS)
    }  # fmt: skip
    query = empty_as_null(have["query"].str.strip_prefix("?"))
    whole = pl.concat_str(have["path"], pl.lit("?"), query)
    status = empty_as_null(have["status"])
    return found.select(
        pl.col("address").is_not_null().alias("matched"),
        "address",
        pl.coalesce(
            clf_seconds(have["clf"]),
            iso_seconds(have["iso"]),
            unix_seconds(have["epoch"]),
            (have["micros"].cast(pl.Int64, strict=False) // 1_000_000),
        ).alias("time"),
        empty_as_null(have["method"]).alias("method"),
        pl.coalesce(empty_as_null(have["target"]), whole, have["path"]).alias("target"),
        status.alias("status"),
        sizes(have["size"].fill_null("0")).alias("bytes"),
        empty_as_null(have["referrer"]).alias("referrer"),
        empty_as_null(have["agent"]).alias("agent"),
        plain_host(have["host"]).alias("host"),
    )
