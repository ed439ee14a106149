"""Lines of every format for its benchmark: a golden line with addresses, pages and agents drawn.

A format's first golden line that is an event is the template. What is replaced in it stands there
as the golden files of all formats have it: one address, page, referrer, agent and time of day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import polars as pl
import yaml

import pipeline
from pipeline.bench.generate import BROWSER_ODDS
from pipeline.bench.population import populated
from pipeline.errors import SettingsError
from pipeline.simulate.draws import Indices, draw

_KNOWN: Final = Path(pipeline.__file__).parent / "restricted" / "formats" / "known"
_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda agent: agent,
    lambda agent: agent.replace(" ", "+"),
    lambda agent: agent.replace(" ", "%20"),
    lambda agent: quote(agent, safe=""),
)
_ADDRESS: Final = "192.0.2.7"
_PAGES: Final = ("/products/chairs", "/stream")
_REFERRERS: Final = ("https://www.google.com/", "https://shop.example/")
_CLOCK: Final = re.compile(r"(?<![0-9])(?:08|10):05:03")
_NUMBER: Final = re.compile("1431857103")
_PORT: Final = re.compile(":[0-9]")
_HOUR: Final = 3_600

WRAPPED: Final[Mapping[str, Callable[[str], str]]] = {
    "docker": lambda line: json.dumps(
        {"log": f"{line}\n", "stream": "stdout", "time": "2015-05-17T10:05:03.123456789Z"}
    )
}
"""Wrapper → what it makes of a line."""


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A format's line, and the headers of the messages that bring it."""

    name: str
    line: str
    headers: tuple[tuple[str, bytes], ...]


def templates() -> Iterator[Template]:
    """Yield the template of every format, in the order of their names."""
    for file in sorted(_KNOWN.glob("*/golden.yaml")):
        document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        headers = {"format": document["format"], "zone": document.get("zone")}
        for entry in document["lines"]:
            line: str = entry["line"]
            if line.startswith("#Fields:"):
                headers["fields"] = line.removeprefix("#Fields:").strip()
            if entry["event"]:
                kept = tuple((name, value.encode()) for name, value in headers.items() if value)
                yield Template(document["format"], line, kept)
                break


def within(template: Template, wrapper: str) -> Template:
    """Return the template of the same lines in a wrapper."""
    name = f"{wrapper}.{template.name}"
    headers = tuple(
        (key, name.encode() if key == "format" else value) for key, value in template.headers
    )
    return Template(name, WRAPPED[wrapper](template.line), headers)


def lines(template: Template, count: int, *, seed: int = 7) -> pl.Series:
    """Return ``count`` lines (String); equal seeds give equal ones.

    Raises SettingsError where the template has not what is to be drawn.
    """
    people, rng = populated(seed)
    address = draw(rng, people.address_odds, count)
    agent = people.browsers[address, draw(rng, BROWSER_ODDS, count)]
    seconds = np.sort(rng.integers(0, _HOUR, count))
    drawn = {
        _ADDRESS: people.addresses.gather(address),
        **_agents(template.line, people.agents, agent),
        **_stamps(template.line, seconds),
    }
    page, referrer = _first(template.line, _PAGES), _first(template.line, _REFERRERS)
    if page:
        paths = people.targets.str.split("?").list.first()
        drawn[page] = paths.gather(draw(rng, people.target_odds, count))
    if referrer:
        drawn[referrer] = people.referrers.gather(draw(rng, people.referrer_odds, count))
    marks = re.compile("|".join(map(re.escape, sorted(drawn, key=len, reverse=True))))
    found = marks.findall(template.line)
    if _ADDRESS not in found or not page:
        raise SettingsError(
            f"golden.yaml of {template.name}: the first line that is an event has not {_ADDRESS} "
            f"and one of {', '.join(_PAGES)}"
        )
    first, *rest = marks.split(template.line)
    woven = [pl.lit(first)]
    for mark, text in zip(found, rest, strict=True):
        with_port = mark == _ADDRESS and _PORT.match(text)
        woven += [pl.lit(_bracketed(drawn[mark]) if with_port else drawn[mark]), pl.lit(text)]
    return pl.select(pl.concat_str(woven).alias("line"))["line"]


def _bracketed(addresses: pl.Series) -> pl.Series:
    """Return addresses as they stand in front of a port."""
    long = pl.lit(addresses).str.contains(":", literal=True)
    return pl.select(
        pl.when(long).then(pl.format("[{}]", pl.lit(addresses))).otherwise(pl.lit(addresses))
    ).to_series()


def _first(line: str, marks: Sequence[str]) -> str:
    return next((mark for mark in marks if mark in line), "")


def _agents(line: str, agents: pl.Series, drawn: Indices) -> dict[str, pl.Series]:
    """Return the template's agent as the format spells it, and agents spelled like that."""
    for spelled in _SPELLINGS:
        if spelled(_AGENT) in line:
            spelt = pl.Series([spelled(agent) for agent in agents.to_list()])
            return {spelled(_AGENT): spelt.gather(drawn)}
    return {}


def _stamps(line: str, seconds: Indices) -> dict[str, pl.Series]:
    """Return the template's time of day, and as many times of its hour."""
    clock, number = _CLOCK.search(line), _NUMBER.search(line)
    moments = pl.Series(range(_HOUR))
    if clock is not None:
        hour = clock[0][:2]
        texts = pl.select(
            pl.concat_str(
                pl.lit(f"{hour}:"),
                pl.lit(moments // 60).cast(pl.String).str.pad_start(2, "0"),
                pl.lit(":"),
                pl.lit(moments % 60).cast(pl.String).str.pad_start(2, "0"),
            )
        ).to_series()
        return {clock[0]: texts.gather(seconds)}
    if number is not None:
        return {number[0]: (moments + int(number[0])).cast(pl.String).gather(seconds)}
    return {}
