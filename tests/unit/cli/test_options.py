"""What a person asks for by name is done, and said where it protects less than was promised."""

from __future__ import annotations

import pytest

from pipeline import policy
from pipeline.cli.options import k_asked_for


@pytest.mark.parametrize(("k", "noted"), [(None, False), (1, False), (5, True), (10, False)])
def test_a_k_below_the_policy_is_noted(
    k: int | None, noted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--k 5`` works for the group it starts; 1 is called not anonymous by the report itself."""
    assert k_asked_for(policy.load(), k) == (k or 10)
    heard = capsys.readouterr().err
    assert ("below the policy's 10" in heard) is noted
