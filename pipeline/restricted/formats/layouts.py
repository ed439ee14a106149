"""A line's layout (literal text and slots) compiled into columnar patterns.

Each line meets a quick pattern first, in which every piece ends at the first character that cannot
belong to it, so that the matcher never has to look back. What the quick one leaves (escapes,
spaces in user names, requests that are none) meets a tolerant one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.formats.durations import DURATIONS, response_times
from pipeline.restricted.formats.fields import FIELDS, HEADERS, Context, Read
from pipeline.restricted.formats.localtime import is_form, zoned_seconds
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

SLOTS: Final = (
    frozenset(
        "address clf iso epoch micros when day clock request method target path query status size "
        "referrer agent host".split()
    )
    | frozenset(HEADERS)
    | frozenset(DURATIONS)
)
"""What a slot may hold. ``clf`` is a time without its brackets, ``epoch`` one in seconds or
milliseconds, ``micros`` in microseconds, ``when`` one written by the slot's ``form``, ``day`` and
``clock`` the two halves of such a one; ``path`` and ``query`` stand in for a missing target."""

_PARTS: Final = ("method", "target", "path", "query")
TIMES: Final = ("clf", "iso", "epoch", "micros", "when")
"""Slots of which a layout has one, or HALVES."""
HALVES: Final = frozenset({"day", "clock"})
_MANY: Final = r"[^\s,]+(?:(?:,| :) [^\s,]+)*"
_SHAPES: Final = {
    "status": "[0-9]{3}|-",
    "size": "[0-9]+|-",
    "forwarded_for": r"[^\s,]+(?:,[ ]?[^\s,]+)*",
    "many": _MANY,
    "response_times": _MANY,
}
REQUEST: Final = r'(?P<method>[A-Z]+) (?P<target>[^ "\\]+) HTTP/[0-9.]+'
"""A request line without escapes, for quick patterns."""
_QUOTED: Final = r'(?:[^"\\]|\\.)*'
# Many sites append fields of their own after a quoted one; they are not looked at.
_MORE: Final = r"(?:\s.*)?$"
_NO_MORE: Final = r"\s*$"


@dataclass(frozen=True, slots=True)
class Slot:
    """A field of a line: which of SLOTS it holds, None where nobody looks at it.

    ``form`` is how a time ``when`` (``day``, ``clock``) is written, in the directives of Polars
    (chrono); without an offset it is the local time of the log's zone. ``many`` holds several
    values (``a, b : c``), which nobody looks at either.
    """

    holds: str | None
    form: str = ""


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
    forms = {slot.holds: slot.form for slot in layout if isinstance(slot, Slot) and slot.form}
    halves = f"{forms.get('day', '')} {forms.get('clock', '')}" if forms.keys() >= HALVES else ""
    return patterned(
        _pattern(layout, quick=True),
        _pattern(layout, quick=False),
        anchor="address" if Slot("address") in layout else "forwarded_for",
        form=forms.get("when") or halves,
    )


def patterned(
    quick: str,
    tolerant: str,
    *,
    anchor: str = "address",
    form: str = "",
    utc: bool = False,
    plain: Callable[[pl.Series], pl.Series] = unescaped,
    mend: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
) -> Read:
    """Return what reads lines by two patterns whose groups are named by SLOTS.

    ``tolerant`` reads what ``quick`` leaves; it has the same groups, or ``request`` for ``method``
    and ``target``, and ``plain`` undoes its escapes. ``anchor`` is a group of every line that
    matches, ``form`` how ``when`` is written, or ``day`` and ``clock`` with a space between;
    with ``utc`` it is no local time; ``mend`` makes slots of groups that are none. Raises
    SettingsError where times cannot be read by ``form``.
    """
    if form and not is_form(form):
        raise SettingsError(f"format: times written as {form!r} cannot be read")

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        found = lines.str.extract_groups(quick).struct.unnest()
        missed = found[anchor].is_null()
        if missed.any():
            again = lines.filter(missed).str.extract_groups(tolerant).struct.unnest()
            again = undone(again, plain)
            at = missed.arg_true()
            found = found.with_columns(
                found[name].scatter(at, again[name]) for name in found.columns
            )
        if form:
            when = found["when"] if "when" in found.columns else joined_times(found)
            zone = replace(context, zone="UTC") if utc else context
            found = found.with_columns(zoned_seconds(when, form, zone))
        if mend is not None:
            found = mend(found)
        return typed(found, anchor)

    return read


def joined_times(found: pl.DataFrame) -> pl.Series:
    """Return ``when`` of ``day`` and ``clock``, with a space between."""
    return found.select(pl.concat_str("day", pl.lit(" "), "clock").alias("when")).to_series()


def _check(layout: Layout) -> None:
    held = {slot.holds for slot in layout if isinstance(slot, Slot)}
    if held.isdisjoint(("address", "forwarded_for")):
        raise SettingsError("a log format needs the client's address")
    if held.isdisjoint(TIMES) and not held >= HALVES:
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
        made.append(_slot(piece, str(before), str(after), seen, quick=quick))
    quoted = str(layout[-1]).endswith('"')
    made.append("$" if quick else _MORE if quoted else _NO_MORE)
    return "".join(made)


def _slot(slot: Slot, before: str, after: str, seen: set[str], *, quick: bool) -> str:
    holds = slot.holds
    quoted = before.endswith('"') and after.startswith('"')
    if holds == "request" and holds not in seen and quick:
        seen.add(holds)
        return REQUEST
    if quoted:
        shape = r'[^"\\]*' if quick else _QUOTED
    elif holds in _SHAPES:
        shape = _SHAPES[holds]
    elif holds == "clf":
        shape = r"[^\]]+" if after.startswith("]") else r"\S+ \S+"
    elif not after:
        shape = ".*?"
    else:
        end = re.escape(after[0])
        shape = f"[^{end}]+" if quick or holds is not None else ".*?"
        # A time may hold what ends other fields, as often as it is written, and begin with a blank.
        shape += f"(?:{end}[^{end}]+)" * slot.form.count(after[0])
        shape = f" ?{shape}" if slot.form.startswith(("%e", "%k")) else shape
    if holds in {None, "many"} or holds in seen:
        return f"(?:{shape})"
    seen.add(str(holds))
    return f"(?P<{holds}>{shape})"


def undone(found: pl.DataFrame, plain: Callable[[pl.Series], pl.Series]) -> pl.DataFrame:
    """Undo the escapes in the groups of a pattern by ``plain``, then cut the requests."""
    texts = {"request", "target", "path", "query", "referrer", "agent", *HEADERS}
    texts &= set(found.columns)
    found = found.with_columns(plain(found[name]) for name in sorted(texts))
    if "request" not in found.columns:
        return found
    return found.hstack(split_requests(found["request"]))


def typed(found: pl.DataFrame, anchor: str = "address") -> pl.DataFrame:
    """Give the groups of a pattern the types of FIELDS; those it does not have become null.

    ``anchor`` is a group that is there in every line that matched.
    """
    nothing = pl.lit(None, dtype=pl.String)
    have = {
        name: pl.col(name) if name in found.columns else nothing
        for name in SLOTS | set(FIELDS)
    }  # fmt: skip
    query = empty_as_null(have["query"].str.strip_prefix("?"))
    whole = pl.concat_str(have["path"], pl.lit("?"), query)
    # Some write 0, 000 or -1 where the client was gone before an answer.
    known = have["status"].str.contains("^[1-9][0-9]{2}$")
    return found.select(
        pl.col(anchor).is_not_null().alias("matched"),
        have["address"].alias("address"),
        pl.coalesce(
            clf_seconds(have["clf"]),
            iso_seconds(have["iso"]),
            unix_seconds(have["epoch"]),
            (have["micros"].cast(pl.Int64, strict=False) // 1_000_000),
            have["when"].cast(pl.Int64),
        ).alias("time"),
        empty_as_null(have["method"]).alias("method"),
        pl.coalesce(empty_as_null(have["target"]), whole, have["path"]).alias("target"),
        pl.when(known).then(have["status"]).alias("status"),
        sizes(have["size"].fill_null("0")).alias("bytes"),
        empty_as_null(have["referrer"]).alias("referrer"),
        empty_as_null(have["agent"]).alias("agent"),
        plain_host(have["host"]).alias("host"),
        response_times(found),
        *(empty_as_null(pl.col(name)).alias(name) for name in HEADERS if name in found.columns),
    )
