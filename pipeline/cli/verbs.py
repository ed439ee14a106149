"""The verbs by name: what the list of commands says of each, and where each is loaded from.

A verb's module is imported once it is typed: some bring Polars, an engine or a broker's client, and
most of what people type needs none of them. The sentences stand here so that the list loads no verb
either; a test compares them with what each verb says of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from typer._click import Command, Context  # Typer's own, which it lends under no public name

Part = typer.Typer | Callable[..., None]
"""A verb with subcommands of its own, or one without."""


def _run() -> Part:
    from pipeline.cli.run import run

    return run


def _report() -> Part:
    from pipeline.cli.report import report

    return report


def _demo() -> Part:
    from pipeline.cli.demo import demo

    return demo


def _ship() -> Part:
    from pipeline.cli.ship import ship

    return ship


def _simulate() -> Part:
    from pipeline.cli.simulate import simulate

    return simulate


def _formats() -> Part:
    from pipeline.cli.formats import formats

    return formats


def _up() -> Part:
    from pipeline.cli.up import up

    return up


def _query() -> Part:
    from pipeline.cli.query import query

    return query


def _digest() -> Part:
    from pipeline.cli.digest import digest

    return digest


def _alerts() -> Part:
    from pipeline.cli.alerts import alerts

    return alerts


def _attack() -> Part:
    from pipeline.cli.attack import attack

    return attack


def _status() -> Part:
    from pipeline.cli.status import status

    return status


def _doctor() -> Part:
    from pipeline.cli.doctor import doctor

    return doctor


def _bench() -> Part:
    from pipeline.cli.bench import bench

    return bench


def _try() -> Part:
    from pipeline.cli.formats import try_

    return try_


def _bench_vault() -> Part:
    from pipeline.cli.bench_vault import bench_vault

    return bench_vault


def _bench_memory() -> Part:
    from pipeline.cli.bench_memory import bench_memory

    return bench_memory


def _bench_loss() -> Part:
    from pipeline.cli.bench_loss import bench_loss

    return bench_loss


def _bench_queries() -> Part:
    from pipeline.cli.bench_queries import bench_queries

    return bench_queries


def _demo_investigation() -> Part:
    from pipeline.cli.demo_investigation import demo_investigation

    return demo_investigation


def _case() -> Part:
    from pipeline.cli.case_records import case

    return case


def _hold() -> Part:
    from pipeline.cli.hold import hold

    return hold


def _dsr() -> Part:
    from pipeline.cli.dsr import dsr

    return dsr


def _keys() -> Part:
    from pipeline.cli.keys import keys

    return keys


def _vault() -> Part:
    from pipeline.cli.vault import vault

    return vault


def _evidence() -> Part:
    from pipeline.cli.evidence import evidence

    return evidence


def _audit() -> Part:
    from pipeline.cli.audit import audit

    return audit


def _topics() -> Part:
    from pipeline.cli.topics import topics

    return topics


def _scrub() -> Part:
    from pipeline.cli.scrub import scrub

    return scrub


@dataclass(frozen=True, slots=True)
class Verb:
    """What is said of a verb in the list of commands, and how it is loaded."""

    says: str
    load: Callable[[], Part]


VERBS: Final = {
    "run": Verb(
        "Run one stage (or several of one tier) against a real Kafka and ClickHouse.", _run
    ),
    "report": Verb(
        "Say what an analyst wants to know of FILEs, without the personal data in them.", _report
    ),
    "demo": Verb(
        "Simulate a shop and its chat widget, run every stage, and look for every planted person.",
        _demo,
    ),
    "ship": Verb("Ship logs into Kafka; run twice, it ships nothing twice.", _ship),
    "simulate": Verb(
        "Write logs of simulated sites and their chat widgets, and truth.json with every count.",
        _simulate,
    ),
    "formats": Verb("List the log formats that are read, or show the page of one.", _formats),
    "up": Verb(
        "Run broker, key service, every stage and the engine here, and print where they listen.",
        _up,
    ),
    "query": Verb("Ask the released tables; nothing can be changed this way.", _query),
    "digest": Verb(
        "Tell a site's week beside the week before; print it, or send it by mail and webhook.",
        _digest,
    ),
    "alerts": Verb(
        "Say what is unusual on each site's newest closed day; exit 1 where something is.", _alerts
    ),
    "attack": Verb(
        "Try to work a person out of the released tables; exit 1 where a number gives one away.",
        _attack,
    ),
    "status": Verb(
        "Show lag, watermarks, accounts per site and source, keys alive, and what is withheld.",
        _status,
    ),
    "doctor": Verb(
        "Check settings, reachability, permissions, clock, keys and topics; exit 1 on a problem.",
        _doctor,
    ),
    "bench": Verb(
        "Time the whole way on generated lines; check every cell against plain Python first.",
        _bench,
    ),
    "try": Verb(
        "Show what a format finds in a file's first lines, and what is done with it; no values.",
        _try,
    ),
    "bench-vault": Verb(
        "Make a day of records in the vault, look addresses up, cold, in it and in ninety of them.",
        _bench_vault,
    ),
    "bench-loss": Verb(
        "Simulate a day of sites of several sizes; share of the hits that is not told, and why.",
        _bench_loss,
    ),
    "bench-memory": Verb(
        "Give the release a simulated day; memory while it is open, and when it closes.",
        _bench_memory,
    ),
    "bench-queries": Verb(
        "Fill the embedded engine with a year of cells, and time each question of a dashboard.",
        _bench_queries,
    ),
    "demo-investigation": Verb(
        "Simulate abuse and investigate it: a case, a second person, a search, evidence, the end.",
        _demo_investigation,
    ),
    "case": Verb("Cases: who may look at raw records, why, and for how long.", _case),
    "hold": Verb("Legal holds.", _hold),
    "dsr": Verb("Data subject requests.", _dsr),
    "keys": Verb("Keys: what lives until when, and receipts of what does not.", _keys),
    "vault": Verb("The sealed store.", _vault),
    "evidence": Verb("Bundles of evidence.", _evidence),
    "audit": Verb("The record of who did what.", _audit),
    "topics": Verb("The declared topics.", _topics),
    "scrub": Verb("Scrubbing rules.", _scrub),
}
"""In the order of the list."""


OWN_PROCESS: Final = "own process"
"""What the context holds where the command is a process and not called within one."""


class Verbs(TyperGroup):
    """The command: its list holds names and sentences; a verb takes its place once it is typed."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 -- Typer's, passed on
        super().__init__(**attributes)
        for name, verb in VERBS.items():
            self.add_command(TyperCommand(name=name, help=verb.says))

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the verb that was typed, and load it; logs are set up before anything can log.

        Only in a process of the command's own: who calls it within another has logs already.
        """
        name, listed, rest = super().resolve_command(ctx, args)
        if listed is None:
            return name, listed, rest
        if ctx.obj is OWN_PROCESS:
            from pipeline import logs

            logs.setup("error", json_lines=False)
        return name, load(str(listed.name)), rest


def load(name: str) -> Command:
    """Return a verb, made from its module."""
    part, outer = VERBS[name].load(), typer.Typer()
    if isinstance(part, typer.Typer):
        outer.add_typer(part, name=name)
    else:
        outer.command(name)(part)
    return get_group(outer).commands[name]
