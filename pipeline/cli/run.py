"""``partywall run``: one stage as a process."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipeline import settings as tree
from pipeline.apps import STAGES
from pipeline.cli.options import Config
from pipeline.errors import SettingsError


def run(
    stages: Annotated[list[str], typer.Argument(help=", ".join(STAGES))],
    config: Config = None,
    sealing: Annotated[bool, typer.Option("--sealing/--no-sealing", hidden=True)] = True,
) -> None:
    """Run one stage (or several of one tier) against a real Kafka and ClickHouse."""
    unknown = [name for name in stages if name not in STAGES]
    if unknown:
        raise SettingsError(f"no stage is called {unknown[0]}: choose from {', '.join(STAGES)}")
    from pipeline.apps import stage  # noqa: PLC0415 -- brings the streams

    sys.exit(stage.main(stages, tree.load(config), sealing=sealing))
