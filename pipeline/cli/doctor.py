"""``partywall doctor``: looks at everything a stage needs; each finding says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.markup import escape

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps.engine import engine
from pipeline.cli import clocks
from pipeline.cli.cases_told import counted
from pipeline.cli.findings import Finding
from pipeline.cli.kept import embedded
from pipeline.cli.options import Config, Json
from pipeline.clickhouse.client import connect, taming
from pipeline.clock import system_clock
from pipeline.errors import PartywallError, UnavailableError
from pipeline.kafka import client, topics
from pipeline.keys.client import KeyClient, Patience
from pipeline.settings import Keys, Settings
from pipeline.vault.status import require, vault_status

_FREE_BYTES: Final = 2**30


def doctor(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="the folder of `partywall up`")
    ] = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Check settings, reachability, permissions, clock, keys and topics; exit 1 on a problem."""
    settings = tree.load(config)
    if data is not None:
        settings = embedded(settings, data)
    findings = asyncio.run(_examine(settings, embedded_engine=data is not None))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([asdict(f) for f in findings]) + b"\n")
    else:
        console = Console(highlight=False, soft_wrap=True)
        colours = {"ok": "green", "warning": "yellow", "problem": "red"}
        for finding in findings:
            mark = f"[{colours[finding.state]}]{finding.state:8}[/]"
            console.print(f"{mark} {finding.about:12} {escape(finding.say)}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


async def _examine(settings: Settings, *, embedded_engine: bool) -> list[Finding]:
    settings.windows.clocks()
    findings = [Finding("settings", "ok", "read and understood")]
    findings += [finding async for finding in _kafka(settings, own_broker=embedded_engine)]
    findings += [finding async for finding in _keys(settings)]
    findings += _vault(settings)
    findings += [] if embedded_engine else _clickhouse(settings)
    findings += _cases(settings)
    findings += _databases(settings)
    findings += _anonymity(settings)
    if not any(finding.about == "clock" for finding in findings):
        say = "nobody who answers here tells the time: compare it with the other machines yourself"
        findings.append(Finding("clock", "warning", say))
    return findings


async def _kafka(settings: Settings, *, own_broker: bool) -> AsyncIterator[Finding]:
    made = policy.load(settings.policy)
    declared = list(topics.declared(made.current.retention).values())
    try:
        admin = await client.started(
            lambda: client.admin(settings.kafka), AIOKafkaAdminClient.start, 3
        )
    except PartywallError as error:
        yield Finding("kafka", "problem", f"{error}: check kafka.bootstrap and that it runs")
        return
    try:
        yield Finding("kafka", "ok", f"answers at {settings.kafka.bootstrap}")
        differences = await topics.differences(admin, declared)
        for one in differences:
            yield Finding("topics", "problem" if one.grave else "warning", one.say)
        if not differences:
            yield Finding("topics", "ok", f"{len(declared)} topics are as declared")
    except Exception as error:  # noqa: BLE001 -- a broker may lack what we ask for
        yield Finding("topics", "warning", f"cannot be described here ({type(error).__name__})")
    else:
        if not own_broker:  # that one is on this machine, and cannot look records up by time
            names = [topic.name for topic in declared]
            yield await clocks.of_records(settings.kafka, admin, names, _now())
    finally:
        await admin.close()


def _key_files(keys: Keys) -> list[tuple[str, Path]]:
    """Return the files of the key service, by the settings that name them."""
    named = [
        ("token_file", keys.token_file),
        ("investigations_token_file", keys.investigations_token_file),
        ("kek_file", keys.kek_file),
        ("signing_key", keys.signing_key),
    ]
    return named if "://" in keys.store else [*named, ("store", Path(keys.store))]


async def _keys(settings: Settings) -> AsyncIterator[Finding]:
    keys = settings.keys
    for name, path in _key_files(keys):
        if path.exists() and _is_open(path):
            yield Finding(
                "permissions", "problem", f"others may read keys.{name} {path}: chmod 600"
            )
    try:
        token = keys.token_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        yield Finding("keys", "problem", f"keys.token_file {keys.token_file}: {error.strerror}")
        return
    try:
        async with KeyClient(keys.url, token, system_clock, Patience(1)) as service:
            answer = await service.status()
    except PartywallError as error:
        yield Finding("keys", "problem", f"{error}: start it with `partywall run keys`")
        return
    alive = answer.get("keys")
    count = len(alive) if isinstance(alive, list) else 0
    yield Finding("keys", "ok", f"the service answers; {count} keys are alive")
    theirs = answer.get("now")
    if isinstance(theirs, int):
        yield clocks.compared("the key service", theirs, _now())
    overdue = answer.get("overdue")
    if isinstance(overdue, int) and overdue:
        yield Finding(
            "keys",
            "problem",
            f"{counted(overdue, 'key is', 'keys are')} overdue: see what keeps `run keys` "
            "from destroying what is due, then `partywall keys expire`",
        )


def _vault(settings: Settings) -> list[Finding]:
    try:
        require(settings.vault.url)
    except UnavailableError as error:
        return [Finding("vault", "warning", str(error))]
    try:
        found = vault_status(settings.vault.url)
    except PartywallError as error:
        return [Finding("vault", "problem", str(error))]
    findings = [
        Finding("vault", "ok", f"{found['records']} records in {found['segments']} segments")
        if found["partitions"]
        else Finding("vault", "warning", f"nothing was ever sealed at {settings.vault.url}")
    ]
    if found["missing"]:
        findings.append(
            Finding("vault", "problem", f"{found['missing']} named files are missing: restore them")
        )
    folder = Path(settings.vault.url)
    if folder.is_dir():
        if _is_open(folder):
            findings.append(
                Finding("permissions", "problem", f"others may read {folder}: chmod 700")
            )
        if not os.access(folder, os.W_OK):
            findings.append(Finding("permissions", "problem", f"{folder} cannot be written"))
        if shutil.disk_usage(folder).free < _FREE_BYTES:
            findings.append(Finding("disk", "warning", f"less than 1 GiB is free at {folder}"))
    return findings


def _clickhouse(settings: Settings) -> list[Finding]:
    if settings.clickhouse.url is None:
        say = "clickhouse.url is not set: load uses the engine in process, for trials"
        return [Finding("clickhouse", "warning", say)]
    try:
        with (
            contextlib.closing(connect(engine(settings.clickhouse), read_only=True)) as asking,
            taming("asking for the time"),
        ):
            theirs = int(str(asking.command("SELECT toUnixTimestamp(now())")))
    except UnavailableError as error:
        return [Finding("clickhouse", "problem", f"{error}: check clickhouse.url and that it runs")]
    except PartywallError as error:
        return [Finding("clickhouse", "problem", str(error))]
    return [
        Finding("clickhouse", "ok", "answers"),
        clocks.compared("ClickHouse", theirs, _now()),
    ]


def _cases(settings: Settings) -> list[Finding]:
    """Look at the case store, where it can be reached from here at all."""
    own = settings.investigations
    if "://" not in own.store and not os.access(own.store, os.R_OK | os.W_OK):
        return []
    from pipeline.cases.purging import overdue  # noqa: PLC0415 -- brings databases
    from pipeline.cases.reading import Reading  # noqa: PLC0415
    from pipeline.database import Database  # noqa: PLC0415

    try:
        days = policy.load(settings.policy).current.investigations.purge_days
        database = Database(own.store, "case store", own.store_password_file)
        with contextlib.closing(database), database.reading() as connection:
            count = overdue(Reading(connection, None), days, _now())
    except PartywallError as error:
        return [Finding("cases", "problem", str(error))]
    if count:
        say = (
            f"{count} cases are overdue: see what keeps `run investigations` from purging them; in "
            "a folder of `up`, `partywall case list` does it"
        )
        return [Finding("cases", "problem", say)]
    return [Finding("cases", "ok", f"none is there longer than {days} days after its end")]


def _databases(settings: Settings) -> list[Finding]:
    return [
        Finding("databases", "problem", f"split.{name} {path}: no such file")
        for name, path in (
            ("mmdb_country", settings.split.mmdb_country),
            ("mmdb_asn", settings.split.mmdb_asn),
            ("datacentres", settings.split.datacentres),
        )
        if path is not None and not path.is_file()
    ]


def _anonymity(settings: Settings) -> list[Finding]:
    try:
        made = policy.load(settings.policy)
        k = policy.k_in_force(made, settings.k, lower=settings.lower_k)
    except PartywallError as error:
        return [Finding("anonymity", "problem", str(error))]
    lacking = policy.shortfall(k, made.current.k)
    if lacking is not None:
        return [Finding("anonymity", "warning", lacking)]
    return [Finding("anonymity", "ok", f"each released number stands for {k} visitors or more")]


def _now() -> int:
    return int(system_clock().timestamp())


def _is_open(path: Path) -> bool:
    """Tell whether others may read what is ours to close: a mounted secret is another's."""
    status = path.stat()
    ours = os.geteuid() in {0, status.st_uid}
    return ours and bool(stat.S_IMODE(status.st_mode) & 0o077)
