"""What a format finds in a file's first lines, and what is done with it: for whoever sets it up.

Values are masked: letters and digits are shown as one ``a`` or ``9`` a run, whatever they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.errors import InputError
from pipeline.restricted import formats
from pipeline.restricted.formats.fields import DIRECTIVE, EMPTY, HEADERS, check
from pipeline.restricted.widget import read as widget

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"\d+")
_NEEDED: Final = {
    "method": "No line has a method: pages of requests without one are (none).",
    "agent": "No line has an agent: each is counted as a bot's.",
}
_ODD: Final = re.compile(r"[^\x20-\x7e]+")
_LONGEST_MASK: Final = 60

TREATMENTS: Final[Mapping[str, tuple[str, str]]] = {
    "address": ("pseudonymised", "visitor, country, place, provider"),
    "time": ("coarsened", "hour, day"),
    "method": ("kept", "method, where it is a registered one"),
    "target": ("coarsened", "page: the path, scrubbed; campaign, of the query nothing else"),
    "status": ("kept", "status"),
    "bytes": ("kept", "bytes, summed"),
    "referrer": (
        "coarsened",
        "referrer (its domain), referrer_kind; of a failed request came_from, the site's own page",
    ),
    "agent": ("coarsened", "audience, browser, system, device; part of the pseudonym"),
    "host": ("dropped", "tells internal referrers from others"),
    "response_time": ("coarsened", "response_time, in classes"),
    **dict.fromkeys(
        HEADERS, ("dropped", "tells the client, where split.trusted_proxies says who is believed")
    ),
}
"""Field of a line → what is done with it, and what it becomes."""


@dataclass(frozen=True, slots=True)
class Found:
    """One field: in how many lines it was found, its treatment, and its commonest mask."""

    name: str
    lines: int
    treatment: str
    becomes: str
    mask: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of the lines looked at; ``why`` says how the format was chosen, "" where named.

    ``reasons``: reason → lines that are no events. ``advice``: what to set, "" for nothing.
    """

    format: str
    why: str
    lines: int
    events: int
    rejected: int
    ignored: int
    reasons: Mapping[str, int]
    fields: tuple[Found, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A format or a wrapper; ``page`` is its documentation."""

    name: str
    kind: str
    about: str
    page: str


def listing() -> list[Listed]:
    """Return every format and every wrapper, in the order in which ``auto`` tries them."""
    home = Path(formats.__file__).parent
    return [
        Listed(name, kind, entry.about, (home / folder / name / "README.md").read_text("utf-8"))
        for kind, folder, among in (
            ("format", "known", formats.FORMATS),
            ("wrapper", "wrappers", formats.WRAPPERS),
        )
        for name, entry in among.items()
    ]


def trial(
    name: str,
    lines: list[bytes],
    format_: str,
    context: formats.Context,
    among: Mapping[str, formats.Format],
) -> Trial:
    """Parse a file's first lines and tell what was found; raises InputError.

    ``name`` is the file's, for the message.
    """
    sample = pl.Series([line.decode("utf-8", "replace").rstrip("\r") for line in lines])
    why = ""
    if format_ == formats.AUTO:
        guessed = formats.detect(sample, among)
        if guessed.format is None:
            raise InputError(f"{name}: {guessed.reason}; name the format")
        format_, why = guessed.format, guessed.reason
    form = formats.find(format_, among)
    if form is None:
        raise InputError(f"no format is called {format_}: `partywall formats` lists them")
    said = form.read(sample, context)
    parsed = check(said, sample, context)
    reasons = dict(parsed["reject"].drop_nulls().value_counts(sort=True).iter_rows())
    ignored = reasons.get(EMPTY, 0) + reasons.get(DIRECTIVE, 0)
    good = parsed["reject"].is_null()
    found = [
        _found(column, (parsed if column in parsed.columns else said)[column].filter(good))
        for column in TREATMENTS
        if column in said.columns
    ]
    events = int(good.sum())
    return Trial(
        format_, why, len(sample), events, len(sample) - events - ignored, ignored, reasons,
        tuple(entry for entry in found if entry.lines or entry.name in formats.FIELDS),
        _advice(form.name, parsed.filter(good), said.filter(good), believed=bool(context.proxies)),
    )  # fmt: skip


def _advice(format_: str, parsed: pl.DataFrame, said: pl.DataFrame, *, believed: bool) -> str:
    """Return what to know or do of lines that are events, "" where there is nothing."""
    lacks = [
        what
        for column, what in _NEEDED.items()
        if parsed.height
        and not parsed[column].drop_nulls().len()
        and not (column == "method" and format_ == widget.NAME)  # its events are no requests
    ]
    return " ".join(filter(None, ["" if believed else _proxies(said), *lacks]))


def _proxies(said: pl.DataFrame) -> str:
    """Return what to do where headers name clients and nobody is believed; "" where none does."""
    told = said["address"].is_not_null()
    heard = [
        name
        for name in said.columns
        if name in HEADERS and (told & ~said[name].fill_null("").is_in(["", "-"])).any()
    ]
    if not heard:
        return ""
    return (
        f"{' and '.join(heard)}: believed of nobody. If your own proxies connect here, name them "
        "in split.trusted_proxies (report: --trusted-proxy); until then all who come through one "
        "of them have its address, and are told apart by their agents alone."
    )


def _found(name: str, values: pl.Series) -> Found:
    there = values.drop_nulls()
    treatment, becomes = TREATMENTS[name]
    masks = there.cast(pl.String).map_elements(mask, return_dtype=pl.String)
    commonest = masks.value_counts(sort=True)[masks.name][0] if len(masks) else ""
    return Found(name, len(there), treatment, becomes, commonest)


def mask(text: str) -> str:
    """Return the shape of a value: each run of letters one ``a``, of digits one ``9``."""
    plain = _DIGITS.sub("9", _LETTERS.sub("a", text))
    return _ODD.sub("?", plain)[:_LONGEST_MASK]
