"""A format tried on a file's first lines, and the list of formats: what is told, never a value."""

from __future__ import annotations

from pipeline.clock import Clock
from pipeline.restricted import Listed, Trial, check, check_goals, listing, try_lines
from pipeline.settings import Split
from pipeline.shipping import inputs

__all__ = ["Listed", "Trial", "check", "check_goals", "listing", "tried"]


def tried(name: str, format_: str, settings: Split, clock: Clock) -> Trial:
    """Try a format on the first lines of a file (``-`` is standard input); raises InputError."""
    shown = "standard input" if name == inputs.STDIN else name
    now = int(clock().timestamp())
    return try_lines(shown, inputs.head(name), format_, settings, now)
