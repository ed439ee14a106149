"""What a person asks for by name is done, and said where it protects less than was promised."""

from __future__ import annotations

import sys
import zoneinfo

import pytest

from pipeline import policy
from pipeline.cli.checks import check_zone
from pipeline.cli.k_told import k_asked_for


@pytest.mark.parametrize(
    ("k", "noted"),
    [(None, ""), (1, "not anonymous"), (5, "below the policy's k of 10"), (10, ""), (20, "")],
)
def test_a_k_below_the_policy_is_noted(
    k: int | None, noted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--k 5`` works for the group it starts, as 1 does: each is called what it is."""
    assert k_asked_for(policy.load(), k) == (k or 10)
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.count("\n") == bool(noted)
    assert noted in heard.err


def test_a_zone_is_known_without_a_database_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of split are built in, and a slim image has no others."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(())
    try:
        zoneinfo.ZoneInfo.clear_cache()
        with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
            zoneinfo.ZoneInfo("Europe/Berlin")
        check_zone("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()
