"""Parts and wholes, and every difference between them.

A relation says that some sets, which share no request, lie within another. What is left when one,
two or all of them are taken away is a set that somebody can count who was told the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

Kind = Literal["number", "pair", "triple", "remainder", "system", "contradiction"]
"""How a set was come by: told, less one, less two, less all, by linear algebra; or not at all."""


@dataclass(frozen=True, slots=True)
class Part:
    """A set whose hits are known. ``visitors`` and ``bytes`` are None where they are not."""

    name: str
    hits: int
    visitors: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """``parts`` are apart from each other and within ``whole``; with ``exact`` they make it up.

    ``grows`` says that the whole is the one part, later: the difference of their visitors is the
    number of new ones, and not an overlap.
    """

    about: str
    whole: Part
    parts: tuple[Part, ...]
    exact: bool = False
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Derived:
    """A set that can be worked out, how many hits it has, and of which numbers it was made.

    ``visitors`` is the difference of the visitors of two nested sets, None where there are not two.
    """

    kind: Kind
    about: str
    whole: Part
    less: tuple[Part, ...]
    hits: int
    visitors: int | None = None
    bytes: int | None = None

    @property
    def what(self) -> str:
        """Say how the set is come by."""
        said = self.whole.name
        if self.less:
            said += f" less {' and '.join(part.name for part in self.less[:_NAMED])}"
        if len(self.less) > _NAMED:
            said += f" and {len(self.less) - _NAMED} more"
        return f"{self.about}: {said}"


_NAMED: Final = 4


def added(name: str, parts: Iterable[Part]) -> Part:
    """Return sets that share nothing as one."""
    parts = list(parts)
    sizes = [part.bytes for part in parts]
    known = [size for size in sizes if size is not None]
    return Part(
        name,
        sum(part.hits for part in parts),
        parts[0].visitors if len(parts) == 1 else None,
        sum(known) if len(known) == len(sizes) else None,
    )


def less(name: str, whole: Part, parts: Sequence[Part]) -> Part:
    """Return what is left of ``whole``."""
    return Part(name, whole.hits - sum(part.hits for part in parts))


def derived(relation: Relation) -> Iterator[Derived]:
    """Yield every difference of a relation: less one part, less two, and less all of them."""
    parts = relation.parts
    for part in parts:
        yield _taken(relation, (part,))
    for two in combinations(parts, 2):
        yield _taken(relation, two)
    if len(parts) > _TWO:
        yield _taken(relation, parts)


_TWO: Final = 2


def suspect(relation: Relation, k: int) -> Iterator[Derived]:
    """Yield those of ``derived`` that leave fewer than k hits, and all that are less one part.

    Of two parts that leave too little, the larger ones come first: where a part and the next in
    size leave k or more, so does it with all that follow. So a breakdown of thousands of values is
    tried whole without looking at millions of differences.
    """
    room = relation.whole.hits - k
    parts = sorted(relation.parts, key=lambda part: -part.hits)
    for part in parts:
        yield _taken(relation, (part,))
    for at, first in enumerate(parts):
        following = at + 1
        while following < len(parts) and first.hits + parts[following].hits > room:
            yield _taken(relation, (first, parts[following]))
            following += 1
        if following == at + 1:
            break
    if len(parts) > _TWO:
        yield _taken(relation, relation.parts)


def tried(relation: Relation) -> dict[Kind, int]:
    """Return how many sets ``derived`` makes of a relation."""
    count = len(relation.parts)
    return {
        "pair": count,
        "triple": count * (count - 1) // 2,
        "remainder": int(count > _TWO),
    }


def _taken(relation: Relation, parts: tuple[Part, ...]) -> Derived:
    whole = relation.whole
    kind: Kind = "pair" if len(parts) == 1 else "triple" if len(parts) == _TWO else "remainder"
    sizes = [part.bytes for part in parts]
    known = [size for size in sizes if size is not None]
    visitors = None
    if len(parts) == 1 and whole.visitors is not None and parts[0].visitors is not None:
        visitors = whole.visitors - parts[0].visitors
    return Derived(
        kind,
        relation.about,
        whole,
        parts,
        whole.hits - sum(part.hits for part in parts),
        visitors,
        whole.bytes - sum(known) if whole.bytes is not None and len(known) == len(sizes) else None,
    )
