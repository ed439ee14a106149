"""Children that do one act in a data folder and are killed in the middle of it.

``python -m tests.support.killing`` is their parent: it has loaded what takes long to load
(``tests.support.warm``), so that a child costs a fork and not a start. It reads a request a line,
as JSON, and answers each with what :func:`tests.support.stops.run` has seen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support import stops
from tests.support.stops import Seen

TOP: Final = Path(__file__).parents[2]

_NONE_OF: Final = ("polars-0", "tokio-rt-worker")
"""Threads that calculate: what has them must not fork."""
_SMALL: Final = {
    "POLARS_MAX_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Children load the rest again and again, and are alone on their core."""


@dataclass(frozen=True)
class House:
    """A data folder, which cases are in it, and its database where that is PostgreSQL's."""

    folder: Path
    names: dict[str, str]
    store: str | None = None
    password: Path | None = None


class Killer:
    """Asks the parent of children. Use as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killing"],
            cwd=TOP,
            env={**os.environ, **_SMALL, "PYTHONPATH": str(TOP)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def act(self, name: str, house: House, nth: int | None) -> Seen:
        """Do an act in a child that is killed before its ``nth`` lasting call, None: not at all."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"act": name, "nth": nth, **asdict(house)}
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "no child can be stopped here: is ptrace or seccomp forbidden?"
        return Seen(**json.loads(answer))


def _child(name: str, house: House) -> int:
    from tests.support.killed_acts import ACTS  # noqa: PLC0415 -- see above
    from tests.unit.investigations.making import bureau  # noqa: PLC0415

    try:
        with bureau(house.folder, house.store, house.password) as made:
            made.desk.keys.status()  # the service's first round is over when it answers
            stops.mark()
            ACTS[name](made, house.names)
            stops.mark()
    except BaseException:  # noqa: BLE001 -- the child's last words
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Serve until there are no more requests."""
    from tests.support import warm  # noqa: F401, PLC0415 -- for this process alone

    threads = {one.read_text().strip() for one in Path("/proc/self/task").glob("*/comm")}
    assert threads.isdisjoint(_NONE_OF), threads
    for line in sys.stdin:
        asked = json.loads(line)
        name, nth = asked.pop("act"), asked.pop("nth")
        password = asked.pop("password")
        house = House(Path(asked["folder"]), asked["names"], asked["store"],
                      None if password is None else Path(password))  # fmt: skip
        seen = stops.run(
            lambda: _child(name, house),  # noqa: B023 -- it is called at once
            nth, house.folder, sends=house.store is not None,
        )  # fmt: skip
        sys.stdout.write(json.dumps(asdict(seen)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
