"""Sets the entries of a bundle beside the hashes they must have, and names what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby

from pipeline.audit.findings import Finding, Kind, entries


class Present:
    """Where each leaf hash is found in the log, the first place of several."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}

    def add(self, first: int, hashes: Sequence[bytes]) -> None:
        """Remember entries that stand from ``first`` on."""
        for place, leaf in enumerate(hashes, first):
            self._places.setdefault(leaf, place)

    def __contains__(self, leaf: object) -> bool:
        return leaf in self._places

    def place(self, leaf: bytes) -> int:
        """Return where it stands."""
        return self._places[leaf]


def compare(
    first: int,
    found: Sequence[bytes],
    signed: Sequence[bytes],
    name: str,
    known: Mapping[bytes, int],
    present: Present,
) -> Iterator[Finding]:
    """Yield what differs between the leaf hashes ``found`` in a bundle and those ``signed`` for.

    ``first`` is the bundle's first entry, ``name`` its file, ``known`` where any hash was signed to
    stand, ``present`` where any is found. Neighbours with the same fate share a finding.
    """
    if list(found) == list(signed):
        return
    each: list[tuple[int, Kind, str]] = []
    matcher = SequenceMatcher(None, found, signed, autojunk=False)
    for tag, a, b, start, stop in matcher.get_opcodes():
        if tag == "equal":
            continue
        here = list(found[a:b])
        for place in range(start, stop):
            stands = here.pop(0) if here else None
            each.append((first + place, *_fate(signed[place], stands, known, present)))
        for leaf in here:
            what = (
                f"entry {known[leaf]} once more" if leaf in known else "an entry never signed for"
            )
            each.append((first + stop, Kind.ADDED, f"before it stands {what}"))
    for (kind, text, _), group in groupby(
        enumerate(each), key=lambda pair: (pair[1][1], pair[1][2], pair[1][0] - pair[0])
    ):
        run = [index for _, (index, _, _) in group]
        yield Finding(kind, entries(run[0], run[-1]), f"{text} ({name})")


def _fate(
    signed: bytes, stands: bytes | None, known: Mapping[bytes, int], present: Present
) -> tuple[Kind, str]:
    if stands is not None and stands in known:
        return Kind.REORDERED, f"in its place stands entry {known[stands]}"
    if signed in present:
        return Kind.REORDERED, f"it stands in the place of entry {present.place(signed)}"
    if stands is not None:
        return Kind.CHANGED, "not what was signed"
    return Kind.REMOVED, "gone"
