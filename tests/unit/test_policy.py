"""The policy in force at a moment, and the version that brought a purpose."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import policy
from pipeline.errors import SettingsError
from pipeline.policy import Policy, Retention, Version

RETENTION = Retention(24, 48, 90, 1100)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

WRITTEN = """
versions:
  - version: 1
    effective: 2026-01-01T00:00:00Z
    purposes: [operation, statistics]
    k: 10
    retention: {raw_topic_hours: 24, pseudonymous_hours: 48, vault_days: 90, rollups_days: 1100}
  - version: 3
    effective: 2026-02-01T00:00:00+02:00
    purposes: [operation, statistics, research]
    k: 20
    retention: {raw_topic_hours: 12, pseudonymous_hours: 24, vault_days: 30, rollups_days: 365}
"""


def version(number: int, *purposes: str, day: int | None = None) -> Version:
    effective = START + dt.timedelta(days=number if day is None else day)
    return Version(number, effective, frozenset(purposes), 10, RETENTION)


def test_a_file_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(WRITTEN)
    first, second = policy.load(path).versions
    packaged = policy.load().current.crossings
    assert first == Version(
        1, START, frozenset({"operation", "statistics"}), 10, RETENTION, crossings=packaged
    )
    assert second.version == 3
    assert second.effective == dt.datetime(2026, 1, 31, 22, tzinfo=dt.UTC)
    assert second.effective.tzinfo is dt.UTC
    assert second.retention == Retention(12, 24, 30, 365)
    assert policy.load(path).current == second


def test_a_version_that_has_not_begun_is_not_current(tmp_path: Path) -> None:
    """Its k and its retention are carried out from its day on, and not before."""
    path = tmp_path / "policy.yaml"
    path.write_text(WRITTEN)
    eve = dt.datetime(2026, 1, 31, 21, 59, 59, tzinfo=dt.UTC)
    assert policy.load(path, lambda: eve).current.k == 10
    assert policy.load(path, lambda: eve + dt.timedelta(seconds=1)).current.k == 20
    assert policy.load(path, lambda: eve).first_with("research") == 3
    with pytest.raises(SettingsError, match="no version is in force yet"):
        policy.load(path, lambda: START - dt.timedelta(seconds=1))


@pytest.mark.parametrize("wanted", [2, 5, 9])
def test_nobody_undercuts_the_policy_unseen(wanted: int) -> None:
    with pytest.raises(SettingsError, match=f"k {wanted} is below the policy's 10"):
        policy.k_in_force(Policy((version(1),)), wanted)


def test_a_higher_k_and_the_plainly_not_anonymous_one_are_taken() -> None:
    made = Policy((version(1),))
    assert [policy.k_in_force(made, k) for k in (None, 1, 10, 11)] == [10, 1, 10, 11]
    assert policy.k_in_force(made, 5, lower=True) == 5


def test_a_place_needs_its_floor_and_never_less_than_k(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(WRITTEN.replace("k: 20", "k: 20\n    place_floor: 30"))
    made = policy.load(path)
    assert [policy.floor_in_force(made, k) for k in (20, 30, 31)] == [30, 30, 31]
    assert policy.floor_in_force(made, 1) == 1, "a trial that is not anonymous shows all"
    path.write_text(WRITTEN)
    assert policy.floor_in_force(policy.load(path), 20) == policy.PLACE_FLOOR == 50


def test_a_floor_of_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(WRITTEN.replace("k: 20", "k: 20\n    place_floor: 0"))
    with pytest.raises(SettingsError, match="place_floor must be 1 or more"):
        policy.load(path)


@pytest.mark.parametrize(
    ("k", "promised", "says"),
    [
        (10, 10, None),
        (20, 10, None),
        (9, 10, "below the policy's k of 10: with k = 9 "),
        (2, 10, "below the policy's k of 10: with k = 2 "),
        (1, 10, "not anonymous: with k = 1 "),
        (1, 1, "not anonymous: with k = 1 "),
    ],
)
def test_what_a_k_lacks_is_said(k: int, promised: int, says: str | None) -> None:
    """A k of 1 is not anonymous, even where a policy says so itself."""
    said = policy.shortfall(k, promised)
    assert said is None if says is None else said is not None and said.startswith(says)


def test_the_packaged_policy_knows_the_purposes_of_statistics() -> None:
    made = policy.load()
    assert made.first_with("statistics") == made.first_with("operation") == 1
    assert made.current.k == 10
    assert made.current.retention.pseudonymous_hours <= 48


def test_at_a_moment_the_newest_version_that_has_begun() -> None:
    made = Policy((version(1), version(2), version(5)))
    at = [made.at(START + dt.timedelta(days=day, seconds=s)) for day, s in
          [(0, 0), (1, -1), (1, 0), (2, -1), (2, 0), (4, 0), (5, 0), (500, 0)]]  # fmt: skip
    assert [v and v.version for v in at] == [None, None, 1, 1, 2, 2, 5, 5]


def test_a_purpose_counts_from_the_version_that_brought_it() -> None:
    made = Policy((version(1, "a"), version(2, "a", "b"), version(4, "a", "b")))
    assert [made.first_with(p) for p in "abc"] == [1, 2, None]


def test_a_purpose_given_up_and_taken_again_counts_anew() -> None:
    """Data collected while it was not named, or before, were not collected for it."""
    made = Policy((version(1, "a", "b"), version(2, "b"), version(3, "a", "b"), version(4, "b")))
    assert made.first_with("a") is None
    assert Policy(made.versions[:3]).first_with("a") == 3
    assert Policy(made.versions[:2]).first_with("a") is None


@given(st.lists(st.frozensets(st.sampled_from("abc")), min_size=1, max_size=8))
def test_from_first_with_on_every_version_names_the_purpose(named: list[frozenset[str]]) -> None:
    made = Policy(tuple(version(n + 1, *purposes) for n, purposes in enumerate(named)))
    for purpose in "abc":
        since = made.first_with(purpose)
        if since is None:
            assert purpose not in named[-1]
            continue
        assert all(purpose in v.purposes for v in made.versions if v.version >= since)
        assert since == 1 or purpose not in named[since - 2]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version: 3", "version: 1", "oldest first"),
        ("version: 1", "version: 4", "oldest first"),
        ("2026-02-01", "2025-02-01", "oldest first"),
        ("k: 10", "k: 0", "k must be 1 or more"),
        ("k: 10", "k: ten", "needs version"),
        ("k: 20", "", "needs version"),
        ("effective: 2026-01-01T00:00:00Z", "effective: soon", "needs version"),
        ("vault_days: 90, ", "", "needs version"),
        ("vault_days: 90", "vault_years: 90", "needs version"),
        ("purposes: [operation, statistics]", "purposes: 7", "needs version"),
        ("versions:", "version:", "needs version"),
        ("versions:", "versions: [", "needs version"),
    ],
)
def test_a_mistake_gives_one_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(WRITTEN.replace(old, new, 1))
    with pytest.raises(SettingsError, match=says) as caught:
        policy.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_empty_list_and_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    with pytest.raises(SettingsError, match="cannot be read"):
        policy.load(path)
    path.write_text("versions: []\n")
    with pytest.raises(SettingsError, match="oldest first"):
        policy.load(path)
