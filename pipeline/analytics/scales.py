"""Scales of histograms: classes in their order, with where each begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline import response_times, visit_lengths


@dataclass(frozen=True, slots=True)
class Scale:
    """``ends``: class → its beginning and its end; None where it has no end."""

    classes: tuple[str, ...]
    ends: Mapping[str, tuple[int, int | None]]

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the columns of a part that count each class; ``rest`` beside them is (other)."""
        return tuple(f"c{number}" for number in range(len(self.classes)))


RESPONSE_TIMES: Final = Scale(response_times.CLASSES, response_times.ENDS)
"""In milliseconds."""
VISIT_LENGTHS: Final = Scale(visit_lengths.CLASSES, visit_lengths.ENDS)
"""In seconds."""
