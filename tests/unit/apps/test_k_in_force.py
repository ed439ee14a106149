"""The k that release works with, and the one that doctor names, is never one below the policy."""

from __future__ import annotations

import pytest

from pipeline.apps import release
from pipeline.cli.doctor import _anonymity
from pipeline.errors import SettingsError
from pipeline.settings import Settings


def test_release_does_not_start_under_a_lower_k() -> None:
    with pytest.raises(SettingsError, match="k 2 is below the policy's 10"):
        release.Worker(Settings(k=2))


@pytest.mark.parametrize(
    ("k", "state", "say"),
    [
        (None, "ok", "10 visitors or more"),
        (20, "ok", "20 visitors or more"),
        (2, "problem", "k 2 is below the policy's 10"),
        (1, "warning", "not anonymous"),
    ],
)
def test_doctor_says_what_k_is_worth(k: int | None, state: str, say: str) -> None:
    [finding] = _anonymity(Settings(k=k))
    assert finding.state == state
    assert say in finding.say


def test_doctor_says_so_of_a_lower_k_that_somebody_asked_for() -> None:
    [finding] = _anonymity(Settings(k=3, lower_k=True))
    assert (finding.state, finding.say[:26]) == ("warning", "below the policy's k of 10")
