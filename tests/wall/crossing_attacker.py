"""The attacker's work on tables of two dimensions: what their margins give away.

As in ``release_attacker``, a set of rows is an int with a bit per row. What a view was to its visit
is worked out here anew, in plain Python, for the one thing that everybody knows of visits: of what
does not change during one, as many end as begin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, Final

from pipeline.events import DIMENSIONS
from pipeline.rows import OTHER

Pairs = dict[tuple[str, str, str, str], int]
"""(dimension, value, across, across value) → the set of rows it stood for."""
Shown = Mapping[tuple[str, str], int]
"""(dimension, value) → the set, of a window's first revision."""
Rows = Sequence[Mapping[str, Any]]

GAP: Final = 1800
ROLES: Final = ("bounce", "entry", "between", "exit")
PARTS: Final = {
    "bounce or entry": ("bounce", "entry"),
    "between or exit": ("between", "exit"),
}
OF_PAGES: Final = {"next_page", "click_path"}
"""What is told of pages by the visits they were viewed in."""
OF_A_PERSON: Final = {"browser", "system", "device", "suspicion", "country", "place", "provider"}
_MOST_TOGETHER: Final = 5
_FEW: Final = 6
"""Of so many values two are taken together."""


def crossing_sets(
    pairs: Pairs, day: Shown, slots: Sequence[Shown], rows: Rows
) -> Iterator[tuple[str, int]]:
    """Yield what can be derived from a day's pairs of one segment, and what it is.

    ``slots`` is what each hour has said, and each edition of it by itself.
    """
    tables: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(dict)
    for (dimension, value, across, across_value), mask in pairs.items():
        tables[dimension, across][value, across_value] = mask
    roles = tables.get(("segment", "role"), {})
    told = union(mask for (name, _), mask in day.items() if name == "page")
    in_all = {name: mask for (_, name), mask in roles.items() if name != OTHER}
    if roles:
        yield from _lone_equal(roles, _roles(rows, told), "all views")
    yield from _moved(tables, day, rows, told)
    yield from _paths(tables, day, slots, _visits(rows, told))
    yield from _nested(tables, day)
    yield from _triangles(tables, day, in_all)
    yield from _through_parents(tables, day, in_all)
    for (dimension, across), cells in tables.items():
        for cell, mask in cells.items():
            yield f"{dimension} x {across} {cell}", mask
        if dimension == "segment" or across == "click_path":
            continue
        if across == "next_page":
            by_role = tables.get(("page", "role"), {})
            values, columns = _sums_of_moves(day, rows, by_role, in_all.keys())
        else:
            values = {value: mask for (name, value), mask in day.items() if name == dimension}
            columns = in_all if across == "role" else {
                value: mask
                for (name, value), mask in day.items()
                if name == across and value != OTHER
            }  # fmt: skip
        named = {cell: mask for cell, mask in cells.items() if cell[1] not in {OTHER, *PARTS}}
        where = f"{dimension} x {across}"
        yield from ((f"{where}: {what}", m) for what, m in _margins(named, cells, values, columns))
        if across == "role" and dimension in OF_A_PERSON:
            for value in values:
                mine = {(v, a): m for (v, a), m in named.items() if v == value}
                mine[value, OTHER] = values[value] & ~union(mine.values())
                yield from _lone_equal(mine, _roles(rows, told), f"{where} {value}")
        if across not in {"role", "next_page"}:
            yield from _turned(named, day, dimension, across)
            yield from _confined(named, day, slots, dimension, across)


def _triangles(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]],
    day: Shown,
    roles: Mapping[str, int],
) -> Iterator[tuple[str, int]]:
    """What three pairs of three columns tell together, each where all that is needed is shown."""
    every = union(mask for (name, _), mask in day.items() if name == "page")
    both = _either_way(tables, day)
    for one, two in both:
        for third in sorted({of for _, of in both} - {one, two, *OF_PAGES}):
            if not {"role", "segment", *OF_PAGES}.isdisjoint({one, two}):
                continue
            if not {(one, third), (two, third)} <= both.keys():
                continue
            whole_of = _two_of(roles) if third == "role" else {
                (value,): mask
                for (name, value), mask in day.items()
                if name == third and value != OTHER
            }  # fmt: skip
            for some, w, vw in _together(both[one, two]):
                for r, whole in whole_of.items():
                    vr = _sum_of(both[one, third], [(v, x) for v in some for x in r])
                    wr = _sum_of(both[two, third], [(w, x) for x in r])
                    if vr is None or wr is None:
                        continue
                    where = f"{one} {some}, {two} {w}, {third} {r}"
                    of_v, of_w = union(day[one, v] for v in some), day[two, w]
                    yield (
                        f"{where}: all of three, or none",
                        (vw & whole | every & ~of_v & ~of_w & ~whole),
                    )
                    yield f"{where}: two without the third", vw & ~whole | whole & ~of_v & ~of_w
                    yield f"{where}: first and third", vr & ~of_w | of_w & ~of_v & ~whole
                    yield f"{where}: second and third", wr & ~of_v | of_v & ~of_w & ~whole


def _together(
    cells: Mapping[tuple[str, str], int],
) -> Iterator[tuple[tuple[str, ...], str, int]]:
    """Yield the values that are told beside another, and two of them, with the cells' union."""
    of: dict[str, list[str]] = defaultdict(list)
    for v, w in cells:
        of[w].append(v)
    for w, values in of.items():
        for size in (1, 2) if len(values) <= _FEW else (1,):
            for some in combinations(values, size):
                yield some, w, union(cells[v, w] for v in some)


def _sum_of(cells: Mapping[tuple[str, str], int], wanted: Sequence[tuple[str, str]]) -> int | None:
    """Return the union of the cells, None where one of them is not told."""
    if any(cell not in cells for cell in wanted):
        return None
    return union(cells[cell] for cell in wanted)


def _through_parents(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]],
    day: Shown,
    roles: Mapping[str, int],
) -> Iterator[tuple[str, int]]:
    """What some leaves tell of an across value, with two pairs that their parent is one side of.

    Where the parent's own cell is not told, what its other leaves have stands beside a set of a
    triangle: alone, where nobody is in that set.
    """
    every = union(mask for (name, _), mask in day.items() if name == "page")
    both = _either_way(tables, day)
    for leaf, across in both:
        parent = DIMENSIONS.get(leaf)
        if parent is None or across in {parent, *OF_PAGES}:
            continue
        for near, third in both:
            if near != parent or third in {across, *OF_PAGES} or (across, third) not in both:
                continue
            for g, r in both[parent, third]:
                if r in PARTS:
                    continue
                of_g, of_r = day[parent, g], _whole(day, roles, third, r)
                inside = [n for n in _inside(day, leaf, of_g) if n != OTHER]
                for w in {w for w, of in both[across, third] if of == r and w not in PARTS}:
                    of_w = _whole(day, roles, across, w)
                    told = [n for n in inside if (n, w) in both[leaf, across]]
                    where = f"of {parent} {g}, {across} {w}, {third} {r}"
                    for some in _subsets(told):
                        here = union(both[leaf, across][n, w] for n in some)
                        leaves = union(day[leaf, n] for n in some)
                        rest, others = of_g & of_w & ~here, of_g & ~leaves & ~of_w
                        what = f"{leaf} {list(some)} {where}"
                        yield f"{what}: 1", rest | of_g & of_r & ~of_w | of_w & ~of_g & ~of_r
                        yield f"{what}: 2", rest | of_w & of_r & ~of_g | of_g & ~of_w & ~of_r
                        nothing = every & ~of_g & ~of_w & ~of_r
                        yield f"{what}: 3", others | of_g & of_w & of_r | nothing
                        yield f"{what}: 4", others | of_g & of_w & ~of_r | of_r & ~of_g & ~of_w


def _whole(day: Shown, roles: Mapping[str, int], name: str, value: str) -> int:
    return roles[value] if name == "role" else day[name, value]


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(1, min(len(names), _MOST_TOGETHER) + 1):
        yield from combinations(names, size)


def _either_way(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]], day: Shown
) -> dict[tuple[str, str], dict[tuple[str, str], int]]:
    """Return the named cells of all pairs, in both orders, and what leaves tell of their parent."""
    both: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for (one, two), cells in tables.items():
        named = {(v, w): mask for (v, w), mask in cells.items() if OTHER not in {v, w}}
        named |= _known_empty(named, day, one, two)
        both[one, two] = named
        both[two, one] = {(w, v): mask for (v, w), mask in named.items()}
    _add_parents(both, day)
    return both


def _add_parents(both: dict[tuple[str, str], dict[tuple[str, str], int]], day: Shown) -> None:
    """Add the cells of a parent that its leaves tell, where no table of its own does."""
    for leaf, parent in DIMENSIONS.items():
        for of, cells in list(both.items()):
            if parent is None or of[0] != leaf or (parent, of[1]) in both:
                continue
            added: dict[tuple[str, str], int] = {}
            for (name, value), whole in day.items():
                if name != parent or value == OTHER:
                    continue
                inside = {n: m for n, m in _inside(day, leaf, whole).items() if n != OTHER}
                if union(inside.values()) != whole:
                    continue
                for across in {w for _, w in cells}:
                    if all((n, across) in cells for n in inside):
                        added[value, across] = union(cells[n, across] for n in inside)
            both[parent, of[1]] = added
            both[of[1], parent] = {(w, v): mask for (v, w), mask in added.items()}


def _two_of(roles: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    """Return the views of each role, and of any two of them together."""
    return {
        some: union(roles[role] for role in some)
        for size in (1, 2)
        for some in combinations(sorted(roles), size)
    }


def _known_empty(
    named: Mapping[tuple[str, str], int], day: Shown, one: str, two: str
) -> dict[tuple[str, str], int]:
    """Return the cells that are not told, of values of which all is told: nobody is in these."""
    if one == "segment" or two in {"role", *OF_PAGES}:
        return {}
    of = {v: mask for (name, v), mask in day.items() if name == one and v != OTHER}
    to = {w: mask for (name, w), mask in day.items() if name == two and w != OTHER}
    left = {v: m & ~union(c for (x, _), c in named.items() if x == v) for v, m in of.items()}
    hides = {w: m & ~union(c for (_, x), c in named.items() if x == w) for w, m in to.items()}
    cells = ((v, w) for v in of for w in to)
    return {(v, w): 0 for v, w in cells if (v, w) not in named and 0 in {left[v], hides[w]}}


def _inside(day: Shown, leaf: str, whole: int) -> dict[str, int]:
    """Return the leaves of a parent value by themselves, and its others together."""
    found = {
        value: mask
        for (name, value), mask in day.items()
        if name == leaf and value != OTHER and mask & ~whole == 0 and mask
    }
    rest = whole & ~union(found.values())
    return {**found, OTHER: rest} if rest else found


def _moved(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]],
    day: Shown,
    rows: Rows,
    told: int,
) -> Iterator[tuple[str, int]]:
    """What a page's views are besides its moves, and besides the roles that no move has."""
    moves = tables.get(("page", "next_page"), {})
    roles = tables.get(("page", "role"), {})
    after: dict[int, int] = {}
    for visit in _visits(rows, told):
        after |= dict(pairwise(visit))
    for page in {page for cell in moves for page in cell}:
        away = union(mask for (one, _), mask in moves.items() if one == page)
        coming = union(mask for (_, other), mask in moves.items() if other == page)
        to = union(1 << at for before, at in after.items() if coming >> before & 1)
        for taken, apart in ((away, ("bounce", "exit")), (to, ("bounce", "entry"))):
            left = day["page", page] & ~taken
            yield f"{page} less its moves", left
            yield (
                f"{page} less its moves and {apart}",
                left & ~union(roles.get((page, role), 0) for role in apart),
            )


def _paths(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]],
    day: Shown,
    slots: Sequence[Shown],
    visits: Sequence[Sequence[int]],
) -> Iterator[tuple[str, int]]:
    """What pages, their roles and their moves have besides the views of paths that are told.

    A path's number is that of its first views, its second ones and so on; of the last one that it
    names it does not say what followed.
    """
    roles, moves = tables.get(("page", "role"), {}), tables.get(("page", "next_page"), {})
    views: dict[str, int] = defaultdict(int)
    away: dict[tuple[str, str], int] = defaultdict(int)
    ways = [
        _spots(path, mask, visits)
        for (_, path), mask in tables.get(("page", "click_path"), {}).items()
    ]
    for way in ways:
        for page, some in way:
            views[page] |= some
        for (page, some), (other, _) in pairwise(way):
            away[page, other] |= some
    first = union(way[0][1] for way in ways)
    for (_, role), mask in tables.get(("segment", "role"), {}).items():
        yield f"all {role} less paths", mask & ~union(views.values())
        yield f"all {role} less first views of paths", mask & ~first
    for page, some in views.items():
        moved = union(mask for (of, _), mask in moves.items() if of == page)
        taken = union(mask for (of, _), mask in away.items() if of == page)
        whole = day["page", page]
        yield f"page {page} less paths", whole & ~some
        yield f"page {page} less paths and moves", whole & ~some & ~moved
        yield f"page {page} less moves that paths leave", whole & ~(moved & ~taken)
    for (page, role), mask in roles.items():
        yield f"page {page} {role} less paths", mask & ~views[page]
    for step, some in away.items():
        yield f"move {step} less paths", moves.get(step, some) & ~some
    for shown in slots:
        yield from _paths_of_a_slot(ways, day, shown)


Way = list[tuple[str, int]]
"""The pages of a path, each with the views of that step of it."""


def _spots(path: str, mask: int, visits: Sequence[Sequence[int]]) -> Way:
    pages = [page for page in path.split(" > ") if page != "…"]
    mine = [visit for visit in visits if mask >> visit[0] & 1]
    return [(page, union(1 << visit[at] for visit in mine)) for at, page in enumerate(pages)]


def _paths_of_a_slot(ways: Sequence[Way], day: Shown, shown: Shown) -> Iterator[tuple[str, int]]:
    """What an hour said of a page, less the paths that a page leads to which was there alone."""
    hour = union(mask for (name, _), mask in shown.items() if name == "page")
    if union(day.values()) & ~hour == 0:
        return
    near = [way for way in ways if any(day["page", page] & ~hour == 0 for page, _ in way)]
    for (name, value), mask in shown.items():
        if name == "page":
            inside = (some for way in near for page, some in way if page == value)
            taken = union(some for some in inside if some & ~mask == 0)
            yield f"page {value} of a slot less paths there", mask & ~taken


def _nested(
    tables: Mapping[tuple[str, str], dict[tuple[str, str], int]], day: Shown
) -> Iterator[tuple[str, int]]:
    """The pairs of parent values less those of their leaves, and what the leaves of one tell."""
    turned = {
        (two, one): {(w, v): mask for (v, w), mask in cells.items() if w != OTHER}
        for (one, two), cells in tables.items()
        if two in DIMENSIONS
    }
    for dimension, parent in DIMENSIONS.items():
        if (dimension, "role") in tables and (parent, "role") in tables:
            leaves, wholes = tables[dimension, "role"], tables[str(parent), "role"]
            yield from _leaves(leaves, wholes, day, dimension, str(parent))
        every = {**turned, **tables}
        for of, cells in every.items():
            if of[0] != dimension or of[1] not in DIMENSIONS or (parent, of[1]) not in every:
                continue
            wholes = every[str(parent), of[1]]
            yield from _leaves(cells, wholes, day, dimension, str(parent))
            for value in {v for v, _ in wholes if v != OTHER}:
                inside = _inside(day, dimension, day[str(parent), value])
                named = {
                    (v, w): mask
                    for (v, w), mask in cells.items()
                    if v in inside and OTHER not in {v, w}
                }
                columns = {w: mask for (v, w), mask in wholes.items() if v == value and w != OTHER}
                for what, mask in _margins(named, {}, inside, columns):
                    yield f"{dimension} within {parent} {value} x {of[1]}: {what}", mask


def _leaves(
    cells: Mapping[tuple[str, str], int],
    parents: Mapping[tuple[str, str], int],
    day: Shown,
    dimension: str,
    parent: str,
) -> Iterator[tuple[str, int]]:
    """What a parent value's pair has besides those of its leaves."""
    for (whole, name), mask in parents.items():
        inside = union(
            part
            for (leaf, told), part in cells.items()
            if told in {name, *PARTS.get(name, ())} - {OTHER}
            and leaf != OTHER
            and day[dimension, leaf] & ~day[parent, whole] == 0
        )
        yield f"{parent} {whole} {name} less {dimension}", mask & ~inside


def _margins(
    named: Mapping[tuple[str, str], int],
    cells: Mapping[tuple[str, str], int],
    values: Mapping[str, int],
    columns: Mapping[str, int],
) -> Iterator[tuple[str, int]]:
    """Rows less their cells, columns less theirs, and all that follows of several columns.

    Whoever knows which values show a column knows that all it hides is of the others: those
    together, less what the column hides, is what they hide besides.
    """
    rests = [
        (value, covers, mask & ~union(c for (of, _), c in named.items() if of == value) & part)
        for value, mask in values.items()
        for covers, part in _parts(value, cells)
    ]
    hidden = {
        a: m & ~union(c for (_, of), c in named.items() if of == a) for a, m in columns.items()
    }
    yield from ((f"rest of {value} {covers}", mask) for value, covers, mask in rests)
    yield from ((f"hidden of {name}", mask) for name, mask in hidden.items())
    names = sorted(hidden)
    for size in range(1, min(len(names), _MOST_TOGETHER) + 1):
        if size > 2 and len(names) > _MOST_TOGETHER:
            break
        for some in combinations(names, size):
            near = union(
                mask
                for value, covers, mask in rests
                if any((value, name) not in named and name in (covers or names) for name in some)
            )
            taken = union(hidden[name] for name in some)
            if taken & ~near == 0:
                yield f"values that hide {some}, less them", near & ~taken


def _turned(
    named: Mapping[tuple[str, str], int], day: Shown, dimension: str, across: str
) -> Iterator[tuple[str, int]]:
    """The same with columns for rows: either may be the one that hides the rest."""
    turned = {(a, v): mask for (v, a), mask in named.items()}
    of = {value: mask for (name, value), mask in day.items() if name == across}
    to = {v: mask for (name, v), mask in day.items() if name == dimension and v != OTHER}
    for what, mask in _margins(turned, {}, of, to):
        yield f"{across} x {dimension}: {what}", mask


def _parts(
    value: str, cells: Mapping[tuple[str, str], int]
) -> list[tuple[tuple[str, ...] | None, int]]:
    """Return the parts in which a value's rest is told, each with the columns that it covers."""
    found: list[tuple[tuple[str, ...] | None, int]] = []
    for name, roles in PARTS.items():
        if (value, name) in cells:
            found.append((roles, cells[value, name]))
    return found or [(None, -1)]


def _lone_equal(
    cells: Mapping[tuple[str, str], int], roles: Mapping[str, int], where: str
) -> Iterator[tuple[str, int]]:
    """Whoever is told one of entries and exits knows the other."""
    shown = {name: mask for (_, name), mask in cells.items()}
    for told, known in (("entry", "exit"), ("exit", "entry")):
        if told in shown and known not in shown and OTHER in shown:
            yield f"{where}: other less {known}", shown[OTHER] & ~roles[known]


def _confined(
    named: Mapping[tuple[str, str], int],
    day: Shown,
    slots: Sequence[Shown],
    dimension: str,
    across: str,
) -> Iterator[tuple[str, int]]:
    """Pairs of values that are in one slot only are parts of what was said of it."""
    for shown in slots:
        whole = union(mask for (name, _), mask in shown.items() if name == dimension)
        if union(day.values()) & ~whole == 0:
            continue
        for one, at, other in ((dimension, 0, across), (across, 1, dimension)):
            inside = {
                value: mask
                for (name, value), mask in day.items()
                if name == one and mask and mask & ~whole == 0
            }
            parts = [mask for cell, mask in named.items() if cell[at] in inside]
            for (name, value), mask in shown.items():
                if name == other:
                    taken = union(part for part in parts if part & ~mask == 0)
                    yield f"{name} {value} of a slot less {one} there", mask & ~taken


def _roles(rows: Rows, told: int) -> dict[str, int]:
    """Return role → the views that were that."""
    found: dict[str, int] = defaultdict(int)
    for visit in _visits(rows, told):
        if len(visit) == 1:
            found["bounce"] |= 1 << visit[0]
            continue
        found["entry"] |= 1 << visit[0]
        found["exit"] |= 1 << visit[-1]
        for at in visit[1:-1]:
            found["between"] |= 1 << at
    return found


def _told(
    moves: dict[str, int], by_role: Mapping[tuple[str, str], int], roles: set[str]
) -> dict[str, int]:
    """Return the pages whose moves add up from their roles: shown ones, and what is left."""
    found = {}
    for page, mask in moves.items():
        parts = [set(part) for name, part in PARTS.items() if (page, name) in by_role]
        hidden = {role for role in ROLES if (page, role) not in by_role}
        left = [hidden & part for part in parts] or [hidden]
        if all(part <= roles or not part & roles for part in left):
            found[page] = mask
    return found


def _moves(day: Shown, rows: Rows) -> tuple[dict[str, int], dict[str, int]]:
    """Return page → the moves from it and those to it, of views that are in the page's cell."""
    told = union(mask for (name, _), mask in day.items() if name == "page")
    away: dict[str, int] = defaultdict(int)
    to: dict[str, int] = defaultdict(int)
    for visit in _visits(rows, told):
        for at, after in pairwise(visit):
            page, other = str(rows[at]["page"]), str(rows[after]["page"])
            if day.get(("page", page), 0) >> at & 1:
                away[page] |= 1 << at
            if day.get(("page", other), 0) >> after & 1:
                to[other] |= 1 << at
    return away, to


def _sums_of_moves(
    day: Shown, rows: Rows, by_role: Mapping[tuple[str, str], int], in_all: Iterable[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the moves from each page and those to it, where they are known.

    Those from no such page may be to any. Where all moves are known, so is how many these are;
    else nothing follows of moves to a page.
    """
    told = union(mask for (name, _), mask in day.items() if name == "page")
    away, to = _moves(day, rows)
    values = _told(away, by_role, {"entry", "between"})
    columns = _told(to, by_role, {"between", "exit"})
    every = union(1 << at for visit in _visits(rows, told) for at in visit[:-1])
    if others := every & ~union(values.values()):
        values[OTHER] = others
        columns = columns if {"entry", "between"} <= set(in_all) else {}
    return values, columns


def _visits(rows: Rows, told: int) -> list[list[int]]:
    """Return the places of each visit's views, in order, of those that the day told of."""
    views: dict[object, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row["segment"] == "view" and told >> at & 1:
            views[row["visitor"]].append(at)
    found: list[list[int]] = []
    for mine in views.values():
        mine.sort(key=lambda at: (rows[at]["hour"] + rows[at]["second"], rows[at]["page"]))
        last, campaign = None, None
        for at in mine:
            time, came = rows[at]["hour"] + rows[at]["second"], rows[at]["campaign"]
            new = came not in {"(none)", campaign}
            if last is None or time - last > GAP or new:
                found.append([])
            found[-1].append(at)
            last, campaign = time, campaign if came == "(none)" else came
    return found


def union(sets: Iterable[int]) -> int:
    """Return the rows that are in any of the sets."""
    whole = 0
    for rows in sets:
        whole |= rows
    return whole
