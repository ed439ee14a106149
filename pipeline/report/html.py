"""The report as one page that stands alone: no script, no request, nothing from elsewhere.

The Content-Security-Policy allows exactly the one style sheet that is in the page, by its hash.
Every text that came from a log goes through ``_text``.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.report import charts, words
from pipeline.report.model import Account, Report
from pipeline.report.summary import HOURS, Day, Line, Site, Top, sites, status_phrase
from pipeline.rows import OTHER

_STYLE: Final = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
_MOST_DAYS_BY_HOUR: Final = 14
_MOST_LABELS: Final = 10
_MOST_DAYS_OPEN: Final = 31


def as_html(report: Report, account: Account, *, top: int = 20) -> str:
    """Return the page, each list cut to ``top`` values and ``(other)``."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    shown = sites(report, top=top)
    name = _text(", ".join(report.sites) or "No site")
    heading = f"{name}: anonymous statistics" if account.anonymous else f"{name}: statistics"
    body = "\n".join(
        [
            _header(report, account, name),
            *(_site(site, account, alone=len(shown) == 1) for site in shown),
            _account(report, account),
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{heading}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _text(value: str) -> str:
    return html.escape(words.plain(value), quote=True)


def _header(report: Report, account: Account, name: str) -> str:
    period = f"<p>{_text(words.span(*report.period))}</p>" if report.period else ""
    days = report.traffic_daily
    humans = sum(row.visitors for row in days if row.audience == "human")
    figures = [
        ("Visitor-days", words.number(humans)),
        ("Human hits", words.number(sum(row.hits for row in days if row.audience == "human"))),
        ("Bot hits", words.number(sum(row.hits for row in days if row.audience == "bot"))),
        ("Sent", words.size(report.released_bytes)),
        ("Withheld hits", words.number(account.withheld_hits)),
    ]
    cells = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in figures)
    privacy = (
        f'<p class="quiet">Every number stands for at least {account.k} visitors a window.</p>'
        if account.lacking is None
        else f'<p class="warning" role="note">{_text(account.lacking.capitalize())}.</p>'
    )
    empty = "" if days else "<p>Nothing was released: no window had enough visitors.</p>"
    return (
        f'<header><p class="brand">Partywall</p><h1>{name}</h1>{period}{privacy}'
        f'<dl class="figures">{cells}</dl>{empty}</header><main>'
    )


def _site(site: Site, account: Account, *, alone: bool) -> str:
    heading = "" if alone else f"<h2>{_text(site.name)}</h2>"
    tops = "\n".join(_top(top) for top in site.tops if not (top.unknown or top.silent))
    return (
        f"<section>{heading or '<h2>Traffic</h2>'}"
        f'<div class="card">{_chart(site.days)}</div>{_days(site.days)}'
        f"<h2>Breakdowns</h2>"
        f'<div class="columns">{tops}</div>{_notes(site, account)}</section>'
    )


def _chart(days: Sequence[Day]) -> str:
    by_hour = len(days) <= _MOST_DAYS_BY_HOUR
    if by_hour:
        series = [
            charts.Bar(f"{words.date(day.date)}, {hour:02}:00", human, bot)
            for day in days
            for hour, (human, bot) in enumerate(zip(day.human_hours, day.bot_hours, strict=True))
        ]
    else:
        series = [charts.Bar(words.date(day.date), day.human_hits, day.bot_hits) for day in days]
    top = charts.ceiling(max(((bar.human or 0) + (bar.bot or 0) for bar in series), default=0))
    scale = "".join(f"<span>{words.number(round(top * part))}</span>" for part in (1, 0.5, 0))
    every = -(-len(days) // _MOST_LABELS)
    labels = "".join(f"<span>{words.short_date(day.date)}</span>" for day in days[::every])
    unit = "hour" if by_hour else "day"
    gaps = any(bar.human is None and bar.bot is None for bar in series)
    note = (
        "Where a bar is missing there was no traffic, or too little of it to be released."
        if gaps and by_hour
        else ""
    )
    return (
        f'<figure><h3>Hits by {unit}<small class="legend">'
        f"<span>{charts.swatch('human')}humans</span><span>{charts.swatch('bot')}bots</span>"
        f'</small></h3><div class="plot" role="img" aria-label="Bar chart of hits by {unit}; '
        f'the table below has the numbers"><div class="scale" aria-hidden="true">{scale}</div>'
        f'{charts.bars(series, top)}<div class="days" aria-hidden="true">{labels}</div></div>'
        f"<figcaption>{note}</figcaption></figure>"
    )


def _days(days: Sequence[Day]) -> str:
    tallest = max((hits for day in days for hits in day.hours if hits is not None), default=1) or 1
    rows = "".join(
        f'<tr><th scope="row" class="day">{_date(day.date)}</th>{_counts([day])}'
        f'<td class="spark narrow">{charts.spark(day.hours, tallest)}</td></tr>'
        for day in days
    )
    hours = "".join(
        f'<tr><th scope="row" class="day">{_date(day.date)}, {hour:02}:00</th>'
        f'<td class="n">{_or_dash(human)}</td><td class="n">{_or_dash(bot)}</td></tr>'
        for day in days
        for hour, (human, bot) in enumerate(zip(day.human_hours, day.bot_hours, strict=True))
        if human is not None or bot is not None
    )
    long = len(days) > _MOST_DAYS_OPEN
    opening = '<div class="card scroll below">'
    if long:
        opening = '<details class="card scroll"><summary>The numbers by day</summary>'
    return (
        f"{opening}<table><caption>By day, UTC</caption><thead><tr>"
        '<th scope="col">Day</th><th scope="col" class="n">Visitors</th>'
        '<th scope="col" class="n">Hits</th><th scope="col" class="n narrow">Bots</th>'
        '<th scope="col" class="n">Bot hits</th><th scope="col" class="n">Sent</th>'
        f'<th scope="col" class="narrow">By hour, 0 to {HOURS}</th></tr></thead>'
        f'<tbody>{rows}</tbody><tfoot><tr><th scope="row">All days</th>{_counts(days)}'
        f'<td class="narrow"></td></tr></tfoot></table>{"</details>" if long else "</div>"}'
        '<details class="card"><summary>The numbers by hour</summary><table><thead><tr>'
        '<th scope="col">Hour, UTC</th><th scope="col" class="n">Human hits</th>'
        f'<th scope="col" class="n">Bot hits</th></tr></thead><tbody>{hours}</tbody></table>'
        "</details>"
    )


def _date(value: dt.date) -> str:
    """Return the date, of which a telephone shows day and month."""
    weekday, day, month, year = words.date(value).split()
    return f'<span class="narrow">{weekday} </span>{day} {month}<span class="narrow"> {year}</span>'


def _counts(days: Sequence[Day]) -> str:
    counts = [
        ("n", words.number(sum(day.human_visitors for day in days))),
        ("n", words.number(sum(day.human_hits for day in days))),
        ("n narrow", words.number(sum(day.bot_visitors for day in days))),
        ("n", words.number(sum(day.bot_hits for day in days))),
        ("n", words.size(sum(day.bytes for day in days))),
    ]
    return "".join(f'<td class="{kind}">{count}</td>' for kind, count in counts)


def _or_dash(value: int | None) -> str:
    return "\N{EN DASH}" if value is None else words.number(value)


def _top(top: Top) -> str:
    named = sum(line.value != OTHER for line in top.lines)
    cut = f"<small>{named} of {words.number(named + top.more)}</small>" if top.more else ""
    rows = "".join(_line(top, line) for line in top.lines)
    return (
        f'<section class="card"><h3>{_text(top.title)}{cut}</h3><table><thead><tr>'
        '<th scope="col" class="value">Value</th><th scope="col" class="n">Hits</th>'
        '<th scope="col" class="n narrow">Share</th><th scope="col" class="n">Visitor-days</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _line(top: Top, line: Line) -> str:
    value = status_phrase(line.value) if top.dimension == "status" else line.value
    other = line.value == OTHER
    bar = "" if other else charts.share(line.hits, top.most)
    return (
        f"<tr{' class=other' if other else ''}>"
        f'<th scope="row" class="value">{_breakable(value)}{bar}</th>'
        f'<td class="n">{words.number(line.hits)}</td>'
        f'<td class="n narrow">{_text(words.percent(line.share))}</td>'
        f'<td class="n">{words.number(line.visitor_days)}</td></tr>'
    )


def _breakable(value: str) -> str:
    """Return ``value`` escaped, with leave to break a line after each slash."""
    return _text(value).replace("/", "/<wbr>")


def _notes(site: Site, account: Account) -> str:
    notes = []
    if site.folded:
        notes.append(
            f"(other): what fewer than {account.k} visitors a day asked for or came with, "
            "and what was needed to hide it. Rows above may be less than all of their kind."
        )
    notes.append(
        "Visitor-days add up each day's visitors: nobody is known from one day to the next."
    )
    unknown = [top.title.lower() for top in site.tops if top.unknown]
    if unknown:
        notes.append(f"No {' and '.join(unknown)}: no address database was given.")
    return '<div class="notes quiet">' + "".join(f"<p>{note}</p>" for note in notes) + "</div>"


def _account(report: Report, account: Account) -> str:
    reasons = ", ".join(f"{_text(name)} {words.number(n)}" for name, n in account.reasons.items())
    released = report.released_hits
    withheld = f"would stand for fewer than {account.k} visitors" if account.withheld_hits else ""
    closes = account.lines == account.events + account.rejected + account.ignored
    kept = released + account.withheld_hits == account.events
    rows = [
        ("Lines in", account.lines, _verdict("every line is accounted for", holds=closes)),
        (" events", account.events, ""),
        (" rejected", account.rejected, reasons),
        (" ignored", account.ignored, ""),
        (
            "Hits counted",
            released + account.withheld_hits,
            _verdict("one for each event", holds=kept),
        ),
        (" released", released, ""),
        (" withheld", account.withheld_hits, withheld),
        ("Sealed records", account.records, f"in {words.number(account.segments)} segments"),
    ]
    scope = "This page holds counts of groups alone." if account.anonymous else ""
    cells = "".join(
        f"<tr{'' if name[0] == ' ' else ' class=strong'}>"
        f'<th scope="row"{" class=indent" if name[0] == " " else ""}>{name.strip()}</th>'
        f'<td class="n">{words.number(count)}</td><td class="quiet">{note}</td></tr>'
        for name, count, note in rows
    )
    return (
        '<section><h2>Account of every line</h2><div class="card scroll">'
        '<table class="account"><thead class="hidden"><tr><th scope="col">What</th>'
        '<th scope="col">Count</th><th scope="col">Note</th></tr></thead>'
        f"<tbody>{cells}</tbody></table></div></section></main>"
        f'<footer class="quiet"><p>Made by Partywall. {scope} '
        "It loads nothing and sends nothing.</p></footer>"
    )


def _verdict(promise: str, *, holds: bool) -> str:
    return promise if holds else f'<strong class="warning">does not add up ({promise}?)</strong>'
