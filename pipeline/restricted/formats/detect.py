"""Guesses the format of a file from its first lines, and refuses to guess where it is not plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipeline.restricted.formats.fields import FUTURE_ALLOWED, MAX_LINE_BYTES, Format, check

SAMPLE_LINES: Final = 1_000
"""As many lines as are looked at."""

_ENOUGH: Final = 0.8
_FAR_FUTURE: Final = 2**40


@dataclass(frozen=True, slots=True)
class Detection:
    """``format`` is None where ``reason`` (for people, never with log content) says why.

    ``shares``: format → share of the non-blank lines that it parses.
    """

    format: str | None
    shares: Mapping[str, float]
    reason: str


def detect_among(formats: Mapping[str, Format], sample: pl.Series) -> Detection:
    """Return the format that parses most of the first lines; the earlier one of equals.

    Formats that share a layout read the same lines, so equals are no reason to refuse.
    """
    lines = sample.head(SAMPLE_LINES).drop_nulls()
    lines = lines.filter(lines.str.contains(r"\S") & (lines.str.len_bytes() <= MAX_LINE_BYTES))
    if lines.is_empty():
        return Detection(None, {}, "there is no line to tell the format from; name it")
    shares = {
        name: check(form.read(lines), lines, _FAR_FUTURE - FUTURE_ALLOWED)["reject"].null_count()
        / len(lines)
        for name, form in formats.items()
    }
    best = max(shares, key=lambda name: shares[name])
    if shares[best] == 0:
        return Detection(None, shares, f"no line is in a known format ({', '.join(formats)})")
    if shares[best] < _ENOUGH:
        return Detection(
            None, shares, f"only {shares[best]:.0%} of the lines are in the format {best}; name it"
        )
    return Detection(best, shares, f"{shares[best]:.0%} of the first {len(lines)} lines")
