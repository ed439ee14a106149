"""Nothing small can be worked out from all that was ever released (promise 2).

The attacker of ``release_attacker`` takes random small sites and the real sample apart; and each
rule of the release, switched off, is a hole that it finds. Sites are released side by side: most of
what an example costs is the same for few of them and for many.
"""

from __future__ import annotations

import datetime as dt
import gzip
import random
import re
from collections import defaultdict
from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import policy
from pipeline.events import DIMENSIONS
from pipeline.release.rules import Rules
from pipeline.rows import DAY, HOUR
from tests.unit.release.sites import START, arrivals, small_sites
from tests.wall.release_attacker import Finding, Step, attack

LATENESS, HOLD = 600, 12 * HOUR
SAMPLE = Path(__file__).parents[2] / "../shared/data/apache_logs.gz"
LINE = re.compile(
    r'(\S+) \S+ \S+ \[([^]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"$'
)
CROSSINGS = policy.load().current.crossings
WORDS = {
    "browser": ["Firefox", "Chrome", "MSIE", "Opera", "Safari"],
    "system": ["Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux"],
    "device": ["Mobile", "iPad", "Windows", "Macintosh", "Linux"],
}


def _attack_small(
    seed: int, k: int, sites: int, rules: Rules | None = None, more: int = 2
) -> list[Finding]:
    """Places need ``more`` visitors than other values do."""
    rows = small_sites(seed, sites)
    steps = arrivals(seed, rows, LATENESS, HOLD)
    return attack(rows, steps, k, LATENESS, HOLD, rules, CROSSINGS, k + more)


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 5), more=st.integers(0, 9))
def test_no_difference_betrays_anyone_on_a_small_site(seed: int, k: int, more: int) -> None:
    assert _attack_small(seed, k, 16, more=more) == []


@pytest.mark.parametrize("choice", ["either_way", "parts"])
def test_how_much_is_told_of_pairs_is_a_choice_that_is_safe_either_way(choice: str) -> None:
    off = Rules(**{choice: False})
    assert [_attack_small(seed, 3, 24, off) for seed in range(2)] == [[]] * 2


# What is safe either way, and what has an example or an attacker of its own.
ELSEWHERE = {"apart", "paths", "triangles", "reserve", "paces", "either_way", "parts"}
# Where a hole was seen, if not at the first seed: tried first, which saves the ones without any.
LIKELY = {"late": 1, "confined": 1, "leaves": 3, "moves": 22}


@pytest.mark.parametrize("rule", [f.name for f in fields(Rules) if f.name not in ELSEWHERE])
def test_the_attacker_finds_the_hole_that_a_missing_rule_leaves(rule: str) -> None:
    off = Rules(**{rule: False})
    likely = LIKELY.get(rule, 0)
    seeds = [likely, *(seed for seed in range(30) if seed != likely)]
    assert any(_attack_small(seed, 3, 20, off) for seed in seeds)


def test_two_pairs_do_not_betray_a_third() -> None:
    """Three columns that are crossed with each other, and one visitor who has two of three values.

    Of DE, mobile and Firefox: DE x mobile + Firefox - DE x Firefox - mobile x Firefox.
    """
    crossings = {"view": {"country": ["device", "browser"], "device": ["browser"]}}
    people = dict.fromkeys(product(("DE", "AT"), ("mobile", "desktop"), ("Firefox", "Chrome")), 5)
    people |= {("DE", "mobile", "Chrome"): 1, ("AT", "desktop", "Firefox"): 0}
    rows: list[dict[str, Any]] = []
    for (country, device, browser), count in people.items():
        for _ in range(count):
            found = {"country": country, "device": device, "browser": browser}
            rows.append({**_visit("one", "leaf", len(rows)), **found})
    steps: list[Step] = [(list(range(len(rows))), None, False), ([], None, True)]
    assert attack(rows, steps, 2, LATENESS, HOLD, None, crossings) == []
    assert attack(rows, steps, 2, LATENESS, HOLD, Rules(triangles=False), crossings)


def test_a_leaf_of_two_parents_does_not_betray_who_was_known_in_one_of_them() -> None:
    """Three late visitors are new within the second parent, and one of them to what is shown."""
    seen = [("one", "leaf", visitor) for visitor in (1, 2, 3)]
    seen += [("two", "another leaf", visitor) for visitor in (1, 2, 4, 5)]
    late = [("two", "leaf", visitor) for visitor in (1, 2, 4)]
    rows = [_visit(*visit) for visit in seen + late]
    places = list(range(len(rows)))
    close = START + HOUR + LATENESS
    steps: list[Step] = [
        (places[: len(seen)], close, False),
        (places[len(seen) :], close + HOUR, False),
        ([], None, True),
    ]
    assert attack(rows, steps, 3, LATENESS, HOLD) == []
    assert attack(rows, steps, 3, LATENESS, HOLD, Rules(shared=False, combined=False))


def _visit(parent: str, leaf: str, visitor: int) -> dict[str, Any]:
    """A row of one hour whose dimensions say the same, save for those that are nested."""
    row: dict[str, Any] = {
        "site": "s", "hour": START, "segment": "view", "visitor": visitor, "second": 0,
    }  # fmt: skip
    for name, within in DIMENSIONS.items():
        row[name] = leaf if within else parent if name in DIMENSIONS.values() else "same"
    return {**row, "hits": 1, "bytes": 1}


# Without late rows there are fewer editions and nothing else; with fewer applies as well.
@pytest.mark.parametrize(
    ("late", "hours"),
    [
        (0.15, 4),
        pytest.param(0.15, 1, marks=pytest.mark.long),
        pytest.param(0.0, 1, marks=pytest.mark.long),
    ],
)
def test_no_difference_betrays_anyone_in_the_real_sample(late: float, hours: int) -> None:
    if not SAMPLE.exists():
        pytest.skip("the sample is not beside the repository: shared/data/apache_logs.gz")
    rows = _sample()
    floor = 14
    assert attack(rows, _every(hours, rows, late), 10, LATENESS, HOLD, None, CROSSINGS, floor) == []


def _every(hours: int, rows: list[dict[str, Any]], late: float) -> list[Step]:
    """Every so many hours an apply; a share of the rows comes up to a day late."""
    rng = random.Random(5)
    first, last = (pick(row["hour"] for row in rows) for pick in (min, max))
    steps: list[list[int]] = [[] for _ in range(((last - first) // HOUR + 24) // hours + 1)]
    for at, row in enumerate(rows):
        delay = rng.randrange(24) if rng.random() < late else 0
        steps[((row["hour"] - first) // HOUR + delay) // hours].append(at)
    marks = [first + (at + 1) * hours * HOUR for at in range(len(steps))]
    timed: list[Step] = [(part, mark, False) for part, mark in zip(steps, marks, strict=True)]
    return [*timed, ([], None, True)]


def _sample() -> list[dict[str, Any]]:
    """Read the sample crudely, into the rows that the rollups would make of it."""
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    visitors: dict[object, int] = defaultdict(lambda: len(visitors))
    with gzip.open(SAMPLE, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not (match := LINE.match(line.rstrip("\n"))):
                continue
            address, time, method, url, status, size, referrer, agent = match.groups()
            moment = dt.datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z").timestamp()
            hour = int(moment) // HOUR * HOUR
            row = {
                "site": "sample",
                "hour": hour,
                "segment": _segment(agent, status, url),
                "visitor": visitors[address, agent, hour // DAY],
                "second": 0,
                "page": url.split("?")[0],
                "country": address.split(".")[0],
                "place": ".".join(address.split(".")[:2]),
                "provider": ".".join(address.split(".")[:2]),
                "status": status,
                "method": method,
            }
            row["referrer_kind"], row["referrer"] = _referrer(referrer)
            row["goal"] = "(none)"
            row["came_from"] = row["referrer"] if row["segment"] == "failed" else "(none)"
            for name in [name for name in DIMENSIONS if name not in row]:
                words = WORDS.get(name, WORDS["browser"])
                known = next((word for word in words if word in agent), "(unknown)")
                row[name] = "(bot)" if row["segment"] == "bot" else known
            held = rows.setdefault(tuple(row.values()), {**row, "hits": 0, "bytes": 0})
            held["hits"] += 1
            held["bytes"] += 0 if size == "-" else int(size)
    return list(rows.values())


def _segment(agent: str, status: str, url: str) -> str:
    if re.search("(?i)bot|crawl|spider|feed", agent):
        return "bot"
    if status >= "400":
        return "failed"
    return "request" if re.search(r"\.(css|js|png|jpe?g|ico|gif)", url) else "view"


def _referrer(url: str) -> tuple[str, str]:
    host = url.split("/")[2] if url.count("/") > 1 else ""
    if not host:
        return "direct", "(direct)"
    if host.endswith("semicomplete.com"):
        return "internal", "(internal)"
    return ("search" if "google" in host or "bing" in host else "other"), host
