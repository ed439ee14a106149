"""Which two things may be released at a time: what a policy's ``crossings`` may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipeline.errors import SettingsError
from pipeline.events import DIMENSIONS, VIEW
from pipeline.release import leaves

ROLE: Final = "role"
NEXT: Final = "next_page"
PATH: Final = "click_path"

Crossings = Mapping[str, Mapping[str, Sequence[str]]]
"""Segment → dimension → what it is crossed with: other dimensions, and of views ``role``, and of
their pages ``next_page`` and ``click_path``."""


def check(crossings: Crossings) -> None:
    """Raise SettingsError where a policy crosses what cannot be crossed."""
    for segment, dimensions in crossings.items():
        for name, others in dimensions.items():
            allowed = set(DIMENSIONS) - {name}
            if segment == VIEW:
                allowed |= {ROLE, NEXT, PATH} if name == "page" else {ROLE}
            for across in others:
                if name not in DIMENSIONS or across not in allowed:
                    raise SettingsError(
                        f"policy: crossings: {name} x {across} in segment {segment} is not known: "
                        "name two dimensions, or under view a dimension and role, or page and "
                        "next_page or click_path"
                    )
            if PATH in others and not {ROLE, NEXT} <= set(others):
                raise SettingsError(
                    f"policy: crossings: {name} x {PATH} is made of {name} x {ROLE} and "
                    f"{name} x {NEXT}: name these too"
                )
        leaves.ordered(dimensions)
