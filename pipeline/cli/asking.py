"""Lends a way to ask the released tables to verbs that ask more than once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline import policy
from pipeline.apps.engine import engine
from pipeline.cli.kept import terms
from pipeline.cli.place import DEFAULT, Place
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn, Reader
from pipeline.errors import UsageError
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
        if self.folder is None:
            where = engine(self.settings.clickhouse)
        else:
            place = Place.find(self.folder)
            if place is not None:
                yield partial(remote.query, place.engine)
                return
            where = Engine(path=self.folder / "clickhouse")
            if not (self.folder / "clickhouse").is_dir():
                raise UsageError(
                    f"there is no engine in {self.folder}: name the folder of `partywall up` or of "
                    "`partywall report --data` with --data"
                )
        with contextlib.closing(Reader.open(where)) as reader:
            yield reader.rows


def asked(settings: Settings, data: Path | None) -> Asked:
    """Return whom to ask: the folder ``data``, else the server of the settings, else ``data``."""
    folder = None if data is None and settings.clickhouse.url is not None else data or DEFAULT
    if folder is not None:
        settings = terms(settings, folder)
    made = policy.load(settings.policy)
    k = policy.k_in_force(made, settings.k, lower=True)
    state = settings.state_dir if folder is None else folder / "state"
    return Asked(settings, folder, k, policy.shortfall(k, made.current.k), state)
