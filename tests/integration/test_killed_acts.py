"""kill -9 at any point of an approval, an export, a hold, an erasure, a destruction of keys.

Each act runs in a process of its own, in a data folder of its own, and is killed before its first
lasting call to the system, its second, and so on until it ends untouched (``tests.support.stops``).
After each kill everything is opened anew: nothing is half, and nothing was done that the audit log
does not tell of. Then the act is done again, as people would, and ends well.

``make test`` takes some of the places, by a seed; ``make test-kill-long`` takes every one of them.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from tests.support import stops
from tests.support.killed_acts import ACTS, furnish
from tests.support.killed_checks import Checks
from tests.support.killing import House, Killer
from tests.support.postgres_server import PostgresServer
from tests.unit.investigations.making import bureau

pytestmark = pytest.mark.skipif(stops.missing() is not None, reason=str(stops.missing()))

SEED: Final = int(os.environ.get("KILL_SEED", "5"))
SOME: Final = 3
"""Places of an act that ``make test`` tries, besides its end."""
ON_POSTGRES: Final = ("approve", "due", "destroy", "expire")


@dataclass
class Site:
    """A furnished folder, from which each try gets a copy."""

    whole: House
    killer: Killer
    top: Path
    server: PostgresServer | None = None
    made: int = 0

    def copy(self) -> House:
        self.made += 1
        folder = self.top / f"{self.made}"
        shutil.copytree(self.whole.folder, folder, ignore=shutil.ignore_patterns("*.sock"))
        store = self.whole.store
        if self.server is not None and store is not None:
            store = self.server.database(store)
        return replace(self.whole, folder=folder, store=store)

    def remove(self, house: House) -> None:
        shutil.rmtree(house.folder)
        if self.server is not None and house.store is not None:
            self.server.drop(house.store)

    def tried(self, act: str, nth: int | None, calls: list[str]) -> list[str]:
        """Do an act, killed before its ``nth`` call; look, do it again, look; return its calls."""
        house = self.copy()
        seen = self.killer.act(act, house, nth)
        if nth is None:
            assert (seen.killed, seen.code) == (False, 0)
        else:
            assert (seen.killed, seen.code) == (True, -signal.SIGKILL)
            assert len(seen.calls) == min(nth, len(calls)), "an act makes the same calls each time"
        if self.server is not None and house.store is not None:
            self.server.wait_until_unused(house.store)
        try:
            Checks(house, act).run(done=nth is None or nth > len(calls))
        except BaseException as error:
            error.add_note(f"{act}, killed before call {nth}: {(seen.calls or ['none'])[-1]}")
            raise
        self.remove(house)
        return seen.calls

    def every(self, act: str, *, some: bool) -> int:
        """Kill an act at every place, or at some; return how often it was killed."""
        calls = self.tried(act, None, [])
        places = chosen(act, calls) if some else range(1, len(calls) + 1)
        tries = [*places, len(calls) + 1]
        for nth in tries:
            self.tried(act, nth, calls)
        print(f"{act}: {len(tries)} kills, {len(calls)} lasting calls")  # noqa: T201 -- the record
        return len(tries)


def chosen(act: str, calls: list[str]) -> list[int]:
    """Draw places to be killed at: half of them where one store is done and another begins.

    ``calls`` are those of an untouched run; places count from 1.
    """
    draw = random.Random(f"{SEED} {act}")
    stores = [call.partition(" ")[2].partition("/")[0] for call in calls]
    seams = [n for n, (one, other) in enumerate(itertools.pairwise(stores), 2) if one != other]
    outside = [n for n, store in enumerate(stores, 1) if store not in {"audit", "witness", "cases"}]
    first = draw.sample(seams, min(len(seams), SOME // 2 + 1))
    rest = sorted({*outside, *range(1, len(calls) + 1, 4)} - {*first})
    return sorted([*first, *draw.sample(rest, min(len(rest), SOME - len(first)))])


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as one:
        yield one


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, killer: Killer) -> Site:
    top = tmp_path_factory.mktemp("k")
    with bureau(top / "whole") as made:
        names = furnish(made)
    return Site(House(top / "whole", names), killer, top)


@pytest.fixture(scope="module")
def on_postgres(
    tmp_path_factory: pytest.TempPathFactory, killer: Killer, postgres: PostgresServer
) -> Site:
    top = tmp_path_factory.mktemp("p")
    store = postgres.database()
    with bureau(top / "whole", store, postgres.password_file) as made:
        names = furnish(made)
    whole = House(top / "whole", names, store, postgres.password_file)
    return Site(whole, killer, top, postgres)


@pytest.mark.parametrize("act", ACTS)
def test_a_kill_leaves_no_half_state(site: Site, act: str) -> None:
    assert site.every(act, some=True) > 1


@pytest.mark.parametrize("act", ON_POSTGRES)
def test_a_kill_leaves_no_half_state_on_postgres(on_postgres: Site, act: str) -> None:
    assert on_postgres.every(act, some=True) > 1


@pytest.mark.long
@pytest.mark.parametrize("act", ACTS)
def test_no_kill_anywhere_leaves_a_half_state(site: Site, act: str) -> None:
    assert site.every(act, some=False) > 1


@pytest.mark.long
@pytest.mark.parametrize("act", ON_POSTGRES)
def test_no_kill_anywhere_leaves_a_half_state_on_postgres(on_postgres: Site, act: str) -> None:
    assert on_postgres.every(act, some=False) > 1
