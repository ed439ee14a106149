"""``partywall query``: questions about the released tables, in words, by name or in SQL."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from pipeline import analytics
from pipeline.analytics import tables
from pipeline.analytics.live import ABOUT
from pipeline.analytics.live import NAME as LIVE
from pipeline.analytics.named import NAMED, questions
from pipeline.analytics.query import quoted
from pipeline.analytics.sites import known_site, only_site
from pipeline.cli.answer_told import output, tell
from pipeline.cli.asking import Asked, asking
from pipeline.cli.live import ask_live
from pipeline.cli.options import Config, Json
from pipeline.clickhouse.queries import QueryFn, named
from pipeline.clock import system_clock
from pipeline.errors import UsageError

Rows = list[dict[str, object]]


def query(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[SQL|NAME]", help="a SELECT, or a name from `query names`"),
    ] = None,
    site: Annotated[str | None, typer.Option(metavar="NAME", help="the site asked about")] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="NAMES", help="visitors,pageviews,visits,bounce_rate,…")
    ] = None,
    date_range: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="RANGE", help="7d, yesterday, month, … or 2026-11-01,2026-11-07"
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAMES", help="page, source, time:day, … (two at most)")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter", metavar="NAME=VALUE", help="also !=, ~ contains, ^= starts, $= ends; | or"
        ),
    ] = None,
    order: Annotated[
        str | None, typer.Option(metavar="NAME:desc", help="of a metric or dimension asked for")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="most rows")] = None,
    after: Annotated[str | None, typer.Option(metavar="TOKEN", help="the page after")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="with the days before")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="print CSV")] = False,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write a Parquet file")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="the folder of `up` or of `report --data`"),
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Ask the released tables; nothing can be changed this way."""
    said = {
        "site": site,
        "metrics": metrics,
        "date_range": date_range,
        "dimensions": by,
        "order": order,
        "limit": None if limit is None else str(limit),
        "after": after,
        "compare": "previous_period" if compare else None,
    }
    asked = {name: value for name, value in said.items() if value is not None}
    if sum((csv, parquet is not None, as_json)) > 1:
        raise UsageError("query: choose one of --csv, --json and --parquet")
    if text == LIVE:
        taken = sorted([*(asked.keys() - {"site"}), *(["filter"] if filters else [])])
        if taken or parquet is not None:
            raise UsageError(
                f"query: live is of the last half hour and takes --site, --csv and --json; leave "
                f"{taken[0] if taken else 'parquet'} out"
            )
        with asking(data, config) as (whom, run):
            ask_live(whom, run, site, csv=csv, as_json=as_json)
        return
    if text is not None and text not in NAMED:
        other = [*asked, *(filters or []), *(["csv"] if csv or parquet is not None else [])]
        _plain(text, other, data, config, as_json=as_json)
        return
    with asking(data, config) as (whom, run):
        answers = _answers(whom, run, text, asked, filters or [])
    if parquet is not None or csv:
        if len(answers) > 1:
            raise UsageError(f"query: {text} is of several tables; write its question with --by")
        if parquet is not None:
            tables.parquet(answers[0], parquet)
        else:
            sys.stdout.buffer.write(tables.csv(answers[0]))
    elif as_json:
        documents = [answer.document() for answer in answers]
        sys.stdout.buffer.write(orjson.dumps(documents if text else documents[0]) + b"\n")
    else:
        tell(answers, NAMED[text].titles if text else ("",))


def _answers(
    whom: Asked, run: QueryFn, name: str | None, asked: Mapping[str, str], filters: list[str]
) -> list[analytics.Answer]:
    """Return the answers to a question in words, or to the questions of a name."""
    if name is not None:
        taken = sorted(asked.keys() & {"metrics", "dimensions", "order", "after"})
        if taken:
            raise UsageError(f"query: {name} has {taken[0]} of its own; leave out one of the two")
        asked = {"date_range": NAMED[name].range} | dict(asked)
    behind = "" if name is None else NAMED[name].site
    named = asked.get("site")
    if named:
        site = known_site(run, named if named.endswith(behind) else named + behind)
    else:
        site = only_site(run, widget=bool(behind))
    given = dict(asked) | {"site": site}
    own = analytics.from_params([*given.items(), *(("filter", one) for one in filters)])
    promised = whom.policy.current
    return [
        analytics.ask(
            run,
            one,
            clock=system_clock,
            k=whom.k,
            retention_days=promised.retention.rollups_days,
            crossings=promised.crossings,
            goals=whom.settings.goals,
            zones=whom.zones,
        )
        for one in ([own] if name is None else questions(name, own))
    ]


def _plain(
    text: str,
    said: list[str],
    data: Path | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    """Answer SQL, or a name of a query that is SQL."""
    names = [*NAMED, LIVE, *named()]
    if text.replace("-", "_").isidentifier() and text.replace("-", "_") not in (*names, "names"):
        near = difflib.get_close_matches(text, names, n=1)
        hint = f"{near[0]}?" if near else f"choose from {', '.join(names)}"
        raise UsageError(f"query: no question is called {quoted(text)}: {hint}")
    if said and text in named():
        raise UsageError(
            f"query: {text} is SQL and of all sites: leave options out, or ask a question that has "
            f"some, as {', '.join(NAMED)}"
        )
    if said:
        raise UsageError(
            "query: write either SQL or a name, or options such as --metrics and --by; not both"
        )
    if text == "names":
        rows: Rows = [{"name": name, "about": one.about} for name, one in NAMED.items()]
        rows.append({"name": LIVE, "about": ABOUT})
        rows += [{"name": one.name, "about": one.about} for one in named().values()]
    else:
        with asking(data, config) as (_, run):
            rows = [dict(row) for row in run(text)]
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(rows, default=str) + b"\n")
        return
    console = output()
    if not rows:
        console.print("no rows")
        return
    table = Table(box=None, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    console.print(table)
