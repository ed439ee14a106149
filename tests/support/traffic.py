"""A seeded access log and what it comes to, counted in plain Python.

The counting shares nothing with the pipeline: its own expression, its own clock, dictionaries and
sets. It reads the very files that were shipped.
"""

from __future__ import annotations

import calendar
import datetime as dt
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_AGENTS: Final = (
    ("human", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Safari/537.36"),
    ("human", "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"),
    ("human", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/17.4 Safari/605.1.15"),
    ("bot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("bot", "curl/8.5.0"),
)  # fmt: skip
_AUDIENCE: Final = {agent: audience for audience, agent in _AGENTS}
_START: Final = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
_SPAN: Final = 2 * 86_400
_JITTER: Final = 600  # seconds by which a line may be late; well below the lateness allowed
_LINE: Final = re.compile(
    rb"(\S+) - - \[(\d\d)/Mar/(\d{4}):(\d\d):(\d\d):(\d\d) \+0000\] "
    rb'"([A-Z]+) \S+ HTTP/1\.1" (\d{3}) (\d+|-) "[^"]*" "([^"]*)"'
)
Cells = dict[tuple[object, ...], tuple[int, ...]]
"""Key of a cell → its figures."""


def write(folder: Path, *, seed: int, lines: int, sites: tuple[str, ...], files: int) -> list[Path]:
    """Write ``files`` files of about ``lines`` lines in all, oldest first; each holds one site.

    Of a hundred lines some three are no log lines, one is empty, and five say again what an
    earlier one said. The last line of every third file has no end.
    """
    draw = random.Random(seed)
    addresses = [f"10.{n >> 8}.{n & 255}.{draw.randrange(1, 255)}" for n in range(900)]
    written = []
    for number in range(files):
        path = folder / f"{number:03}-{sites[number % len(sites)]}.log"
        begin = _SPAN * number // files
        made: list[str] = []
        for second in sorted(draw.randrange(_SPAN // files) for _ in range(lines // files)):
            made.append(_line(draw, addresses, begin + second, made))
        end = "" if number % 3 == 0 and made[-1] else "\n"
        path.write_text("\n".join(made) + end, encoding="utf-8")
        written.append(path)
    return written


def _line(draw: random.Random, addresses: list[str], second: int, made: list[str]) -> str:
    chance = draw.random()
    if chance < 0.03:
        return f"no log line at all, number {draw.randrange(10**6)}"
    if chance < 0.04:
        return ""
    if chance < 0.09 and made:
        return draw.choice(made[-50:])
    when = _START + dt.timedelta(seconds=max(0, second - draw.randrange(_JITTER)))
    status = draw.choices((200, 304, 404, 500), (85, 8, 6, 1))[0]
    size = "-" if status == 304 else draw.randrange(100, 90_000)
    method = draw.choices(("GET", "POST", "HEAD"), (90, 8, 2))[0]
    agent = draw.choices([agent for _, agent in _AGENTS], (40, 25, 15, 12, 8))[0]
    address = addresses[int(draw.random() ** 2 * len(addresses))]
    return (
        f'{address} - - [{when:%d/%b/%Y:%H:%M:%S} +0000] "{method} /page/{draw.randrange(40)} '
        f'HTTP/1.1" {status} {size} "-" "{agent}"'
    )


@dataclass(slots=True)
class Tally:
    """What was counted. Hours and days are seconds since 1970."""

    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(site, outcome) → lines; outcomes are event, rejected and ignored."""
    traffic_hourly: Cells = field(default_factory=dict)
    """(site, hour, audience) → hits, bytes, visitors."""
    traffic_daily: Cells = field(default_factory=dict)
    breakdown_hourly: Cells = field(default_factory=dict)
    """(site, hour, dimension, value) → hits, visitors; for status and method."""
    breakdown_daily: Cells = field(default_factory=dict)


def count(files: list[Path]) -> Tally:
    """Count the files, line by line; the site is in a file's name."""
    tally = Tally()
    hits: Counter[tuple[object, ...]] = Counter()
    sizes: Counter[tuple[object, ...]] = Counter()
    visitors: defaultdict[tuple[object, ...], set[tuple[bytes, bytes, int]]] = defaultdict(set)
    for path in files:
        site = path.stem.partition("-")[2]
        content = path.read_bytes()
        for line in content.removesuffix(b"\n").split(b"\n"):
            if not line:
                tally.lines[site, "ignored"] += 1
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                tally.lines[site, "rejected"] += 1
                continue
            tally.lines[site, "event"] += 1
            address, day, year, hour, minute, second, method, status, size, agent = match.groups()
            numbers = (int(year), 3, int(day), int(hour), int(minute), int(second))
            when = calendar.timegm(numbers)
            start, noon = when // 3600 * 3600, when // 86_400 * 86_400
            audience = _AUDIENCE[agent.decode()]
            keys: tuple[tuple[object, ...], ...] = (
                ("traffic_hourly", site, start, audience),
                ("traffic_daily", site, noon, audience),
                ("breakdown_hourly", site, start, "status", status.decode()),
                ("breakdown_hourly", site, start, "method", method.decode()),
                ("breakdown_daily", site, noon, "status", status.decode()),
                ("breakdown_daily", site, noon, "method", method.decode()),
            )
            for key in keys:
                hits[key] += 1
                sizes[key] += 0 if size == b"-" else int(size)
                visitors[key].add((address, agent, noon))
    for key, found in hits.items():
        table, *rest = key
        people = len(visitors[key])
        figures = (found, sizes[key], people) if len(rest) == 3 else (found, people)
        getattr(tally, str(table))[tuple(rest)] = figures
    return tally
