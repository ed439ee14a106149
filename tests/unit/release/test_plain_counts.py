"""With k = 1 nothing is folded or withheld: the tables are the plain counts, late rows or not."""

from __future__ import annotations

import random
from collections import defaultdict

import polars as pl
import pytest

from pipeline.events import DIMENSIONS
from pipeline.release.ledger import Ledger, Released
from pipeline.rows import CELLS, DAY, HOUR

DAY_START = 20_000 * DAY
LATENESS, HOLD = 600, DAY


def some_rows(seed: int, rows: int = 400, days: int = 2) -> list[dict[str, object]]:
    """Return cell rows of two sites, deduplicated by all that is not counted."""
    rng = random.Random(seed)
    counted: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0])
    for _ in range(rows):
        visitor = rng.randrange(40)
        bot = visitor % 4 == 0
        row = {
            "site": rng.choice(["a", "b"]),
            "hour": DAY_START + rng.randrange(24 * days) * HOUR,
            "segment": "bot" if bot else rng.choice(["view", "request", "failed"]),
            "visitor": visitor,
            "second": 0,
        }
        for name, parent in DIMENSIONS.items():
            value = f"{row[parent] if parent else name}{rng.randrange(3)}"
            row[name] = "(bot)" if bot and name == "browser" else value
        key = tuple(row.values())
        counted[key][0] += rng.randrange(1, 4)
        counted[key][1] += rng.randrange(1000)
    names = list(CELLS)
    return [dict(zip(names, (*key, *sums), strict=True)) for key, sums in counted.items()]


def plain(rows: list[dict[str, object]], span: int, keys: list[str]) -> dict[object, object]:
    """Count hits and distinct visitors of each window and key in plain Python."""
    sums: dict[object, list[int]] = defaultdict(lambda: [0, 0])
    seen: dict[object, set[object]] = defaultdict(set)
    for row in rows:
        window = int(str(row["hour"])) // span * span
        key = (row["site"], window, *(row[name] for name in keys))
        sums[key][0] += int(str(row["hits"]))
        seen[key].add(row["visitor"])
    return {key: (total[0], len(seen[key])) for key, total in sums.items()}


def audience(row: dict[str, object]) -> str:
    """Return who asked."""
    return "bot" if row["segment"] == "bot" else "human"


def newest(outputs: list[Released], table: str, keys: list[str]) -> dict[object, object]:
    """Return the newest revision of every cell."""
    cells: dict[object, tuple[int, int, int]] = {}
    for output in outputs:
        for row in output.tables[table].to_dicts():
            key = (row["site"], row["window_start"], *(row[name] for name in keys))
            assert row["revision"] > cells.get(key, (0, 0, 0))[2]
            cells[key] = (row["hits"], row["visitors"], row["revision"])
    return {key: (hits, visitors) for key, (hits, visitors, _) in cells.items()}


@pytest.mark.parametrize("batches", [1, 7])
@pytest.mark.parametrize("seed", range(4))
def test_k_of_one_gives_the_plain_counts(seed: int, batches: int) -> None:
    rows = some_rows(seed)
    rng = random.Random(seed)
    ledger = Ledger(1, LATENESS, HOLD)
    shuffled = rng.sample(rows, len(rows))
    outputs = []
    for at in range(batches):
        part = pl.DataFrame(shuffled[at::batches], schema=CELLS)
        moment = DAY_START + (at + 1) * 2 * DAY // batches
        outputs.append(ledger.apply(part, moment if at < batches - 1 else None))
    outputs.append(ledger.apply(pl.DataFrame(schema=CELLS), None, end=True))
    for pace, span in (("hourly", HOUR), ("daily", DAY)):
        people = [{**row, "audience": audience(row)} for row in rows]
        expected = plain(people, span, ["audience"])
        assert newest(outputs, f"traffic_{pace}", ["audience"]) == expected
        expected = plain(rows, span, ["segment"])
        assert newest(outputs, f"segment_{pace}", ["segment"]) == expected
        for prefix, apart in (("", []), ("segment_", ["segment"])):
            keys = [*apart, "dimension", "value"]
            cells = newest(outputs, f"{prefix}breakdown_{pace}", keys)
            for name in DIMENSIONS:
                expected = plain(rows, span, [*apart, name])
                got = {(*k[:-2], k[-1]): v for k, v in cells.items() if k[-2] == name}  # type: ignore[index]
                assert got == expected
    for site, account in outputs[-1].accounts.items():
        hits = sum(int(str(row["hits"])) for row in rows if row["site"] == site)
        assert (account.counted, account.released, account.withheld) == (hits, hits, 0)
