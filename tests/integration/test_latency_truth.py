"""Histograms and quantiles of response times equal a plain count of the lines, by hour and in all.

With k = 1 nothing is folded, so that answers must be equal and not only no more than the truth.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline import analytics
from pipeline.analytics.words import LATENCY
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader
from pipeline.clock import system_clock
from pipeline.restricted import describers
from tests.support.command import partywall

FORMATS: Final = {"shop": "nginx_json", "blog": "elb"}
"""Site → the format its lines are in: one time in seconds, and three that are added up."""
ENDS: Final = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)  # ms
NAMES: Final = (
    "0-0.005 s", "0.005-0.01 s", "0.01-0.025 s", "0.025-0.05 s", "0.05-0.1 s", "0.1-0.25 s",
    "0.25-0.5 s", "0.5-1 s", "1-2.5 s", "2.5-5 s", "5-10 s", "from 10 s",
)  # fmt: skip
_ELB: Final = re.compile(
    r'(\S+)Z \S+ \S+ \S+ (\S+) (\S+) (\S+) \S+ \S+ \S+ \S+ ".*" "((?:[^"\\]|\\.)*)" \S+ \S+'
)
Line = tuple[str, str, str]
"""Hour, audience and class."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latency")
    partywall(
        folder, "simulate", "--out", "logs", "--sites", ",".join(FORMATS), "--visits", 150,
        "--bad", 0, "--format", ",".join(FORMATS.values()),
    )  # fmt: skip
    inputs = [f"logs/{site}/{name}.log" for site, name in FORMATS.items()]
    partywall(folder, "report", *inputs, "--k", 1, "--data", "kept", "--site-from", "folder")
    return folder


def classed(micros: int) -> str:
    return NAMES[sum(micros >= end * 1_000 for end in ENDS)]


def plain(folder: Path, site: str) -> list[Line]:
    """Count as a person would: a line, its time, what its agent is."""
    agent_of, found = describers()[1], []
    for text in (folder / f"logs/{site}/{FORMATS[site]}.log").read_text("utf-8").splitlines():
        if site == "shop":
            said = json.loads(text)
            moment = dt.datetime.fromtimestamp(float(said["msec"]), dt.UTC)
            took, agent = [said["request_time"]], said["http_user_agent"]
        else:
            match = _ELB.fullmatch(text)
            assert match is not None
            stamp, *took, agent = match.groups()
            moment = dt.datetime.fromisoformat(f"{stamp}+00:00")
        micros = sum(int(one.replace(".", "").ljust(_digits(one), "0")) for one in took)
        audience = agent_of(agent if agent not in {"", "-"} else None)[0]
        found.append((f"{moment:%Y-%m-%d %H}:00:00", audience, classed(micros)))
    return found


def _digits(number: str) -> int:
    """Digits of a number of seconds written to the microsecond."""
    return number.index(".") + 6


@pytest.fixture(scope="module")
def reader(kept: Path) -> Iterator[Reader]:
    with closing(Reader.open(Engine(path=kept / "kept/clickhouse"))) as reader:
        yield reader


def ask(reader: Reader, site: str, truth: list[Line], **words: Any) -> analytics.Answer:  # noqa: ANN401
    days = sorted({hour[:10] for hour, _, _ in truth})
    query = analytics.read(
        {"site": site, "date_range": [days[0], days[-1]], "limit": 10_000, **words}
    )
    return analytics.ask(reader.rows, query, clock=system_clock, k=1, retention_days=36_500)


@pytest.mark.parametrize("site", FORMATS)
@pytest.mark.parametrize("audience", ["human", "bot"])
def test_the_histogram_of_each_hour(kept: Path, reader: Reader, site: str, audience: str) -> None:
    truth = plain(kept, site)
    found = ask(reader, site, truth, metrics=["hits"], dimensions=["time:hour", "response_time"],
                filters=[["is", "audience", [audience]]])  # fmt: skip
    wanted = Counter((hour, name) for hour, who, name in truth if who == audience)
    assert len({name for _, name in wanted}) > 5
    assert {line.dimensions: line.cells[0].number for line in found.lines} == wanted


@pytest.mark.parametrize("site", FORMATS)
def test_the_quantiles_of_each_hour_and_of_all(kept: Path, reader: Reader, site: str) -> None:
    """Sorted one by one: the first answer by which so many have been given is in that class."""
    truth = plain(kept, site)
    by_hour: dict[str, list[int]] = defaultdict(list)
    for hour, who, name in truth:
        if who == "human":
            by_hour[hour].append(NAMES.index(name))
    found = ask(reader, site, truth, metrics=list(LATENCY), dimensions=["time:hour"])
    told = {line.dimensions[0]: [c.number for c in line.cells] for line in found.lines}
    assert {hour: told[hour] for hour in by_hour} == {h: _ends(a) for h, a in by_hour.items()}
    everybody = [place for answers in by_hour.values() for place in answers]
    assert [cell.number for cell in found.totals.cells] == _ends(everybody)
    assert len(set(_ends(everybody))) == 3


def _ends(places: list[int]) -> list[int | None]:
    ordered = sorted(places)
    ends: list[int | None] = [*ENDS, None]
    return [
        ends[next(p for n, p in enumerate(ordered, 1) if 100 * n >= percent * len(ordered))]
        for percent in (50, 95, 99)
    ]
