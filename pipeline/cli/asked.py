"""Whoever owns the engine, as something to ask: for `partywall query` and `attack`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps.engine import engine
from pipeline.cli.k_told import note_k
from pipeline.cli.kept import terms
from pipeline.cli.place import DEFAULT, Place
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn, Reader
from pipeline.errors import UsageError
from pipeline.settings import Goals, Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What answers, the k its numbers were released under, how long they are kept, which pairs.

    ``goals`` are those of the settings, by site and name.
    """

    run: QueryFn
    k: int
    retention_days: int
    crossings: policy.Crossings
    goals: Goals


@contextlib.contextmanager
def asking(data: Path | None, config: Path | None) -> Iterator[Asked]:
    """Open what answers for a data folder or for the settings, and say where k is too low."""
    settings = tree.load(config)
    folder = None if data is None and settings.clickhouse.url is not None else data or DEFAULT
    if folder is not None:
        settings = terms(settings, folder)
    with lent(settings, folder) as run:
        made = policy.load(settings.policy)
        k = policy.k_in_force(made, settings.k, lower=True)
        current = made.current
        yield Asked(run, k, current.retention.rollups_days, current.crossings, settings.goals)
        note_k(made, k)


@contextlib.contextmanager
def lent(settings: Settings, folder: Path | None) -> Iterator[QueryFn]:
    """Lend what answers for a data folder, or for the server of the settings where it is None.

    Raises UsageError where there is no engine in the folder, UnavailableError where none answers.
    """
    if folder is None:
        where = engine(settings.clickhouse)
    else:
        place = Place.find(folder)
        if place is not None:
            yield partial(remote.query, place.engine)
            return
        if not (folder / "clickhouse").is_dir():
            raise UsageError(
                f"there is no engine in {folder}: name the folder of `partywall up` or of "
                "`partywall report --data` with --data"
            )
        where = Engine(path=folder / "clickhouse")
    with contextlib.closing(Reader.open(where)) as reader:
        yield reader.rows
