"""Guesses the format of a file from its first lines, and refuses to guess where it is not plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import (
    DIRECTIVE,
    FUTURE_ALLOWED,
    MAX_LINE_BYTES,
    Context,
    Format,
    check,
)
from pipeline.restricted.formats.shape import shape
from pipeline.restricted.formats.wrappers import WRAPPERS, wrapped

SAMPLE_LINES: Final = 1_000
"""As many lines as are looked at."""

_ENOUGH: Final = 0.8
_CONTEXT: Final = Context(now=2**40 - FUTURE_ALLOWED)


@dataclass(frozen=True, slots=True)
class Detection:
    """``format`` is None where ``reason`` (for people, never with log content) says why.

    ``shares``: format → share of the non-blank lines that it parses, best first.
    """

    format: str | None
    shares: Mapping[str, float]
    reason: str


def detect_among(
    formats: Mapping[str, Format], sample: pl.Series, directive: str = ""
) -> Detection:
    """Return the format that parses most of the first lines; the earlier one of equals.

    Formats that share a layout read the same lines, so equals are no reason to refuse.
    ``directive`` is what was in force before them, where that is known.
    """
    context = replace(_CONTEXT, directive=directive)
    lines = sample.head(SAMPLE_LINES).drop_nulls()
    lines = lines.filter(lines.str.contains(r"\S") & (lines.str.len_bytes() <= MAX_LINE_BYTES))
    if lines.is_empty():
        return Detection(None, {}, "there is no line to tell the format from; name it")
    shares: dict[str, float] = {}
    told = pl.concat([pl.Series([f"#Fields: {directive}"]), lines]) if directive else lines
    for name, form in _candidates(formats, lines):
        if form.tells is not None and not form.tells(told):
            continue
        shares[name] = _share(form, lines, context)
        if shares[name] == 1:
            break
    shares = dict(sorted(shares.items(), key=lambda entry: -entry[1]))
    best = next(iter(shares))
    if shares[best] >= _ENOUGH:
        return Detection(best, shares, f"{shares[best]:.0%} of the first {len(lines)} lines")
    if shares[best] == 0:
        seen = shape(lines[0])
        return Detection(
            None, shares, f"no line is in a known format, and the first one has {seen}"
        )
    among = {**formats, **dict(_candidates(formats, lines))}
    return Detection(None, shares, _unsure(among[best], shares, lines, context))


def _candidates(formats: Mapping[str, Format], lines: pl.Series) -> Iterator[tuple[str, Format]]:
    """Yield every format, alone first and then within each wrapper that most lines have."""
    yield from formats.items()
    for wrapper in WRAPPERS.values():
        if 1 - wrapper.unwrap(lines).null_count() / len(lines) >= _ENOUGH:
            for form in formats.values():
                inner = wrapped(wrapper, form)
                yield inner.name, inner


def _share(form: Format, lines: pl.Series, context: Context) -> float:
    reject = check(form.read(lines, context), lines, context)["reject"]
    requests = len(lines) - int((reject == DIRECTIVE).sum())
    return reject.null_count() / requests if requests else 0.0


def _unsure(form: Format, shares: Mapping[str, float], lines: pl.Series, context: Context) -> str:
    """Say the two best guesses, and what a line that the best one does not read looks like."""
    two = " and ".join(f"{name} reads {share:.0%}" for name, share in list(shares.items())[:2])
    reject = check(form.read(lines, context), lines, context)["reject"]
    at = (reject != DIRECTIVE).fill_null(value=False).arg_true()[0]
    return (
        f"unsure of the format: {two}; line {at + 1} of those looked at is {reject[at]} to "
        f"{form.name} and has {shape(lines[at])}"
    )
