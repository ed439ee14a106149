"""Which values are not split, so that what is hidden of each column has k visitors to hide behind.

A weighted cover with demands, chosen greedily: whatever gives the most of what the columns lack for
what its own cells show (G. Dobson, *Worst-case analysis of greedy heuristics for integer
programming with nonnegative data*, Mathematics of Operations Research 7, 1982). A page that leads
to many others fills many columns at once, where each column by itself would choose another page.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable

Candidate = tuple[int, int, int, int, int, str]
"""Column, value, how many visitors the column lacks, how many the value has in it, how many see its
cells as they are shown, and the value's text."""


def cover(candidates: Iterable[Candidate]) -> list[int]:
    """Return values that together have what each column lacks, or all of one that stays short."""
    lacks: dict[int, int] = {}
    offers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    costs: dict[int, tuple[int, str]] = {}
    for column, value, lacking, has, shown, text in candidates:
        lacks[column] = lacking
        offers[value].append((column, has))
        costs[value] = shown, text

    def worth(value: int) -> float:
        given = sum(min(lacks[column], has) for column, has in offers[value])
        return given / (1 + costs[value][0])

    # What a value is worth only falls while others are chosen: one that is still worth as much as
    # the heap says is the best there is.
    heap = [(-worth(value), *costs[value], value) for value in offers]
    heapq.heapify(heap)
    chosen = []
    while heap:
        before, shown, text, value = heapq.heappop(heap)
        now = -worth(value)
        if now == 0:
            continue
        if now > before:
            heapq.heappush(heap, (now, shown, text, value))
            continue
        chosen.append(value)
        for column, has in offers[value]:
            lacks[column] = max(0, lacks[column] - has)
    lacking_still = {column for column, lacking in lacks.items() if lacking > 0}
    rest = (v for v, of in offers.items() if any(column in lacking_still for column, _ in of))
    return list(dict.fromkeys([*chosen, *rest]))
