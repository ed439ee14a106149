"""``partywall status``: how far everything is, where every line went, which keys are alive, k."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError
from rich.console import Console
from rich.table import Table

from pipeline import events, policy
from pipeline import settings as tree
from pipeline.apps.left import ACCOUNTS
from pipeline.cli.cases_told import counted
from pipeline.cli.kept import embedded
from pipeline.cli.options import Config, Json
from pipeline.clock import system_clock
from pipeline.errors import PartywallError, UnavailableError
from pipeline.kafka import topics
from pipeline.kafka.reading import accounts, lags, reader
from pipeline.keys.client import KeyClient, Patience
from pipeline.settings import Kafka, Settings
from pipeline.vault.status import require, vault_status

_WORDS: Final = frozenset("stage topic site source ingest key day until outcome reason".split())
_NEWEST: Final = 64  # messages at the end of an events partition that are asked for watermarks


def status(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="the folder of `partywall up`")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Show lag, watermarks, accounts per site and source, keys alive, and what is withheld."""
    settings = tree.load(config)
    if data is not None:
        settings = embedded(settings, data)
    try:
        found = asyncio.run(gather(settings))
    except UnavailableError as error:
        if data is not None:
            raise
        raise UnavailableError(
            f"{error}; for the embedded group of `partywall up` name its folder with --data DIR"
        ) from None
    if as_json:
        # Partitions are numbers.
        sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    else:
        _show(found)


async def gather(settings: Settings) -> dict[str, Any]:
    """Return everything there is to know; what cannot be reached says so instead."""
    made = policy.load(settings.policy)
    declared = topics.declared(made.current.retention)
    kafka = settings.kafka
    k = policy.k_in_force(made, settings.k, lower=True)
    lacking = policy.shortfall(k, made.current.k)
    found: dict[str, Any] = {
        "k": k,
        "anonymous": lacking is None,
        "note": lacking,
        "lag": {
            group: {
                # The first topic's partitions have the keys that they had before there were more.
                number if at == 0 else f"{name}:{number}": row
                for at, name in enumerate(names)
                for number, row in (
                    await lags(kafka, group, name, declared[name].partitions)
                ).items()
            }
            for group, names in topics.READ_BY.items()
        },
        "watermarks": await _permitted(_watermarks(kafka, declared["events"].partitions)),
    }
    booked = await accounts(kafka, declared["accounting"].partitions)
    found["released"] = [
        {"ingest": ingest, "site": site, **numbers}
        | {"pending": numbers["counted"] - numbers["released"] - numbers["withheld"]}
        for (ingest, site), numbers in sorted(booked.items())
    ]
    found["collected"] = _collected(settings)
    outcomes = _outcomes(settings)
    found["lines"] = outcomes if isinstance(outcomes, str) else _lines(outcomes)
    found["reasons"] = outcomes if isinstance(outcomes, str) else _reasons(outcomes)
    found["keys"] = await _keys(settings)
    return found


async def _permitted(asking: Awaitable[dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
    """Return the answer, or nothing for credentials that may not read the topic.

    The events are pseudonymous, so the operator's own credentials do not reach them.
    """
    try:
        return await asking
    except TopicAuthorizationFailedError:
        return {}


async def _watermarks(kafka: Kafka, partitions: int) -> dict[str, dict[str, str]]:
    """Return the newest event time by ingest and source, as the newest batches state it."""
    newest: dict[str, dict[str, int]] = {}
    ended: set[tuple[str, str]] = set()
    async with reader(kafka) as consumer:
        for number in range(partitions):
            partition = TopicPartition("events", number)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            start = (await consumer.beginning_offsets([partition]))[partition]
            consumer.seek(partition, max(start, end - _NEWEST))
            while await consumer.position(partition) < end:
                got = await consumer.getmany(partition, timeout_ms=1000)
                for record in got.get(partition, []):
                    header = events.decode_header(record.value)
                    marks = newest.setdefault(header.ingest, {})
                    if header.end:
                        ended.add((header.ingest, header.source))
                        marks.setdefault(header.source, 0)
                    if header.watermark is not None:
                        mark = marks.get(header.source, header.watermark)
                        marks[header.source] = max(mark, header.watermark)
    return {
        ingest: {
            source: "ended" if (ingest, source) in ended else _moment(mark)
            for source, mark in sorted(marks.items())
        }
        for ingest, marks in sorted(newest.items())
    }


def _collected(settings: Settings) -> dict[str, Any] | None:
    """Return the accounts that a collector with these settings keeps, None where there are none."""
    try:
        found = orjson.loads((settings.state_dir / ACCOUNTS).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) and "received" in found else None


def _outcomes(settings: Settings) -> list[dict[str, Any]] | str:
    """Return the vault's counts by site, source, ingest, outcome and reason, or why not."""
    try:
        require(settings.vault.url)
        found: Any = vault_status(settings.vault.url)["outcomes"]
    except PartywallError as error:
        return str(error)
    rows: list[dict[str, Any]] = found
    return rows


def _lines(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return lines in = events + rejected + ignored by site, source and ingest."""
    table: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in outcomes:
        key = (row["site"], row["source"], row["ingest"])
        counts = table.setdefault(key, {"in": 0, "event": 0, "rejected": 0, "ignored": 0})
        counts[row["outcome"]] += row["records"]
        counts["in"] += row["records"]
    return [
        {"site": site, "source": source, "ingest": ingest, "in": c["in"], "events": c["event"]}
        | {"rejected": c["rejected"], "ignored": c["ignored"]}
        for (site, source, ingest), c in sorted(table.items())
    ]


def _reasons(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return by site why lines are no events: rejects first, and the commonest reason."""
    lines: Counter[tuple[str, str, str]] = Counter()
    for row in outcomes:
        if row["reason"] is not None:
            lines[row["site"], row["outcome"], row["reason"]] += row["records"]
    return [
        {"site": site, "outcome": outcome, "reason": reason, "lines": count}
        for (site, outcome, reason), count in sorted(
            lines.items(), key=lambda item: (item[0][0], item[0][1] != "rejected", -item[1])
        )
    ]


async def _keys(settings: Settings) -> dict[str, Any] | str:
    try:
        token = settings.keys.token_file.read_text(encoding="utf-8").strip()
        async with KeyClient(settings.keys.url, token, system_clock, Patience(1)) as client:
            return await client.status()
    except (PartywallError, OSError) as error:
        return f"the key service cannot be asked: {error}"


def _show(found: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(found["note"] or f"k = {found['k']}")
    lag = _table("stage", "topic", "read", "of", "lag")
    for group, rows in found["lag"].items():
        for at, name in enumerate(topics.READ_BY[group]):
            mine = [
                r for key, r in rows.items() if (str(key).partition(":")[0] == name) == (at > 0)
            ]
            done, end = (sum(row[figure] for row in mine) for figure in ("committed", "end"))
            lag.add_row(group, name, f"{done:,}", f"{end:,}", f"{end - done:,}")
    console.print(lag)
    for ingest, marks in found["watermarks"].items():
        console.print(f"watermarks of {ingest}: " + ", ".join(f"{s} {m}" for s, m in marks.items()))
    _show_collected(console, found["collected"])
    if isinstance(found["lines"], str):
        console.print(found["lines"])
    else:
        outcomes = ("in", "events", "rejected", "ignored")
        _print(console, _table("site", "source", "ingest", *outcomes, rows=found["lines"]))
        _print(console, _table("site", "outcome", "reason", "lines", rows=found["reasons"]))
    hits = ("counted", "released", "withheld", "pending")
    _print(console, _table("site", "ingest", *hits, rows=found["released"]))
    _show_keys(console, found["keys"])


def _show_keys(console: Console, keys: dict[str, Any] | str) -> None:
    if isinstance(keys, str):
        console.print(keys)
        return
    alive = _table("key", "ingest", "day", "until")
    for entry in keys.get("keys", []):
        day = _moment(int(entry["day"]) * 86400)[:10]
        until = entry["until"]
        ends = f"its hold {entry['hold']} is released" if until is None else _moment(until)
        alive.add_row(entry["kind"], entry["ingest"] or "", day, ends)
    _print(console, alive)
    if keys.get("overdue"):
        console.print(
            f"ALARM: {counted(int(keys['overdue']), 'key is', 'keys are')} overdue: "
            "`partywall doctor` says what to do"
        )


def _show_collected(console: Console, found: dict[str, Any] | None) -> None:
    if found is None:
        return
    console.print(
        f"collected since {_moment(found['since'])}: {found['received']:,} requests, "
        f"{found['in_flight']:,} of them not answered yet"
    )
    requests = _table("site", "outcome", "requests")
    for row in found["sites"]:
        requests.add_row(row["site"] or "(unknown)", row["outcome"], f"{row['requests']:,}")
    _print(console, requests)
    _print(console, _table("topic", "site", "outcome", "lines", rows=found["lines"]))


def _table(*names: str, rows: Sequence[Mapping[str, object]] = ()) -> Table:
    """Return a table with these heads, and of each row what it has under them."""
    table = Table(box=None, header_style="bold")
    for name in names:
        table.add_column(name, justify="left" if name in _WORDS else "right")
    for row in rows:
        table.add_row(*(str(row[name]) for name in names))
    return table


def _print(console: Console, table: Table) -> None:
    """Print a table, or nothing where it has no rows: heads alone say nothing."""
    if table.row_count:
        console.print(table)


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
