"""What ``partywall doctor`` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``say`` tells what to do where it is not well."""

    about: str
    state: Literal["ok", "warning", "problem"]
    say: str
