"""Lends a way to ask the released tables to verbs that ask more than once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import policy
from pipeline.cli.asked import lent
from pipeline.cli.kept import terms
from pipeline.cli.place import DEFAULT
from pipeline.clickhouse.queries import QueryFn
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a verb asks, and the k that the numbers there were released under.

    ``lacking``: what it lacks of what the policy promises. ``state`` is where a verb keeps its own.
    """

    settings: Settings
    folder: Path | None
    k: int
    lacking: str | None
    state: Path

    @contextlib.contextmanager
    def reading(self) -> Iterator[QueryFn]:
        """Lend what answers; raises UsageError where there is no engine, UnavailableError."""
        with lent(self.settings, self.folder) as run:
            yield run


def asked(settings: Settings, data: Path | None) -> Asked:
    """Return whom to ask: the folder ``data``, else the server of the settings, else ``data``."""
    folder = None if data is None and settings.clickhouse.url is not None else data or DEFAULT
    if folder is not None:
        settings = terms(settings, folder)
    made = policy.load(settings.policy)
    k = policy.k_in_force(made, settings.k, lower=True)
    state = settings.state_dir if folder is None else folder / "state"
    return Asked(settings, folder, k, policy.shortfall(k, made.current.k), state)
