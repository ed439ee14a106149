"""The simulated people move as people do."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline.simulate.people import OFFICE
from pipeline.simulate.sessions import visits
from pipeline.simulate.traffic import Site
from tests.unit.simulate.conftest import SCENARIO

HOUR = 3600 * 1_000_000


@pytest.fixture(scope="module")
def site() -> Site:
    return Site("shop", replace(SCENARIO, visits=2_000, bad=0.0, late=0.0, zone="America/New_York"))


@pytest.fixture(scope="module")
def people(site: Site) -> pl.DataFrame:
    """Every request of a person."""
    rows = pl.concat([rows for rows, _ in site.hours()])
    return rows.filter(~site.people.bots.gather(rows["agent"]))


def test_the_day_has_its_tide_on_the_clock_of_the_site(people: pl.DataFrame) -> None:
    local = pl.from_epoch(people["time"] // 1_000_000, "s").dt.replace_time_zone("UTC")
    hours = Counter(local.dt.convert_time_zone("America/New_York").dt.hour().to_list())
    night, evening = sum(hours[h] for h in (2, 3, 4)), sum(hours[h] for h in (19, 20, 21))
    assert evening > 8 * night


def test_few_pages_get_most_of_the_visits(site: Site, people: pl.DataFrame) -> None:
    pages = people.filter(people["target"] < len(site.catalogue.page_odds))
    shares = pages["target"].value_counts(sort=True)["count"]
    assert shares.head(10).sum() > 0.35 * len(pages)
    assert len(shares) > 200


def test_many_agents_share_the_address_of_an_office(site: Site, people: pl.DataFrame) -> None:
    offices = set(site.people.network[site.people.kind == OFFICE].tolist())
    agents = defaultdict(set)
    for first, agent in people.select("first", "agent").unique().iter_rows():
        if first in offices:
            agents[first].add(agent)
    assert max(map(len, agents.values())) > 10


def test_telephones_alone_change_their_address_within_a_visit(site: Site) -> None:
    rng = np.random.default_rng(1)
    _, pages = visits(rng, site.catalogue, site.people, SCENARIO.start, 3_000)
    walks = pages.group_by("visit").agg(
        pl.col("first").n_unique().alias("addresses"), pl.col("agent").first()
    )
    phones = site.people.texts.str.contains("Mobi").fill_null(value=False)
    moved = walks.filter(pl.col("addresses") > 1)
    assert len(moved) > 50
    assert phones.gather(moved["agent"]).all()


def test_an_address_of_a_carrier_is_met_with_few_requests(people: pl.DataFrame) -> None:
    """IPv6: a /64 for each stretch of a telephone's visit, one of many days for a home."""
    six = people.filter(pl.col("first") >= 1 << 32)
    carriers = six.filter(pl.col("first") & (1 << 31) != 0)
    homes = six.filter(pl.col("first") & (1 << 31) == 0)
    assert carriers["first"].n_unique() / len(carriers) > 2 * homes["first"].n_unique() / len(homes)
    interfaces = homes.group_by("first").agg(pl.col("second").n_unique())
    assert interfaces["second"].max() == SCENARIO.days


def test_what_is_on_its_way_waits_for_its_hour(site: Site) -> None:
    """So memory holds about an hour, however long the simulation."""
    for rows, events in site.hours():
        assert (rows["arrival"] // HOUR).n_unique() <= 1
        assert (events["time"] // HOUR).n_unique() <= 1
        assert rows["arrival"].is_sorted()
        assert events["time"].is_sorted()
