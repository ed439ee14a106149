"""Charts as inline SVG, drawn here so that the page needs no script and asks nobody.

Only the shapes are in the SVG, stretched to the room there is; words stay HTML, so that they keep
their size on a telephone. Every chart has a table beside it with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.report import words

_HEIGHT = 100.0


class Bar(NamedTuple):
    """A bar of a chart: hits of humans and bots, None where nothing was released."""

    label: str
    human: int | None
    bot: int | None


def ceiling(value: int) -> int:
    """Return the end of a scale for ``value``: 2, 3, 4, 6, 8, 10, 15 or a power of ten more."""
    if value <= 1:
        return 1
    power = int(10 ** math.floor(math.log10(value)))
    steps = (power, power * 3 // 2, *(step * power for step in (2, 3, 4, 6, 8, 10)))
    return next(step for step in steps if step >= value)


def bars(series: Sequence[Bar], top: int) -> str:
    """Return stacked bars, humans below and bots on them, scaled so that ``top`` is full height."""
    drawn = [f'<svg viewBox="0 0 {len(series)} 100" preserveAspectRatio="none" aria-hidden="true">']
    drawn += [
        f'<line class="grid-line" x1="0" x2="{len(series)}" y1="{y}" y2="{y}"/>'
        for y in (0, 25, 50, 75, 100)
    ]
    for x, bar in enumerate(series):
        if bar.human is None and bar.bot is None:
            continue
        human = _HEIGHT * (bar.human or 0) / top
        bot = _HEIGHT * (bar.bot or 0) / top
        title = f"{bar.label}: {_said(bar.human)} human, {_said(bar.bot)} bot hits"
        drawn.append(
            f"<g><title>{title}</title>"
            f'<rect class="human" x="{x + 0.1:g}" y="{_HEIGHT - human:.2f}" width="0.8" '
            f'height="{human:.2f}"/>'
            f'<rect class="bot" x="{x + 0.1:g}" y="{_HEIGHT - human - bot:.2f}" width="0.8" '
            f'height="{bot:.2f}"/></g>'
        )
    return "".join([*drawn, "</svg>"])


def spark(values: Sequence[int | None], top: int) -> str:
    """Return small bars of one kind, ``top`` being full height."""
    rects = "".join(
        f'<rect class="human" x="{x + 0.1:g}" y="{20 - 20 * value / top:.1f}" width="0.8" '
        f'height="{20 * value / top:.1f}"/>'
        for x, value in enumerate(values)
        if value is not None
    )
    return (
        f'<svg viewBox="0 0 {len(values)} 20" preserveAspectRatio="none" aria-hidden="true">'
        f"{rects}</svg>"
    )


def share(value: int, most: int) -> str:
    """Return a horizontal bar, full width for ``most``."""
    width = 100 * value / most if most else 0
    return (
        '<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="human" width="{width:.2f}" height="4"/></svg>'
    )


def swatch(kind: str) -> str:
    """Return the square of a legend; ``kind`` is human or bot."""
    square = f'<rect class="{kind}" width="1" height="1"/>'
    return f'<svg viewBox="0 0 1 1" aria-hidden="true">{square}</svg>'


def _said(value: int | None) -> str:
    return "no released" if value is None else words.number(value)
