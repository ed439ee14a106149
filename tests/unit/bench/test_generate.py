"""The benchmark's file is the same everywhere and as hard as it claims to be."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.bench import generate
from pipeline.bench.comparators import PATTERN
from pipeline.bench.population import ADDRESSES, AGENTS, PAGES, populate, populated


@pytest.fixture(scope="module")
def parsed() -> pl.DataFrame:
    """A whole day, parsed."""
    (day,) = generate.days(generate.LINES_A_DAY)
    return day.str.extract_groups(PATTERN).struct.unnest().with_columns(day)


def test_equal_seeds_write_equal_files(tmp_path: Path) -> None:
    """Figures of two machines speak of the same lines."""
    sizes = [generate.generate(tmp_path / name, 3_000) for name in ("a", "b")]
    generate.generate(tmp_path / "c", 3_000, seed=8)
    digests = [hashlib.sha256((tmp_path / n).read_bytes()).hexdigest() for n in "abc"]
    assert digests[0] == digests[1] != digests[2]
    assert sizes[0] == (tmp_path / "a").stat().st_size
    assert (tmp_path / "a").read_bytes().count(b"\n") == 3_000


def test_a_longer_file_has_more_days() -> None:
    """The last day takes what is left over."""
    lengths = [len(day) for day in generate.days(generate.LINES_A_DAY * 2 + 10)]
    assert lengths == [250_000, 250_000, 10]


def test_a_day_is_as_varied_as_promised(parsed: pl.DataFrame) -> None:
    """Every line is in the format; addresses, agents and pages are many; times are in order."""
    assert parsed["address"].null_count() == 0
    assert parsed["address"].n_unique() > 0.95 * ADDRESSES
    assert parsed["agent"].n_unique() > 0.9 * AGENTS
    assert parsed["target"].n_unique() > 0.95 * PAGES
    assert 230 < (parsed["line"].str.len_bytes().mean() or 0) < 270  # type: ignore[operator]
    assert parsed["time"].str.slice(0, 20).is_sorted()
    assert set(parsed["status"]) == {"200", "301", "304", "404", "500"}
    top = parsed["target"].value_counts()["count"].max()
    assert 0.05 < top / len(parsed) < 0.2  # type: ignore[operator]


def test_the_population_is_distinct() -> None:
    """30,000 addresses, 1,800 agents and 5,000 pages, none of them twice."""
    people = populate(np.random.default_rng(7))
    assert people.addresses.n_unique() == len(people.addresses) == ADDRESSES == 30_000
    assert people.agents.n_unique() == len(people.agents) == AGENTS == 1_800
    assert people.targets.n_unique() == len(people.targets) == PAGES == 5_000
    assert set(range(AGENTS)) == set(people.browsers.ravel().tolist())


def test_a_population_that_is_kept_is_the_one_that_would_be_drawn() -> None:
    """With what is drawn behind it, whoever has drawn before."""
    rng = np.random.default_rng(11)
    people, after = populate(rng), rng.integers(1 << 62, size=4).tolist()
    for _ in range(2):
        kept, going_on = populated(11)
        for name in ("addresses", "agents", "targets", "referrers"):
            assert getattr(kept, name).equals(getattr(people, name))
        for name in ("address_odds", "browsers", "target_odds", "referrer_odds"):
            assert np.array_equal(getattr(kept, name), getattr(people, name))
        assert going_on.integers(1 << 62, size=4).tolist() == after
    assert not [a for a in people.agents if re.search(r"[{}\"\\]", a)]
