"""``partywall``: the verbs, their options, and how errors reach a person."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version  # noqa: TID251 -- reads a version, imports nothing by name
from typing import Annotated

import typer

from pipeline import logs
from pipeline import settings as tree
from pipeline.apps import STAGES
from pipeline.cli.audit import audit
from pipeline.cli.bench import bench
from pipeline.cli.bench_vault import bench_vault
from pipeline.cli.case_records import case
from pipeline.cli.demo import demo
from pipeline.cli.demo_investigation import demo_investigation
from pipeline.cli.doctor import doctor
from pipeline.cli.dsr import dsr
from pipeline.cli.evidence import evidence
from pipeline.cli.formats import formats, try_
from pipeline.cli.hold import hold
from pipeline.cli.keys import keys
from pipeline.cli.options import Config
from pipeline.cli.query import query
from pipeline.cli.report import report
from pipeline.cli.scrub import scrub
from pipeline.cli.ship import ship
from pipeline.cli.simulate import simulate
from pipeline.cli.status import status
from pipeline.cli.topics import topics
from pipeline.cli.up import up
from pipeline.cli.vault import vault
from pipeline.errors import PartywallError, SettingsError

app = typer.Typer(
    name="partywall",
    help="Logs in; anonymous statistics on one side of the wall, a sealed vault on the other.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:  # noqa: FBT001 -- Typer calls it with the option's value
    if wanted:
        sys.stdout.write(f"partywall {version('partywall')}\n")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    """Logs in; anonymous statistics on one side of the wall, a sealed vault on the other."""


@app.command()
def run(
    stages: Annotated[list[str], typer.Argument(help=", ".join(STAGES))],
    config: Config = None,
    sealing: Annotated[bool, typer.Option("--sealing/--no-sealing", hidden=True)] = True,
) -> None:
    """Run one stage (or several of one tier) against a real Kafka and ClickHouse."""
    from pipeline.apps import stage  # noqa: PLC0415

    unknown = [name for name in stages if name not in STAGES]
    if unknown:
        raise SettingsError(f"no stage is called {unknown[0]}: choose from {', '.join(STAGES)}")
    sys.exit(stage.main(stages, tree.load(config), sealing=sealing))


for verb in (report, demo, ship, simulate, formats, up, query, status, doctor, bench):
    app.command()(verb)
app.command("try")(try_)
app.command("bench-vault")(bench_vault)
app.command("demo-investigation")(demo_investigation)
app.add_typer(case, name="case")
app.add_typer(hold, name="hold")
app.add_typer(dsr, name="dsr")
app.add_typer(keys, name="keys")
app.add_typer(vault, name="vault")
app.add_typer(evidence, name="evidence")
app.add_typer(audit, name="audit")
app.add_typer(topics, name="topics")
app.add_typer(scrub, name="scrub")


def main() -> None:
    """Run the command line; our errors are one line on standard error and an exit code."""
    logs.setup("error", json_lines=False)
    try:
        # Without its own mode Typer returns the code of a `typer.Exit`, and None from a verb.
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.Abort:
        sys.exit(130)
    except typer.BadParameter as error:
        _fail(_usage(error.format_message(), error), 2)
    except PartywallError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 -- a click usage error, or a fault of ours
        show = getattr(error, "format_message", None)
        if show is not None:
            _fail(_usage(show(), error), 2)
        _fail(
            f"a fault of ours: {logs.describe(error)}; nothing of your logs is in this message", 70
        )


def _usage(said: str, error: Exception) -> str:
    """Return a mistake in what was typed, and where its verb's options stand."""
    path = getattr(getattr(error, "ctx", None), "command_path", "partywall")
    return f"{said.removesuffix('.')}. See `{path} --help`." if said else ""


def _fail(message: str, code: int) -> None:
    if message:  # a verb without its subcommand has shown its help instead
        sys.stderr.write(f"partywall: {' '.join(message.split())}\n")
    sys.exit(code)
