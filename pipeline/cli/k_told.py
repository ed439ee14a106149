"""Which k a verb works with, and what is said of one that is below the policy's."""

from __future__ import annotations

import sys

from pipeline.policy import Policy, k_in_force, shortfall


def k_asked_for(made: Policy, k: int | None) -> int:
    """Return the k to work with, and say so where it is below the policy's."""
    in_force = k_in_force(made, k, lower=True)
    note_k(made, in_force)
    return in_force


def note_k(made: Policy, k: int) -> None:
    """Say on standard error what numbers of ``k`` lack of what the policy promises, if anything."""
    lacking = shortfall(k, made.current.k)
    if lacking is not None:
        sys.stderr.write(f"partywall: note: {lacking}\n")
