"""Small random sites for the tests of the release: few values, odd hours, late rows.

Dimensions and their nesting are those declared, so a new one is tried like the others.
"""

from __future__ import annotations

import random
from typing import Any

from pipeline.events import DIMENSIONS, UNKNOWN
from pipeline.rows import DAY, HOUR

START = 20_000 * DAY
SHARED = "of all"
"""A leaf that stands within each value of its parent: a domain from which both searches come and
visitors of other pages."""

OF_PERSON = {"browser", "system", "device", "bot", "suspicion"}
"""What a person has and a bot has not."""
SEGMENTS = ("view", "view", "view", "request", "failed")

Row = dict[str, Any]
Step = tuple[list[int], int | None, bool]


def small_site(rng: random.Random, name: str, days: int = 1) -> list[Row]:
    """Return the cell rows of 3 to 30 visitors in 2 to 4 hours of ``days`` days."""
    candidates = [START + hour * HOUR for hour in range(8)]
    candidates += [START + DAY + hour * HOUR for hour in range(4 * (days - 1))]
    hours = rng.sample(candidates, rng.randint(2, 4))
    visitors, values, parents = rng.randint(3, 30), rng.randint(1, 4), rng.randint(1, 3)
    rows: dict[tuple[object, ...], Row] = {}
    for _ in range(rng.randint(10, 150)):
        hour, visitor = rng.choice(hours), rng.randrange(visitors)
        bot = visitor % 4 == 0
        segment = "bot" if bot else rng.choice(SEGMENTS)
        row: Row = {
            "site": name,
            "hour": hour,
            "segment": segment,
            "visitor": hour // DAY * 1000 + visitor,
            "second": rng.choice((7, 600, 3000)) if segment == "view" else 0,
        }
        for dimension, parent in DIMENSIONS.items():
            if dimension in OF_PERSON:
                of_person = (visitor * 7 + len(dimension)) % (values + 1)
                chosen = of_person if rng.random() < 0.9 else rng.randrange(values + 1)
                row[dimension] = "(bot)" if bot else f"{dimension} {chosen}"
            elif dimension == "campaign" and rng.random() < 0.8:
                row[dimension] = "(none)"
            elif parent is not None:
                leaf = rng.randrange(values)
                # A page reaches one goal.
                shared = leaf == 0 and dimension != "page"
                row[dimension] = f"{SHARED if shared else row[parent]} {leaf}"
                if shared and dimension == "place":
                    row[dimension] = UNKNOWN
            elif dimension in DIMENSIONS.values():
                row[dimension] = f"{dimension} {rng.randrange(parents)}"
            else:
                row[dimension] = f"{dimension} {int(rng.paretovariate(1.5)) % (values + 1)}"
        rows[tuple(row.values())] = {**row, "hits": rng.randint(1, 3), "bytes": rng.randrange(999)}
    return list(rows.values())


def small_sites(seed: int, sites: int) -> list[Row]:
    """Return several small sites, which are released side by side.

    Nobody views a page twice in one second: which of the two a visit began with is for nobody to
    say, and the attackers need to know.
    """
    rng = random.Random(seed)
    days = rng.choice([1, 2])
    found: dict[tuple[object, ...], Row] = {}
    for at in range(sites):
        for row in small_site(rng, f"site {at:02}", days):
            when = row["site"], row["visitor"], row["hour"], row["second"], row["page"]
            found.setdefault(when if row["segment"] == "view" else (len(found),), row)
    return list(found.values())


def arrivals(seed: int, rows: list[Row], lateness: int, hold: int) -> list[Step]:
    """Return an order in which ``rows`` come: per apply their places, watermark and end.

    Most rows come before their hour closes, some up to the moment the last day expires.
    """
    rng = random.Random(seed)
    last = max((row["hour"] for row in rows), default=START) // DAY * DAY + DAY + lateness
    marks = [START + rng.randrange(2 * HOUR)]
    while marks[-1] < last + hold and len(marks) < 14:
        marks.append(marks[-1] + int(rng.choice([0.4, 1, 2, 4, 9]) * HOUR))
    marks[-1] = max(marks[-1], last + HOUR)
    late = rng.choice([0, 0.1, 0.4])
    places: list[list[int]] = [[] for _ in marks]
    for at, row in enumerate(rows):
        on_time = (step for step, mark in enumerate(marks) if mark >= row["hour"] + HOUR)
        first = next(on_time, len(marks) - 1)
        places[first if rng.random() > late else rng.randrange(first, len(marks))].append(at)
    steps: list[Step] = [(part, mark, False) for part, mark in zip(places, marks, strict=True)]
    return [*steps, ([], None, True)]
