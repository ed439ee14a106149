"""What a day costs the release in memory: while it is open, and when it closes.

A process of its own takes a simulated day of one site, hour by hour, as a cells partition would,
and reads from Linux what it held and what it ever needed (``proc(5)``: VmRSS, and VmHWM, which
writing 5 to ``clear_refs`` sets back).
"""

from __future__ import annotations

import multiprocessing
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.bench.simulated_day import HOLD, LATENESS, START, hours
from pipeline.policy import Crossings
from pipeline.release.ledger import Ledger
from pipeline.rows import HOUR

_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class OpenDay:
    """Bytes beyond those of an empty ledger, of a day of so many ``hits`` in so many ``rows``.

    ``held`` by its rows, ``hour`` at most while hours closed, ``close`` when the day did.
    """

    hits: int
    rows: int
    held: int
    hour: int
    close: int


def measure(visits: int, k: int, crossings: Crossings, seed: int) -> OpenDay:
    """Return what a day of ``visits`` visits takes; on Linux alone (raises FileNotFoundError)."""
    _STATUS.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(hours(visits, seed)):
            rows.write_parquet(Path(folder) / f"{number:02}.parquet")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            return pool.apply(_taken, (Path(folder), k, crossings))


def _taken(folder: Path, k: int, crossings: Crossings) -> OpenDay:
    hits = rows = hour = 0
    ledger = Ledger(k, LATENESS, HOLD, crossings=crossings)
    empty = pl.read_parquet(folder / "00.parquet").clear()
    ledger.apply(empty, START)
    before = _bytes("VmRSS")
    taken = empty
    for number, file in enumerate(sorted(folder.iterdir())):
        taken = pl.read_parquet(file)
        hits += int(taken["hits"].sum())
        rows += taken.height
        _PEAK.write_text("5")
        ledger.apply(taken, START + (number + 1) * HOUR)
        hour = max(hour, _bytes("VmHWM"))
    taken = empty
    held = _bytes("VmRSS")
    _PEAK.write_text("5")
    ledger.apply(empty, None, end=True)
    return OpenDay(hits, rows, held - before, hour - before, _bytes("VmHWM") - before)


def _bytes(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024
