"""``partywall topics``: the declared topics, and making the broker's like them."""

from __future__ import annotations

import asyncio
from typing import Final

import typer
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console
from rich.table import Table

from pipeline import policy
from pipeline import settings as tree
from pipeline.cli.options import Config
from pipeline.errors import UnavailableError
from pipeline.kafka import client
from pipeline.kafka import topics as declared_topics
from pipeline.settings import Settings

_PATIENCE: Final = 60.0
"""Seconds for a broker to come up: this is run beside one that has only just been started."""

topics = typer.Typer(help="The declared topics.", no_args_is_help=True)


@topics.command("list")
def show(config: Config = None) -> None:
    """List the topics, their tiers, and who may read and write them."""
    made = policy.load(tree.load(config).policy)
    table = Table(box=None, header_style="bold")
    for name in ("topic", "tier", "partitions", "hours", "written by", "read by"):
        table.add_column(name)
    for topic in declared_topics.declared(made.current.retention).values():
        hours = "" if topic.retention_hours is None else str(topic.retention_hours)
        table.add_row(
            topic.name,
            topic.tier,
            str(topic.partitions),
            hours,
            ", ".join(topic.writers),
            ", ".join(topic.readers),
        )
    Console().print(table)


@topics.command()
def apply(config: Config = None) -> None:
    """Create the topics that are missing; exit 1 where others differ, and say how to mend them."""
    if asyncio.run(_apply(tree.load(config))):
        raise typer.Exit(1)


async def _apply(settings: Settings) -> bool:
    """Return whether differences stay: to change a topic that is in use is a person's decision."""
    console = Console(highlight=False)
    made = policy.load(settings.policy)
    wanted = list(declared_topics.declared(made.current.retention).values())
    kafka = settings.kafka
    try:
        admin = await client.started(
            lambda: client.admin(kafka), AIOKafkaAdminClient.start, _PATIENCE, kafka.bootstrap
        )
    except UnavailableError as error:
        raise UnavailableError(
            f"{error}; the embedded group of `partywall up` makes its own topics"
        ) from None
    try:
        created = await declared_topics.create(admin, wanted, settings.kafka.replication)
        for name in created:
            console.print(f"created {name}")
        await declared_topics.seen(admin, created)
        differing = await declared_topics.differences(admin, wanted)
        for difference in differing:
            console.print(difference.say, markup=False, soft_wrap=True)
        return bool(differing)
    finally:
        await admin.close()
