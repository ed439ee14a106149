"""The report in a terminal: 80 columns and wider, with and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pipeline.labels import WIDGET_SUFFIX
from pipeline.report import words
from pipeline.report.model import Account, Report, Visits
from pipeline.report.summary import Day, Site, Top, sites, status_phrase
from pipeline.rows import OTHER
from pipeline.views.wording import figure, plain

_WIDE: Final = 110
_MOST_DAYS: Final = 31
_MILLION: Final = 1_000_000
_SIDE_BY_SIDE: Final = frozenset(
    "referrer_kind browser system device bot suspicion country place provider status "
    "method response_time event detail locale screen widget_version".split()
)
_HUMAN: Final = "cyan"
_BOT: Final = "yellow"
_QUIET: Final = "bright_black"
_NO_VISITS: Final = "Not told: of page views that began, ended or were all of a visit too few came."


@dataclass(frozen=True, slots=True)
class _Signs:
    """What lines are drawn with, by what the terminal can show."""

    separator: str
    levels: str
    gap: str
    full: str
    parts: str
    dash: str
    ellipsis: str


_UNICODE: Final = _Signs(words.NARROW_SPACE, "▁▂▃▄▅▆▇█", "·", "█", " ▏▎▍▌▋▊▉", "·", "…")
_ASCII: Final = _Signs(",", "_.-=+*#@", " ", "#", " ", "-", "...")


def render(report: Report, account: Account, console: Console, *, top: int = 10) -> None:
    """Print the report on ``console``: per site its traffic and lists, then the account."""
    signs = _ASCII if console.options.ascii_only else _UNICODE
    width = console.width
    shown = sites(report, top=top)
    console.print(_headline(report, account, signs))
    if not shown:
        console.print(
            "\nNothing was released: no window had enough visitors. Try longer logs, or read "
            "the account below.",
        )
    for site in shown:
        if len(shown) > 1:
            console.print()
            console.print(Rule(Text(plain(site.name), style="bold"), style=_QUIET))
        console.print(_traffic(site, signs, width, "0" if account.k == 1 else signs.dash))
        told = [one for one in report.visits if one.site == site.name]
        for one in told:
            console.print(_visits(one, signs, width))
        if not (told or account.k == 1 or site.name.endswith(WIDGET_SUFFIX)):
            console.print(_heading("Visits"), _quiet(_NO_VISITS), sep="\n")
        console.print(_tops(site, signs, width))
        console.print(*_notes(site, account), sep="\n")
    console.print(_account(report, account, signs))


def _headline(report: Report, account: Account, signs: _Signs) -> RenderableType:
    names = ", ".join(plain(name) for name in report.sites) or "no site"
    line = Text.assemble(("Partywall", "bold"), "  ", (names, "bold " + _HUMAN))
    if report.period:
        line.append(f"  {signs.dash}  {words.span(*report.period, report.zone)}")
    if account.lacking is None:
        line.append(f"  {signs.dash}  k = {account.k}", style=_QUIET)
        return line
    return Group(line, Text(account.lacking, style="bold red"))


def _traffic(site: Site, signs: _Signs, width: int, nothing: str) -> RenderableType:
    """Return the days; ``nothing`` stands where no number was released: few came, or nobody."""
    days = site.days[-_MOST_DAYS:]
    table = _table()
    table.collapse_padding = width < _WIDE
    table.add_column("Day", no_wrap=True)
    table.add_column("Visitors", justify="right", style=_HUMAN, no_wrap=True)
    table.add_column("Hits", justify="right", style=_HUMAN, no_wrap=True)
    table.add_column("Bots", justify="right", style=_BOT, no_wrap=True)
    table.add_column("Bot hits", justify="right", style=_BOT, no_wrap=True)
    table.add_column("Sent", justify="right", no_wrap=True)
    room = 0 if width < _WIDE else min(30, width - 92)
    if room:
        table.add_column("", no_wrap=True, style=_HUMAN)
    table.add_column("0h    6h    12h   18h", no_wrap=True, style=_HUMAN)
    tallest = max((hits for day in days for hits in day.hours if hits is not None), default=0)
    busiest = max((day.human_hits for day in days), default=0)
    for day in days:
        table.add_row(
            words.date(day.date)[:10],
            *_counts([day], signs, width, nothing),
            *([_bar(day.human_hits, busiest, room, signs)] if room else []),
            sparkline(day.hours, tallest, levels=signs.levels, gap=signs.gap),
        )
    if len(site.days) > 1:
        table.add_section()
        table.add_row("All days", *_counts(site.days, signs, width, nothing), style="bold")
    parts: list[RenderableType] = [_heading("Traffic by day"), table]
    if len(site.days) > len(days):
        earlier = len(site.days) - len(days)
        parts.append(_quiet(f"{earlier} earlier days are in the sum and not shown."))
    return Group(*parts)


def _counts(days: Sequence[Day], signs: _Signs, width: int, nothing: str) -> list[str]:
    sums = (
        sum(day.human_visitors for day in days),
        sum(day.human_hits for day in days),
        sum(day.bot_visitors for day in days),
        sum(day.bot_hits for day in days),
    )
    short = width < _WIDE
    return [
        *(
            (words.brief(n) if short and n >= _MILLION else _number(n, signs)) if n else nothing
            for n in sums
        ),
        words.size(sum(day.bytes for day in days)),
    ]


def _visits(one: Visits, signs: _Signs, width: int) -> RenderableType:
    told = (
        ("visits", one.visits, "visits"),
        ("bounce_rate", one.bounce_rate, "of them of one page"),
        ("views_per_visit", one.views_per_visit, "views a visit"),
        ("visit_duration", one.visit_duration, "long"),
    )
    said = [
        f"{figure(metric, value)} {name}".replace(",", signs.separator)
        for metric, value, name in told
        if value is not None
    ]
    parts: list[RenderableType] = [_heading("Visits"), Text(" " + ", ".join(said))]
    sides = [
        _places(head, pages, width // 2 if width >= _WIDE else width, signs)
        for head, pages in (("Began at", one.entries), ("Ended at", one.exits))
        if pages
    ]
    if width < _WIDE:
        return Group(*parts, *sides)
    row = Table.grid(padding=(0, 4, 0, 0))
    row.add_row(*sides)
    return Group(*parts, row)


def _places(
    head: str, pages: Sequence[tuple[str, int]], width: int, signs: _Signs
) -> RenderableType:
    table = _table()
    table.add_column("Visits", justify="right", min_width=7, no_wrap=True)
    table.add_column(head, no_wrap=True, overflow="ellipsis", max_width=max(8, width - 16))
    for page, visits in pages:
        table.add_row(_number(visits, signs), Text(plain(page)))
    return table


def sparkline(values: Sequence[int | None], tallest: int, *, levels: str, gap: str) -> str:
    """Return a character per value, scaled to ``tallest``; ``gap`` where there is none."""
    steps = len(levels) - 1
    return "".join(
        gap if value is None else levels[round(steps * value / tallest) if tallest else 0]
        for value in values
    )


def _tops(site: Site, signs: _Signs, width: int) -> RenderableType:
    shown = [top for top in site.tops if not (top.unknown or top.silent)]
    wide = [top for top in shown if top.dimension not in _SIDE_BY_SIDE]
    narrow = [top for top in shown if top.dimension in _SIDE_BY_SIDE]
    parts: list[RenderableType] = [_top(top, signs, width) for top in wide]
    if width < _WIDE:
        parts += [_top(top, signs, width) for top in narrow]
    else:
        half = (width - 4) // 2
        for left, right in zip(narrow[::2], [*narrow[1::2], None], strict=False):
            row = Table.grid(padding=(0, 4, 0, 0))
            row.add_column(width=half)
            row.add_column(width=half)
            row.add_row(_top(left, signs, half), _top(right, signs, half) if right else "")
            parts.append(row)
    return Group(*parts)


_NUMBERS_ROOM: Final = 38
"""Columns of a list's three numbers, up to a billion hits, and of what parts them."""


def _top(top: Top, signs: _Signs, width: int) -> RenderableType:
    room = 10 if width < _WIDE else 20
    table = _table()
    table.add_column("Hits", justify="right", min_width=7, no_wrap=True)
    table.add_column("", justify="right", style=_QUIET, min_width=6, no_wrap=True)
    table.add_column("Visitor-days", justify="right", min_width=12, no_wrap=True)
    table.add_column("", width=room, no_wrap=True, style=_HUMAN)
    # Of a long value the end is left out, not the numbers beside it.
    value_room = max(8, width - _NUMBERS_ROOM - room)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=value_room)
    for line in top.lines:
        value = status_phrase(line.value) if top.dimension == "status" else line.value
        table.add_row(
            _number(line.hits, signs),
            words.percent(line.share),
            _number(line.visitor_days, signs),
            "" if line.value == OTHER else _bar(line.hits, top.most, room, signs),
            Text(plain(value)),
            style=_QUIET if line.value == OTHER else None,
        )
    heading = _heading(top.title)
    if top.more:
        named = sum(line.value != OTHER for line in top.lines)
        heading.append(f"  {named} of {named + top.more}", style=_QUIET)
    return Group(heading, table)


def _notes(site: Site, account: Account) -> list[RenderableType]:
    notes: list[RenderableType] = [Text("")]
    # Regions are for who asks for them: without any, nothing is missing.
    unknown = [top.title.lower() for top in site.tops if top.unknown and top.dimension != "place"]
    if unknown:
        notes.append(
            _quiet(
                f"No {' and '.join(unknown)}: give address databases with --mmdb-country and "
                "--mmdb-asn."
            )
        )
    if site.folded:
        notes.append(
            _quiet(
                f"(other): what fewer than {account.k} visitors a day asked for or came with, "
                "and what was needed to hide it. Rows above may be less than all of their kind."
            )
        )
    if account.k > 1 and any(top.dimension == "place" and not top.unknown for top in site.tops):
        notes.append(_quiet("Regions and cities need more visitors: the policy's place_floor."))
    notes.append(
        _quiet("Visitor-days add up each day's visitors: nobody is known from one day to the next.")
    )
    return notes


def _account(report: Report, account: Account, signs: _Signs) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style=_QUIET)
    reasons = ", ".join(f"{name} {_number(n, signs)}" for name, n in account.reasons.items())
    released = report.released_hits
    closes = account.lines == account.events + account.rejected + account.ignored
    kept = released + account.withheld_hits == account.events
    rows: list[tuple[str, int, str | Text]] = [
        ("Lines in", account.lines, _verdict("every line is accounted for", closes)),
        ("  events", account.events, ""),
        ("  rejected", account.rejected, reasons),
        ("  ignored", account.ignored, ""),
        ("Hits counted", released + account.withheld_hits, _verdict("one for each event", kept)),
        ("  released", released, ""),
        ("  withheld", account.withheld_hits, _why_withheld(account)),
        ("Sealed records", account.records, f"in {_number(account.segments, signs)} segments"),
    ]
    for name, count, note in rows:
        strong = None if name.startswith(" ") else "bold"
        table.add_row(Text(name, style=strong or ""), _number(count, signs), note, style=strong)
    return Group(_heading("Account"), Padding(table, (0, 0, 1, 1), expand=False))


def _why_withheld(account: Account) -> str:
    return f"would stand for fewer than {account.k} visitors" if account.withheld_hits else ""


def _verdict(promise: str, holds: bool) -> Text:  # noqa: FBT001 - a verdict is a yes or a no
    if holds:
        return Text(promise, style="not bold " + _QUIET)
    return Text(f"does not add up ({promise}?)", style="bold red")


def _table() -> Table:
    return Table(box=None, pad_edge=True, padding=(0, 1), header_style=_QUIET, expand=False)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _quiet(text: str) -> Text:
    return Text(text, style=_QUIET)


def _number(value: int, signs: _Signs) -> str:
    return words.number(value, signs.separator)


def _bar(value: int, most: int, room: int, signs: _Signs) -> str:
    steps = len(signs.parts)
    eighths = round(room * steps * min(value / most, 1)) if most else 0
    full, rest = divmod(max(eighths, 1 if value else 0), steps)
    return signs.full * full + (signs.parts[rest] if rest else "")
