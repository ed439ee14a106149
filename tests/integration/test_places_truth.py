"""Regions and cities equal a plain count of the lines (k = 1), from databases of two makers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import plain_truth
from tests.support.command import partywall
from tests.support.plain_truth import Describe, Request
from tests.unit.restricted.test_geo import write

UNKNOWN: Final = "(unknown)"
NETWORKS: Final[dict[str, tuple[dict[str, object], dict[str, str]]]] = {
    "192.0.2.0/28": (
        {"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE"}],
         "city": {"names": {"en": "Berlin", "de": "Berlin"}}},
        {"country": "DE", "region": "DE-BE", "city": "Berlin, DE-BE"},
    ),
    "192.0.2.16/28": (
        {"country_code": "DE", "state1": "Bavaria", "city": "Nuremberg (Mitte)"},
        {"country": "DE", "region": "Bavaria, DE", "city": "Nuremberg, Bavaria, DE"},
    ),
    "192.0.2.32/29": (
        {"country": "AT", "region": "Vienna", "region_code": "9"},
        {"country": "AT", "region": "AT-9", "city": UNKNOWN},
    ),
    "2001:db8::/32": (
        {"country_code": "AT"}, {"country": "AT", "region": UNKNOWN, "city": UNKNOWN},
    ),
}  # fmt: skip
"""Network → its record, and what is to be told of it."""
ADDRESSES: Final = (*(f"192.0.2.{n}" for n in range(44)), "2001:db8::1", "2001:db8:0:1::2")
AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


def lines() -> Iterator[str]:
    rng = random.Random(11)
    start = dt.datetime(2025, 3, 29, tzinfo=dt.UTC)
    for _ in range(900):
        moment = start + dt.timedelta(seconds=rng.randrange(2 * 86_400))
        target, status = rng.choice((("/", 200), ("/a", 200), ("/gone", 404), ("/a.css", 200)))
        yield (
            f"{rng.choice(ADDRESSES)} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "
            f'"GET {target} HTTP/1.1" {status} 7 "-" "{rng.choice(AGENTS)}"'
        )


@dataclass(frozen=True, slots=True)
class Reported:
    folder: Path
    places: str
    requests: list[tuple[Request, str, str]]
    """Each with its country and its place."""


@pytest.fixture(scope="module", params=["region", "city"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("places")
    text = list(lines())
    (folder / "access.log").write_text("\n".join(text) + "\n")
    write(folder / "cities.mmdb", {net: record for net, (record, _) in NETWORKS.items()})
    partywall(folder, "report", "access.log", "--k", 1, "--data", "kept", "--site", "shop",
              "--mmdb-country", "cities.mmdb", "--places", request.param, "--json")  # fmt: skip
    found = []
    addresses = [line.split(" ", 1)[0] for line in text]
    requests = list(plain_truth.requests(text, Describe()))
    for row, address in zip(requests, addresses, strict=True):
        told = next(
            (said for net, (_, said) in NETWORKS.items()
             if ipaddress.ip_address(address) in ipaddress.ip_network(net)),
            {"country": UNKNOWN, "region": UNKNOWN, "city": UNKNOWN},
        )  # fmt: skip
        found.append((row, told["country"], told[request.param]))
    return Reported(folder, request.param, found)


def answer(reported: Reported, *words: object) -> dict[str, tuple[Any, ...]]:
    """The rows of a question by day and place: the numbers of each."""
    said = partywall(reported.folder, "query", *words, "--site", "shop", "--data", "kept",
                     "--range", "2025-03-29,2025-03-30", "--json")  # fmt: skip
    return {
        " ".join(row["dimensions"]): tuple(row["metrics"]) for row in json.loads(said)["results"]
    }


def counted(reported: Reported, segment: str, *, by_day: bool) -> dict[str, tuple[int, int]]:
    hits: Counter[str] = Counter()
    people: defaultdict[str, set[object]] = defaultdict(set)
    for row, _, place in reported.requests:
        if row.segment == segment:
            name = f"{place} {row.day}" if by_day else place
            hits[name] += 1
            people[name].add(row.visitor)
    return {name: (count, len(people[name])) for name, count in hits.items()}


@pytest.mark.parametrize("segment", ["view", "failed", "request", "bot"])
def test_hits_and_visitors_of_places(reported: Reported, segment: str) -> None:
    found = answer(reported, "--metrics", "hits,visitors", "--by", "place", "--filter",
                   f"segment={segment}")  # fmt: skip
    assert found == counted(reported, segment, by_day=False)
    assert len(found) > 2


def test_day_by_day(reported: Reported) -> None:
    found = answer(reported, "--metrics", "hits,visitors", "--by", "place,time:day", "--filter",
                   "segment=view")  # fmt: skip
    assert {name.removesuffix("T00:00:00Z"): numbers for name, numbers in found.items()} == counted(
        reported, "view", by_day=True
    )


def test_one_place_can_be_filtered(reported: Reported) -> None:
    """Of whoever is in one place there is one number, of its page views and of its visitors."""
    name = NETWORKS["192.0.2.0/28"][1][reported.places]
    found = answer(reported, "--metrics", "pageviews,visitors", "--filter", f"place={name}",
                   "--by", "place")  # fmt: skip
    assert found == {name: counted(reported, "view", by_day=False)[name]}
