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
from pipeline.restricted.formats.wrappers import MAX_DEPTH, WRAPPERS

SAMPLE_LINES: Final = 1_000
"""As many lines as are looked at."""

_SAMPLE_BYTES: Final = 512 * 1024
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
    sizes = lines.str.len_bytes()
    # Every format has to take each line apart, so their length is bounded as their number is.
    near = sizes.cum_sum() - sizes < _SAMPLE_BYTES
    lines = lines.filter(lines.str.contains(r"\S") & (sizes <= MAX_LINE_BYTES) & near)
    if lines.is_empty():
        return Detection(None, {}, "there is no line to tell the format from; name it")
    candidates: dict[str, tuple[Format, pl.Series]] = {}
    shares: dict[str, float] = {}
    for name, form, inner in _candidates(formats, lines):
        if form.tells is not None and not form.tells(_told(inner, directive)):
            continue
        candidates[name] = form, inner
        shares[name] = _share(form, inner, lines, context)
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
    return Detection(None, shares, _unsure(best, candidates, shares, lines, context))


def _candidates(
    formats: Mapping[str, Format], lines: pl.Series
) -> Iterator[tuple[str, Format, pl.Series]]:
    """Yield every format and the lines to try it on, first as they are, then without wrappers.

    Wrappers are taken off where most lines have them, up to MAX_DEPTH of them.
    """
    layers = [("", lines)]
    for depth in range(MAX_DEPTH + 1):
        deeper = []
        for outer, inner in layers:
            for name, form in formats.items():
                if form.wrappable or not outer:
                    yield f"{outer}{name}", form, inner
            for wrapper in WRAPPERS.values() if depth < MAX_DEPTH else ():
                unwrapped = wrapper.unwrap(inner)
                if 1 - unwrapped.null_count() / len(lines) >= _ENOUGH:
                    deeper.append((f"{outer}{wrapper.name}.", unwrapped))
        layers = deeper


def _told(inner: pl.Series, directive: str) -> pl.Series:
    """Return the lines that there are, led by the directive in force before them."""
    before = pl.Series([f"#Fields: {directive}"] if directive else [], dtype=pl.String)
    return pl.concat([before, inner.drop_nulls()])


def _share(form: Format, inner: pl.Series, lines: pl.Series, context: Context) -> float:
    fields = form.read(inner, context)
    if fields["matched"].not_().all(ignore_nulls=False):
        return 0.0  # of most formats: what they would say of each line is not asked
    reject = check(fields, lines, context)["reject"]
    requests = len(lines) - int((reject == DIRECTIVE).sum())
    return reject.null_count() / requests if requests else 0.0


def _read(form: Format, inner: pl.Series, lines: pl.Series, context: Context) -> pl.Series:
    """Return the reason why each line is rejected, null where it is read."""
    return check(form.read(inner, context), lines, context)["reject"]


def _unsure(
    name: str,
    candidates: Mapping[str, tuple[Format, pl.Series]],
    shares: Mapping[str, float],
    lines: pl.Series,
    context: Context,
) -> str:
    """Say the two best guesses, and what a line that the best one does not read looks like.

    Of formats of one layout only one is a guess.
    """
    form, inner = candidates[name]
    other = next((n for n in shares if candidates[n][0].read is not form.read), name)
    two = " and ".join(f"{guess} reads {shares[guess]:.0%}" for guess in (name, other))
    reject = _read(form, inner, lines, context)
    at = (reject != DIRECTIVE).fill_null(value=False).arg_true()[0]
    return (
        f"unsure of the format: {two}; line {at + 1} of those looked at is {reject[at]} to "
        f"{name} and has {shape(lines[at])}"
    )
