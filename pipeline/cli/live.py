"""``partywall query live``: the last half hour of a site in steps of minutes."""

from __future__ import annotations

import sys

import orjson
import polars as pl
from rich.table import Table
from rich.text import Text

from pipeline.analytics import query
from pipeline.analytics.live import SPAN, Live, Stretch, live
from pipeline.analytics.sites import known_site, only_site
from pipeline.analytics.step_times import COLUMNS, quantiles
from pipeline.analytics.words import LATENCY
from pipeline.cli.answer_told import QUIET, output
from pipeline.cli.asking import Asked
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import system_clock
from pipeline.report import words
from pipeline.views.wording import STATES, between, plain


def ask_live(whom: Asked, run: QueryFn, site: str | None, *, csv: bool, as_json: bool) -> None:
    """Ask for a site's last half hour and print it; raises UsageError."""
    name = known_site(run, query.site(site)) if site else only_site(run, widget=False)
    found = live(run, name, now=system_clock(), k=whom.k, zones=whom.zones)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found.document()) + b"\n")
    elif csv:
        rows = [one.document() for one in found.stretches]
        frame = pl.DataFrame(rows).drop("response_times").cast(dict.fromkeys(COLUMNS, pl.Int64))
        sys.stdout.buffer.write(frame.write_csv(line_terminator="\r\n").encode())
    else:
        _tell(found)


def _tell(found: Live) -> None:
    console = output()
    head = Text(plain(found.site), style="bold")
    head.append(
        f"  {found.begin:%Y-%m-%d %H:%M} to {found.end:%H:%M} {found.zone}", style="default"
    )
    console.print(head)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("minutes", "segment", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("visitors", "hits", "bytes"):
        table.add_column(name, justify="right", no_wrap=True, style="cyan")
    timed = any(one.times for one in found.stretches)
    for name in LATENCY if timed else ():
        table.add_column(name.removeprefix("response_time_"), justify="right", no_wrap=True)
    for one in found.stretches:
        table.add_row(
            f"{one.begin:%H:%M}-{one.end:%H:%M}", one.segment, one.status_class, *_numbers(one),
            *(_times(one) if timed else ()),
        )  # fmt: skip
    console.print(table)
    if found.k > 1:
        minutes = SPAN.seconds // 60
        console.print(
            Text(
                f"of the last {minutes} minutes those are told that {found.k} visitors came in, "
                f"once {found.k} others have come after them within the hour",
                style=QUIET,
            )
        )


def _times(one: Stretch) -> list[Text]:
    """Return within which range of times half, 95 and 99 % of the answers came."""
    return [Text("" if ends is None else between(*ends)) for ends in quantiles(one.times).values()]


def _numbers(one: Stretch) -> list[Text]:
    if one.hits is None or one.visitors is None or one.bytes is None:
        return [Text(STATES[one.state], style=QUIET), Text(""), Text("")]
    return [Text(words.number(n)) for n in (one.visitors, one.hits)] + [Text(words.size(one.bytes))]
