"""Precision and recall of each detector on the labelled corpus, as the table of the docs.

``python -m tests.support.scrub_figures`` prints it; ``--write`` puts it into docs/scrubbing.md.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pipeline.restricted.scrub.detectors import DETECTORS
from pipeline.restricted.scrub.numbers import NATIONAL
from pipeline.restricted.scrub.spelling import searchable
from tests.support.scrub_corpus import KINDS, Value, corpus

PAGE: Final = Path(__file__).parents[2] / "docs/scrubbing.md"
TABLE: Final = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)
NAMES: Final = (*KINDS, "national-id")


@dataclass(frozen=True, slots=True)
class Figures:
    """``found`` of ``positives``; ``wrong``: ordinary values taken; ``others``: of other kinds."""

    positives: int
    found: int
    wrong: int
    others: float

    @property
    def recall(self) -> float:
        return self.found / self.positives

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong)


def is_of(value: Value, name: str) -> bool:
    """Tell whether detector ``name`` has to find ``value``."""
    return value.kind == name or (name == "national-id" and value.kind in NATIONAL)


def figures(values: Iterable[Value]) -> dict[str, Figures]:
    """Count what each detector does with each value, alone."""
    size: Counter[str | None] = Counter()
    hits: Counter[tuple[str, str | None]] = Counter()
    for value in values:
        size[value.kind] += 1
        plain = searchable(value.text)
        for name in NAMES:
            if DETECTORS[name].is_in(plain):
                hits[name, value.kind] += 1
    found = {}
    for name in NAMES:
        mine = {kind for kind in KINDS if is_of(Value("", kind, ""), name)}
        rest = KINDS.keys() - mine
        others = sum(hits[name, kind] for kind in rest) / sum(size[kind] for kind in rest)
        found[name] = Figures(
            sum(size[kind] for kind in mine),
            sum(hits[name, kind] for kind in mine),
            hits[name, None],
            others,
        )
    return found


@cache
def computed() -> dict[str, Figures]:
    """Return the figures of the corpus as it is."""
    return figures(corpus())


def table() -> str:
    """Return the figures as the docs have them."""
    lines = [
        "| detector | values | recall | precision | taken of other kinds |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| `{name}` | {one.positives:,} | {one.recall:.3f} | {one.precision:.3f} | "
        f"{one.others:.1%} |"
        for name, one in computed().items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
    if "--write" in sys.argv:
        PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text("utf-8")), "utf-8")
