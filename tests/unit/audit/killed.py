"""Appends in children that die, or whose disk fails, at the n-th step.

Run as ``python -m tests.unit.audit.killed FOLDER BEFORE COUNT``: makes a log of BEFORE entries,
then for n = 1, 2, … forks a child that appends COUNT entries and ends at its n-th call to the
system, in the middle of it where it writes. After each: what does the check say, does the next
append mend it, is every acknowledged entry there? Prints one line per step. A process of its own,
so that forking meets no threads.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pipeline.audit.findings import Kind
from pipeline.audit.log import Written
from pipeline.errors import UnavailableError
from tests.unit.audit.logs import Kit, entry, told

CALLS: Final = "open write fsync rename mkdir unlink rmdir close".split()


class Fault:
    """Counts calls to the system and does something to the n-th."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.left = step
        self.act = act
        self.name = ""
        self.real = {name: getattr(os, name) for name in CALLS}

    def arm(self) -> None:
        for name in CALLS:
            setattr(os, name, self._wrap(name))

    def disarm(self) -> None:
        for name, call in self.real.items():
            setattr(os, name, call)

    def _wrap(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401 -- any call to the system
            self.left -= 1
            if self.left == 0:
                self.name = name
                if name == "write":  # torn: half of it gets there
                    self.real["write"](args[0], bytes(args[1])[: len(args[1]) // 2])
                if name == "close":  # even a failing one lets go of it
                    self.real["close"](*args)
                self.act()
            return self.real[name](*args, **options)

        return call


def die() -> None:
    os._exit(9)


def fail() -> None:
    raise OSError(errno.EIO, "Input/output error")


def killed_child(kit: Kit, step: int, count: int) -> int:
    """Append in a child that dies at ``step``; return its exit code."""
    child = os.fork()
    if child == 0:
        Fault(step, die).arm()
        kit.log().extend([entry(900 + i) for i in range(count)])
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def failing(kit: Kit, step: int, count: int) -> int:
    """Append with a disk that fails at ``step``; return 9 where the append said so."""
    fault = Fault(step, fail)
    fault.arm()
    try:
        kit.log().extend([entry(900 + i) for i in range(count)])
    except UnavailableError:
        return 9
    finally:
        fault.disarm()
    # A close that fails is the only failure that may pass unheard.
    return 9 if fault.left <= 0 else 0


def check(kit: Kit, acknowledged: list[Written], before: int, count: int, *, mend: bool) -> str:
    found = (
        kit.verify(expected=[(w.index, w.leaf) for w in acknowledged])
        if kit.folder.exists()
        else None
    )
    if found is not None and kit.folder.joinpath("checkpoint").exists():
        wrong = [f for f in found.findings if f.kind is not Kind.UNFINISHED]
        assert not wrong, told(found)
        assert found.size is not None
        assert before <= found.size <= before + count, told(found)
    if not mend:
        return ""
    size = kit.log().size() if kit.folder.joinpath("checkpoint").exists() else 0
    after = kit.log().append(entry(5_000))
    assert after.index >= size
    clean = kit.verify(expected=[(w.index, w.leaf) for w in (*acknowledged, after)])
    assert clean.ok, told(clean)
    assert [e for _, e in kit.log().entries(0, before)] == [entry(i) for i in range(before)]
    return "; ".join(told(found)) if found is not None else ""


def main(top: Path, before: int, count: int) -> None:
    whole = Kit(top / "whole")
    whole.top.mkdir()
    acknowledged = whole.log().extend([entry(i) for i in range(before)]) if before else []
    for name, act in (("killed", killed_child), ("failing", failing)):
        for step in itertools.count(1):
            kit = whole.copy(top / f"{name}-{step}")
            code = act(kit, step, count)
            said = check(kit, acknowledged, before, count, mend=True)
            shutil.rmtree(kit.top)
            if code == 0:
                break
            assert code == 9, code
            sys.stdout.write(f"{name} {step} {said}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
