"""An answer in a terminal: a table with bars, and a sparkline where it is a series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.analytics import words as vocabulary
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.report import words
from pipeline.report.terminal import sparkline
from pipeline.views.wording import SHARES, SPANS, STATES, plain

_NO_TERMINAL: Final = 10_000
"""Columns of a pipe."""
_BAR: Final = 20
_LEAST_WIDTH: Final = 60
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS: Final = "_.-=+*#@"
QUIET: Final = "bright_black"
"""The style of what is not a number."""
_NUMBER: Final = "cyan"


def output() -> Console:
    """Return standard output: a pipe has no width, and a page's path may look like markup."""
    console = Console(markup=False)
    return console if console.is_terminal else Console(markup=False, width=_NO_TERMINAL)


def tell(answers: Sequence[Answer], titles: Sequence[str] = ("",)) -> None:
    """Print answers on standard output, as wide as they are; what is said of several, once."""
    console = output()
    drawn = console.is_terminal and console.width >= _LEAST_WIDTH
    said: set[str] = set()
    for number, (answer, title) in enumerate(zip(answers, titles, strict=True)):
        if number:
            console.print()
        notes = tuple(note for note in answer.notes if note not in said)
        said.update(notes)
        console.print(told(replace(answer, notes=notes), console, drawn=drawn, title=title))


def told(answer: Answer, console: Console, *, drawn: bool, title: str = "") -> RenderableType:
    """Return what is printed; ``drawn`` with bars and sparklines."""
    ascii_only = console.options.ascii_only
    timed = len(answer.dimensions) == 1 and _is_time(answer.dimensions[0])
    parts: list[RenderableType] = [_headline(answer, title)]
    if drawn and timed and len(answer.lines) > 1:
        values = [line.cells[0].number for line in answer.lines]
        whole = [None if value is None else round(value) for value in values]
        tallest = max((value for value in whole if value is not None), default=0)
        drawing = sparkline(
            whole, tallest, levels=_ASCII_LEVELS if ascii_only else _LEVELS, gap=" "
        )
        parts.append(Text(drawing, style=_NUMBER, overflow="fold"))
    parts.append(_table(answer, drawn=drawn, full="#" if ascii_only else "█"))
    if answer.next is not None:
        parts.append(Text(f"more with --after {answer.next}", style=QUIET))
    parts += [Text(note, style=QUIET) for note in answer.notes]
    return Group(*parts)


def _headline(answer: Answer, title: str) -> Text:
    head = Text(plain(answer.site), style="bold")
    head.append(f"  {_days(answer.days.first, answer.days.last)}", style="default")
    head.append(f", {answer.zone}", style="default")
    if answer.before is not None:
        before = _days(answer.before.first, answer.before.last)
        head.append(f", beside {before}", style=QUIET)
    if title:
        head.append(f": {title}", style="default")
    return head


def _days(first: dt.date, last: dt.date) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _table(answer: Answer, *, drawn: bool, full: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in answer.dimensions:
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for name in answer.metrics:
        table.add_column(name, justify="right", no_wrap=True, style=_NUMBER)
        if answer.before is not None:
            table.add_column("", justify="right", no_wrap=True, style=QUIET)
    most = max((line.cells[0].number or 0 for line in answer.lines), default=0)
    barred = drawn and bool(answer.dimensions)
    if barred:
        table.add_column("", no_wrap=True, style=_NUMBER)
    for line in answer.lines:
        bar = [_bar(line.cells[0], most, full)] if barred else []
        table.add_row(*_row(answer, line), *bar)
    if answer.dimensions:
        table.add_section()
        totals = _row(answer, answer.totals)
        names = ["in all", *[""] * (len(answer.dimensions) - 1)]
        table.add_row(*names, *totals, style="bold")
    return table


def _row(answer: Answer, line: Line) -> list[Text]:
    found = [Text(plain(value)) for value in line.dimensions]
    for at, (name, cell) in enumerate(zip(answer.metrics, line.cells, strict=True)):
        found.append(_cell(name, cell))
        if answer.before is not None:
            found.append(Text(_change(cell, line.compare[at]) if line.compare else ""))
    return found


def _cell(asked: str, cell: Cell) -> Text:
    name = vocabulary.METRIC_ALIASES.get(asked, asked)
    if cell.number is None and cell.span is not None:
        low, high = cell.span
        said = _number(name, low)
        return Text(
            f"{said} or more" if high is None else f"{said} to {_number(name, high)}", style=QUIET
        )
    if cell.number is None:
        return Text(STATES.get(cell.state, "none"), style=QUIET)
    return Text(_number(name, cell.number))


def _number(metric: str, value: float) -> str:
    if metric in SHARES:
        return words.percent(value)
    if metric in SPANS:
        minutes, seconds = divmod(round(value), 60)
        return f"{minutes}:{seconds:02d}"
    if metric == "bytes":
        return words.size(round(value))
    return words.number(value) if isinstance(value, int) else f"{value:.2f}"


def _change(now: Cell, then: Cell) -> str:
    if now.number is None or not then.number:
        return ""
    return f"{now.number / then.number - 1:+.0%}"


def _bar(cell: Cell, most: float, full: str) -> str:
    return full * round(_BAR * (cell.number or 0) / most) if most else ""


def _is_time(name: str) -> bool:
    return vocabulary.DIMENSION_ALIASES.get(name, name) in vocabulary.TIMES
