"""Whom verbs ask the released tables: a data folder, or the server of the settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline import policy as policies
from pipeline import settings as tree
from pipeline.apps.engine import engine
from pipeline.cli.k_told import note_k
from pipeline.cli.kept import terms
from pipeline.cli.place import DEFAULT, Place
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn, Reader
from pipeline.errors import UsageError
from pipeline.policy import Policy
from pipeline.settings import Settings
from pipeline.zones import Zones


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a verb asks, and the k that the numbers there were released under.

    ``folder`` is None for the server of the settings; ``zones`` say by whose clock its windows are.
    """

    settings: Settings
    folder: Path | None
    policy: Policy
    k: int
    zones: Zones

    @property
    def lacking(self) -> str | None:
        """What the numbers lack of what the policy promises."""
        return policies.shortfall(self.k, self.policy.current.k)

    @property
    def state(self) -> Path:
        """Where a verb keeps its own."""
        return self.settings.state_dir if self.folder is None else self.folder / "state"

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
            if not (self.folder / "clickhouse").is_dir():
                raise UsageError(
                    f"there is no engine in {self.folder}: name the folder of `partywall up` or "
                    "of `partywall report --data` with --data"
                )
            where = Engine(path=self.folder / "clickhouse")
        with contextlib.closing(Reader.open(where)) as reader:
            yield reader.rows


def asked(settings: Settings, data: Path | None) -> Asked:
    """Return whom to ask: the folder ``data``, else the server of the settings, else the usual.

    Raises SettingsError, for a zone that there is not too.
    """
    folder = None if data is None and settings.clickhouse.url is not None else data or DEFAULT
    if folder is not None:
        settings = terms(settings, folder)
    made = policies.load(settings.policy)
    k = policies.k_in_force(made, settings.k, lower=True)
    zones = settings.windows.clocks()
    return Asked(settings, folder, made, k, zones)


@contextlib.contextmanager
def asking(data: Path | None, config: Path | None) -> Iterator[tuple[Asked, QueryFn]]:
    """Lend what answers with whom it is asked of, and say where k is too low.

    Raises as ``Asked.reading`` does.
    """
    whom = asked(tree.load(config), data)
    with whom.reading() as run:
        yield whom, run
        note_k(whom.policy, whom.k)
