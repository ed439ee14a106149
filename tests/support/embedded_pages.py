"""Key service and investigators' pages of a data folder, as the processes that `up` starts."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.apps.embedded import Group
from pipeline.policy import load

ABUSER: Final = "192.0.2.7"
AGENT: Final = "credential-stuffer/1.0"
LOOKED_AT: Final = "2026-03-02"
_BYSTANDERS: Final = 40


def abuse() -> str:
    """Return a log of one day: one address tries passwords, and others look at hats."""
    start = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
    lines = []
    for minute in range(240):
        at = (start + dt.timedelta(minutes=minute)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        other = f"198.51.100.{minute % _BYSTANDERS + 1}"
        lines.append(f'{other} - - [{at}] "GET /hats HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11)"\n')
        if minute % 2 == 0:
            target = f"/login?user=customer-{minute}"
            lines.append(f'{ABUSER} - - [{at}] "POST {target} HTTP/1.1" 401 98 "-" "{AGENT}"\n')
    return "".join(lines)


def report(folder: Path, data: Path) -> None:
    """Have a report made of that log: its lines lie sealed in the folder's vault then."""
    log = folder / "access.log"
    log.write_text(abuse(), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pipeline", "report", str(log), "--data", str(data),
         "--site", "shop", "--format", "combined", "--json"],
        check=True, capture_output=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip


@contextmanager
def pages(data: Path) -> Iterator[str]:
    """Run key service and pages, and give the pages' origin."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    group = Group(data, {"k": load().current.k}, processes=(("keys",), ("investigations",)))
    try:
        asyncio.run_coroutine_threadsafe(group.__aenter__(), loop).result(120)
        yield group.pages
    finally:
        asyncio.run_coroutine_threadsafe(group.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
