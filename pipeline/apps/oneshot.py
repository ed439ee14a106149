"""The whole way for a few files, once: what ``partywall report`` and the demonstration run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipeline.apps import ship
from pipeline.apps.embedded import Group
from pipeline.clickhouse import remote
from pipeline.clock import Clock
from pipeline.errors import UnavailableError
from pipeline.kafka import topics
from pipeline.kafka.reading import accounts, lags
from pipeline.keys.client import KeyClient
from pipeline.policy import Policy
from pipeline.policy import load as load_policy
from pipeline.report import asked
from pipeline.report.collect import collect
from pipeline.report.model import Account, Report
from pipeline.settings import Settings, Split, goals_of, windows_of
from pipeline.shipping.ship import Progress
from pipeline.vault.status import vault_status

_LOOK_AGAIN: Final = 0.1
_STUCK_SECONDS: Final = 180.0
Tell = Callable[[str, Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. ``sections`` are those of a page, where one was wanted."""

    report: Report
    account: Account
    sections: tuple[asked.Section, ...] = ()


async def run(
    group: Group,
    plans: list[ship.Plan],
    policy: Policy,
    clock: Clock,
    *,
    k: int,
    tell: Tell = lambda _name, _progress: None,
    page: bool = False,
) -> Outcome:
    """Ship the plans through a started group, wait until all is released and sealed, and collect.

    Raises InputError where an input is damaged, UnavailableError where a stage has failed.
    """
    own = group.settings.get("split", {}).get("formats", {})
    settings = Settings(
        kafka=group.kafka(), policy=group.settings.get("policy"), split=Split(formats=own)
    )
    before = records(group.folder)
    shipped = await ship.ship(plans, settings, clock, remember=None, end=True, tell=tell)
    if shipped.damaged is not None:
        raise shipped.damaged
    declared = topics.declared(policy.current.retention)
    ingest = plans[0].tags.ingest
    await finished(group, ingest, declared["cells"].partitions)
    await sealed(group, before + shipped.lines)
    await _destroy_keys(group, ingest, clock)
    query = partial(remote.query, group.engine)
    zone = windows_of(group.settings.get("windows") or {}).zone
    report = replace(await asyncio.to_thread(collect, query, ingest), zone=zone)
    account = await _account(group, declared["accounting"].partitions, ingest, k, policy)
    goals = goals_of(group.settings.get("goals", {}))
    desk = asked.desk_for(query, report, k, policy.current.crossings, goals)
    report = replace(report, visits=await asyncio.to_thread(asked.visits, desk, report))
    if not page or report.period is None:
        return Outcome(report, account)
    sections = await asyncio.to_thread(lambda: tuple(asked.sections(desk, report)))
    return Outcome(report, account, sections)


async def _destroy_keys(group: Group, ingest: str, clock: Clock) -> None:
    """All of the ingest has crossed: nobody needs to know its visitors again."""
    keys = (group.folder / "keys").resolve()
    token = (keys / "split.token").read_text(encoding="utf-8").strip()
    async with KeyClient(f"unix://{keys / 'service.sock'}", token, clock) as client:
        await client.end_ingest(ingest)


async def finished(group: Group, ingest: str, origins: int) -> None:
    """Wait until every release partition has said its last of the ingest."""
    text = f"SELECT uniqExact(origin) AS n FROM analytics.ingests WHERE ingest = '{ingest}'"  # noqa: S608 -- a label of closed shape

    async def done() -> bool:
        rows = await asyncio.to_thread(remote.query, group.engine, text)
        return int(str(rows[0]["n"])) >= origins

    await _wait(group, done)


async def sealed(group: Group, expected: int) -> None:
    """Wait until the vault holds every line."""

    async def done() -> bool:
        return await asyncio.to_thread(records, group.folder) >= expected

    await _wait(group, done)


async def _wait(group: Group, done: Callable[[], Any]) -> None:
    """Wait as long as some stage gets on; raises UnavailableError where none does for minutes."""
    loop = asyncio.get_running_loop()
    look = loop.time() + _STUCK_SECONDS
    reached = -1
    while not await done():
        if group.failed.is_set():
            raise UnavailableError(group.reason)
        if loop.time() > look:
            before, reached = reached, await _committed(group)
            if reached == before:
                raise UnavailableError(f"no progress for minutes: see {group.folder}/log")
            look = loop.time() + _STUCK_SECONDS
        await asyncio.sleep(_LOOK_AGAIN)


async def _committed(group: Group) -> int:
    """Return a number that grows as any stage gets on."""
    declared = topics.declared(load_policy(group.settings.get("policy")).current.retention)
    total = 0
    for stage, names in topics.READ_BY.items():
        for topic in names:
            found = await lags(group.kafka(), stage, topic, declared[topic].partitions)
            total += sum(row["committed"] for row in found.values())
    return total


def records(folder: Path) -> int:
    """Return how many records the group's vault holds."""
    return int(str(vault_status(str(folder / "vault"))["records"]))


async def _account(group: Group, partitions: int, ingest: str, k: int, policy: Policy) -> Account:
    status = await asyncio.to_thread(vault_status, str(group.folder / "vault"))
    rows = status["outcomes"]
    mine = [row for row in rows if row["ingest"] == ingest] if isinstance(rows, list) else []
    counts = dict.fromkeys(("event", "rejected", "ignored"), 0)
    reasons: dict[str, int] = {}
    for row in mine:
        counts[row["outcome"]] += row["records"]
        if row["outcome"] == "rejected":
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["records"]
    booked = await accounts(group.kafka(), partitions)
    return Account(
        lines=sum(counts.values()),
        events=counts["event"],
        rejected=counts["rejected"],
        ignored=counts["ignored"],
        withheld_hits=sum(a["withheld"] for (i, _), a in booked.items() if i == ingest),
        records=sum(row["records"] for row in mine),
        segments=int(str(status["segments"])),
        k=k,
        promised=policy.current.k,
        reasons=reasons,
    )
