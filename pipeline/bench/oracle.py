"""What door 2 must say, worked out slowly: plain Python sets, straight from docs/release.md.

It shares no code with ``pipeline.release`` on purpose, so that a figure that both agree on can be
trusted. It knows the case without late rows: everything has come before anything closes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.events import DIMENSIONS
from pipeline.rows import DAY, OTHER

Row = Mapping[str, Any]
"""One row of rows.CELLS."""
Key = tuple[Any, ...]

PARENTS: Final = {
    "page": "goal", "referrer": "referrer_kind", "came_from": "referrer_kind", "place": "country",
    "detail": "event",
}  # fmt: skip
_MOST_UNIONS: Final = 256
_OUTSIDE: Final = ("outside every cell of the parent",)


@dataclass
class Reference:
    """Table → (site, window start, and what tells its cells apart) → (hits, bytes, visitors).

    ``bytes`` is None for breakdowns. ``accounts``: site → (counted, released, withheld) hits.
    """

    tables: dict[str, dict[Key, tuple[int, int | None, int]]] = field(
        default_factory=lambda: {
            f"{kind}_{pace}": {}
            for kind in ("traffic", "breakdown", "segment", "segment_breakdown")
            for pace in ("hourly", "daily")
        }
    )
    accounts: dict[str, tuple[int, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Needs:
    """How many visitors make a cell."""

    k: int
    floor: int

    def of(self, dimension: str, value: str) -> int:
        """Return what an own cell needs."""
        return self.floor if dimension == "place" and value != "(unknown)" else self.k


@dataclass(frozen=True, eq=False)
class _Open:
    """A row that its hour did not show under its own value of a dimension."""

    visitor: int
    slot: Key
    cell: Key
    rest: Key


def release(rows: Iterable[Row], k: int, place_floor: int = 1) -> Reference:
    """Return everything that is released of ``rows`` when all windows have closed."""
    needs = _Needs(k, max(k, place_floor))
    reference = Reference()
    days: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        days[row["site"], row["hour"] // DAY * DAY].append(row)
    for (site, start), found in sorted(days.items()):
        counted, released = (
            sum(row["hits"] for row in found),
            _day(site, start, found, needs, reference),
        )
        before = reference.accounts.get(site, (0, 0, 0))
        reference.accounts[site] = (
            before[0] + counted,
            before[1] + released,
            before[2] + counted - released,
        )
    return reference


def _day(site: str, start: int, rows: list[Row], needs: _Needs, reference: Reference) -> int:
    """Release a day and its hours; return the hits of its traffic."""
    k = needs.k
    hours: dict[int, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        hours[row["hour"]].append(at)
    own_hour: dict[str, set[int]] = {name: set() for name in DIMENSIONS}
    in_hours: set[int] = set()
    for hour, places in sorted(hours.items()):
        shown = _loud(rows, places, k)
        labels = _hour(rows, shown, needs)
        in_hours.update(shown)
        for name, mine in labels.items():
            own_hour[name] |= mine
        _publish(reference, "hourly", site, hour, rows, shown, labels)
    shown = _joined(rows, in_hours, k)
    labels = _close(rows, shown, in_hours, own_hour, needs)
    _publish(reference, "daily", site, start, rows, shown, labels)
    return sum(rows[at]["hits"] for at in shown)


def _loud(rows: list[Row], places: list[int], k: int) -> list[int]:
    """Return the rows of the segments that have k visitors in the hour."""
    people = _people(rows, places, lambda at: rows[at]["segment"])
    return [at for at in places if len(people[rows[at]["segment"]]) >= k]


def _hour(rows: list[Row], shown: list[int], needs: _Needs) -> dict[str, set[int]]:
    """Return per dimension the rows that stand under their own value in the hour."""
    k = needs.k
    labels: dict[str, set[int]] = {}
    for name in DIMENSIONS:
        space = _spaces(rows, name, labels)
        places = [at for at in shown if space(at) != _OUTSIDE]
        people = _people(rows, places, lambda at, n=name, s=space: (s(at), rows[at][n]))  # type: ignore[misc]
        own = {cell for cell, found in people.items() if len(found) >= needs.of(name, cell[1])}
        for universe in {cell[0] for cell in people}:
            rest = _union(people[c] for c in people if c[0] == universe and c not in own)
            if 0 < len(rest) < k:
                own -= _smallest({c: people[c] for c in own if c[0] == universe})
        labels[name] = {at for at in places if (space(at), rows[at][name]) in own}
    return labels


def _joined(rows: list[Row], in_hours: set[int], k: int) -> list[int]:
    """Return the rows of the day's traffic: those of the hours, and all others but who must wait.

    Whoever is one of too few to come to a segment, or to be new to it or to its audience, waits;
    then there may be too few of others.
    """
    known = _people(rows, in_hours, lambda at: rows[at]["segment"])
    of_audience = _people(rows, in_hours, lambda at: _audience(rows[at]["segment"]))
    arrivals = [at for at in range(len(rows)) if at not in in_hours]
    more = _people(rows, arrivals, lambda at: rows[at]["segment"])
    while True:
        new_to: dict[str, set[int]] = defaultdict(set)
        for segment, visitors in more.items():
            audience = _audience(segment)
            new_to[audience] |= visitors - of_audience.get(audience, set())
        waiting: dict[str, set[int]] = {}
        for segment, visitors in more.items():
            new = visitors - known.get(segment, set())
            strange = visitors & new_to[_audience(segment)]
            waiting[segment] = (
                (visitors if len(visitors) < k else set())
                | (new if len(new) < k else set())
                | (strange if len(new_to[_audience(segment)]) < k else set())
            )
        if not any(waiting.values()):
            break
        more = {segment: visitors - waiting[segment] for segment, visitors in more.items()}
    joining = {at for at in arrivals if rows[at]["visitor"] in more[rows[at]["segment"]]}
    return [at for at in range(len(rows)) if at in in_hours or at in joining]


def _audience(segment: str) -> str:
    return "bot" if segment == "bot" else "human"


def _close(
    rows: list[Row],
    shown: list[int],
    in_hours: set[int],
    own_hour: dict[str, set[int]],
    needs: _Needs,
) -> dict[str, set[int]]:
    """Return per dimension the rows that stand under their own value in the day."""
    k = needs.k
    labels: dict[str, set[int]] = {}
    for name in DIMENSIONS:
        space = _spaces(rows, name, labels)
        known = own_hour[name]
        inside = [at for at in shown if space(at) != _OUTSIDE]

        def cell(at: int, name: str = name, space: Callable[[int], Any] = space) -> Key:
            return (space(at), rows[at][name])

        more = _people(rows, (at for at in inside if at not in known), cell)
        before = _people(rows, (at for at in inside if at in known), cell)
        own = {
            one for one, found in more.items()
            if len(found) >= k and len(found | before.get(one, set())) >= needs.of(name, one[1])
        }  # fmt: skip
        base = [(rows[at], rows[at][name]) for at in inside if at in known]
        _joining(own, more, base, k)
        parent = PARENTS.get(name)
        under = in_hours if parent is None else own_hour[parent]
        within: dict[Key, list[_Open]] = defaultdict(list)
        across: dict[Key, list[_Open]] = defaultdict(list)
        told: dict[Key, set[Key]] = defaultdict(set)
        for at in shown:
            row = rows[at]
            if at in known:
                told[cell(at)].add((row["hour"],))
                continue
            hour: Key = (row["hour"],) if at in in_hours else ("arrived",)
            slot = hour if parent is None or at in under else ("arrived",)
            visitor, rest = row["visitor"], ("rest", space(at))
            if space(at) != _OUTSIDE:
                within[rest].append(_Open(visitor, slot, cell(at), rest))
            level = (*hour, row[parent]) if parent is not None and at in under else hour
            wide = _Open(visitor, level, cell(at), rest)
            across[row["segment"],].append(wide)
        while True:
            for universe in within.values():
                _repair(universe, own, k, told)
            parts = across.values() if parent is not None else ()
            folded = sum(_repair(part, own, k) for part in parts)
            if not folded + _joining(own, more, base, k):
                break
        labels[name] = {at for at in inside if at in known or cell(at) in own}
    return labels


def _joining(own: set[Key], more: dict[Key, set[int]], known: list[tuple[Row, str]], k: int) -> int:
    """Fold the cells that may not join what stands under their values; return how many.

    All cells of a value in a segment are shown as one, and as one in all segments together. Where
    fewer than k visitors of all its open rows are new to it, what any of them is in is folded.
    """
    base: dict[Key, set[int]] = defaultdict(set)
    for row, value in known:
        base[row["segment"], value].add(row["visitor"])
        base[value,].add(row["visitor"])
    count = len(own)
    while True:
        new: dict[Key, set[int]] = defaultdict(set)
        for space, value in own:
            for shown in ((space[0], value), (value,)):
                new[shown] |= more[space, value] - base.get(shown, set())
        few = {
            (space, value)
            for space, value in own
            for shown in ((space[0], value), (value,))
            if len(new[shown]) < k and more[space, value] & new[shown]
        }
        if not few:
            return count - len(own)
        own -= few


def _repair(
    rows: list[_Open], own: set[Key], k: int, told: dict[Key, set[Key]] | None = None
) -> int:
    """Fold own cells until no rule is broken; return how many were folded.

    ``told`` says which slots each cell was shown beside, and so has nothing from.
    """
    folded = 0
    while True:
        mine: dict[Key, set[int]] = defaultdict(set)
        for row in rows:
            if row.cell in own:
                mine[row.cell].add(row.visitor)
        candidates = next((found for found in _broken(rows, set(mine), k, told) if found), None)
        if not candidates:
            return folded
        least = _smallest({c: mine[c] for c in candidates})
        own -= least
        folded += len(least)


def _broken(
    rows: list[_Open], own: set[Key], k: int, told: dict[Key, set[Key]] | None
) -> Iterator[set[Key]]:
    """For each rule, in order: the cells of which one must be folded, none where it holds."""
    rest = [row for row in rows if row.cell not in own]
    yield own if _short(rest, k) else set()
    yield from _alone(rows, own, k)
    slots: dict[Key, list[_Open]] = defaultdict(list)
    for row in rows:
        slots[row.slot].append(row)
    split = [
        row for part in slots.values() if len({r.cell in own for r in part}) > 1 for row in part
    ]
    left = [row for row in split if row.cell not in own]
    taken = [row for row in split if row.cell in own]
    yield {row.cell for row in taken} if _short(left, k) or _short(taken, k) else set()
    yield set() if told is None else _apart(rows, own, k, told)


def _apart(rows: list[_Open], own: set[Key], k: int, told: dict[Key, set[Key]]) -> set[Key]:
    """Cells that lie in slots, as the hours tell, of which too little is left without them."""
    slots = {row.slot for row in rows}
    full = {
        slot
        for slot in slots
        if len({r.visitor for r in rows if r.slot == slot and r.cell not in own}) >= k
    }
    within = {cell: frozenset(slots - told.get(cell, set())) for cell in own}
    within = {cell: mine for cell, mine in within.items() if not mine & full}
    unions: set[frozenset[Key]] = set()
    for one in set(within.values()):
        unions |= {one, *(one | other for other in unions)}
        if len(unions) > _MOST_UNIONS:
            return set(within)
    found: set[Key] = set()
    for union in unions:
        inside = {cell for cell, mine in within.items() if mine <= union}
        if _short([row for row in rows if row.slot in union and row.cell not in inside], k):
            found |= inside
    return found


def _alone(rows: list[_Open], own: set[Key], k: int) -> Iterator[set[Key]]:
    """Slots that are left with too little without the columns that lie in them alone."""
    column = {row: row.cell if row.cell in own else row.rest for row in rows}
    slots: dict[Key, set[Key]] = defaultdict(set)
    for row in rows:
        slots[column[row]].add(row.slot)
    single = {c for c, touched in slots.items() if len(touched) == 1}
    left: dict[Key, list[_Open]] = defaultdict(list)
    for row in rows:
        if column[row] not in single:
            left[row.slot].append(row)
    short = {
        slot
        for slot, part in left.items()
        if _short(part, k) and any(slots[c] == {slot} for c in single)
    }
    near = [row for row in rows if row.slot in short]
    yield {row.cell for row in near if row.cell in own and row.cell in single}
    yield {row.cell for row in near if row.cell in own}
    lonely = {row.rest for row in near if row.cell not in own and row.rest in single}
    yield {row.cell for row in rows if row.cell in own and row.rest in lonely}


def _spaces(rows: list[Row], name: str, labels: dict[str, set[int]]) -> Callable[[int], Any]:
    """Return which universe a row belongs to when ``name`` is partitioned."""
    parent = PARENTS.get(name)
    if parent is None:
        return lambda at: (rows[at]["segment"],)
    return lambda at: (rows[at]["segment"], rows[at][parent]) if at in labels[parent] else _OUTSIDE


def _publish(
    reference: Reference,
    pace: str,
    site: str,
    start: int,
    rows: list[Row],
    shown: list[int],
    labels: dict[str, set[int]],
) -> None:
    sums: dict[tuple[str, Key], list[int]] = defaultdict(lambda: [0, 0])
    people: dict[tuple[str, Key], set[int]] = defaultdict(set)
    for at in shown:
        row = rows[at]
        segment = row["segment"]
        cells: list[tuple[str, Key]] = [
            (f"traffic_{pace}", (site, start, _audience(segment))),
            (f"segment_{pace}", (site, start, segment)),
        ]
        for name, own in labels.items():
            value = row[name] if at in own else OTHER
            cells.append((f"breakdown_{pace}", (site, start, name, value)))
            cells.append((f"segment_breakdown_{pace}", (site, start, segment, name, value)))
        for cell in cells:
            sums[cell][0] += row["hits"]
            sums[cell][1] += row["bytes"]
            people[cell].add(row["visitor"])
    for (table, key), (hits, size) in sums.items():
        counts = hits, None if "breakdown" in table else size, len(people[table, key])
        reference.tables[table][key] = counts


def _people(
    rows: list[Row], places: Iterable[int], key: Callable[[int], Any]
) -> dict[Any, set[int]]:
    people: dict[Any, set[int]] = defaultdict(set)
    for at in places:
        people[key(at)].add(rows[at]["visitor"])
    return people


def _short(rows: list[_Open], k: int) -> bool:
    return 0 < len({row.visitor for row in rows}) < k


def _smallest(cells: dict[Key, set[int]]) -> set[Key]:
    """Return the smallest cell, or both of a leaf that has as many visitors in two parents."""

    def order(cell: Key) -> tuple[int, str]:
        return len(cells[cell]), cell[1]

    least = min(map(order, cells))
    return {cell for cell in cells if order(cell) == least}


def _union(sets: Iterable[set[int]]) -> set[int]:
    return set().union(*sets)
