"""Whoever owns the engine, as something to ask: for `partywall query` and `attack`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import policy
from pipeline import settings as tree
from pipeline.apps.engine import engine
from pipeline.cli.k_told import note_k
from pipeline.cli.kept import terms
from pipeline.cli.place import DEFAULT, Place
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn, Reader, Row
from pipeline.errors import UsageError


@dataclass(frozen=True, slots=True)
class Asked:
    """What answers, the k its numbers were released under, how long they are kept, which pairs."""

    run: QueryFn
    k: int
    retention_days: int
    crossings: policy.Crossings


@contextlib.contextmanager
def asking(data: Path | None, config: Path | None) -> Iterator[Asked]:
    """Open what answers for a data folder or for the settings, and say where k is too low."""
    settings = tree.load(config)
    with contextlib.ExitStack() as held:
        if data is None and settings.clickhouse.url is not None:
            run = _reader(held, engine(settings.clickhouse))
        else:
            folder = data or DEFAULT
            settings = terms(settings, folder)
            run = _kept(held, folder)
        made = policy.load(settings.policy)
        k = policy.k_in_force(made, settings.k, lower=True)
        current = made.current
        yield Asked(run, k, current.retention.rollups_days, current.crossings)
        note_k(made, k)


def _kept(held: contextlib.ExitStack, folder: Path) -> QueryFn:
    place = Place.find(folder)
    if place is not None:
        endpoint = place.engine
        return lambda text: remote.query(endpoint, text)
    if not (folder / "clickhouse").is_dir():
        raise UsageError(
            f"there is no engine in {folder}: name the folder of `partywall up` or of "
            "`partywall report --data` with --data"
        )
    return _reader(held, Engine(path=folder / "clickhouse"))


def _reader(held: contextlib.ExitStack, where: Engine) -> QueryFn:
    reader = Reader.open(where)
    held.callback(reader.close)

    def run(text: str) -> list[Row]:
        return reader.rows(text)

    return run
