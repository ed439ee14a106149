"""The simulated traffic is repeatable, looks like a log, and says truly what it holds."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from random import Random

import pytest

from pipeline.demo.plants import Garden
from pipeline.demo.traffic import SITES, Traffic, simulate

START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
COMBINED = re.compile(
    rb'(?P<address>\S+) - \S+ \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) '
    rb'(?P<bytes>\d+|-) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"'
)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Ten thousand lines: enough for every kind of plant to occur."""
    return simulate(START, lines=10_000)


def test_equal_seeds_give_equal_lines(traffic: Traffic) -> None:
    """A demo that finds something can be repeated."""
    again = simulate(START, lines=10_000)
    assert [line.text for line in again.lines] == [line.text for line in traffic.lines]
    other = simulate(START, lines=10_000, seed=8)
    assert [line.text for line in other.lines] != [line.text for line in traffic.lines]


def test_the_truth_is_an_independent_count(traffic: Traffic) -> None:
    """Every number of the truth equals what a plain regular expression counts."""
    assert len(traffic.lines) == 10_000
    for site in SITES:
        truth, lines = traffic.truth[site], traffic.of(site)
        matches = [match for line in lines if (match := COMBINED.fullmatch(line))]
        statuses = Counter(m["status"].decode() for m in matches)
        visitors = {(_day(m["time"]), m["address"], m["agent"]) for m in matches}
        assert truth.lines == len(lines)
        assert truth.hits == len(matches) == truth.lines - truth.malformed
        assert truth.malformed > 0
        assert truth.late > 0
        assert truth.statuses == statuses
        assert truth.bytes == sum(int(m["bytes"]) for m in matches if m["bytes"] != b"-")
        assert truth.days == Counter(_day(m["time"]) for m in matches)
        assert truth.visitors == Counter(day for day, _, _ in visitors)
        assert set(truth.days) == {"2026-03-02", "2026-03-03", "2026-03-04"}


def test_lines_come_in_order_of_arrival_and_some_late(traffic: Traffic) -> None:
    """Arrival never runs backwards, while the written times do."""
    arrivals = [line.arrival for line in traffic.lines]
    assert arrivals == sorted(arrivals)
    late = sum(truth.late for truth in traffic.truth.values())
    assert 10 < late < 200


def test_thousands_of_values_of_every_kind_are_planted(traffic: Traffic) -> None:
    """No value is planted twice or short enough to turn up by chance."""
    kinds = Counter(plant.kind for plant in traffic.plants)
    assert len(traffic.plants) > 2_000
    assert set(kinds) == {
        "address", "address in path", "agent", "auth user", "card", "chat id", "e-mail",
        "e-mail name", "host", "install id", "message", "name", "phone", "search term",
        "session cookie", "token", "user name", "uuid",
    }  # fmt: skip
    values = [plant.value for plant in traffic.plants]
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 10


def test_a_plant_never_shows_its_value() -> None:
    """A failing test or a debug log prints no planted value."""
    garden = Garden(Random(1))
    value = garden.email()
    assert value not in repr(garden.plants)


def test_card_numbers_pass_their_check_digit() -> None:
    """A scrubber that checks Luhn's digit must see real-looking numbers."""
    for number in (Garden(Random(seed)).card() for seed in range(50)):
        digits = [int(d) for d in reversed(number)]
        doubled = [sum(divmod(2 * d, 10)) for d in digits[1::2]]
        assert (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _day(stamp: bytes) -> str:
    moment = dt.datetime.strptime(stamp.decode(), "%d/%b/%Y:%H:%M:%S %z")
    return moment.astimezone(dt.UTC).date().isoformat()
