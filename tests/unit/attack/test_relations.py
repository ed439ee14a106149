"""What is found without looking at every difference is what looking at every one finds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.attack.relations import Part, Relation, derived, suspect, tried

HITS = st.integers(0, 40)


@given(hits=st.lists(HITS, min_size=1, max_size=9), rest=st.integers(-5, 12), k=st.integers(2, 9))
def test_the_quick_look_finds_all_that_is_too_small(hits: list[int], rest: int, k: int) -> None:
    parts = tuple(Part(f"part {at}", count) for at, count in enumerate(hits))
    relation = Relation("about", Part("whole", sum(hits) + rest), parts)
    every = list(derived(relation))
    few = {(frozenset(one.less), one.hits) for one in every if one.hits < k}
    quick = {(frozenset(one.less), one.hits) for one in suspect(relation, k)}
    assert few <= quick <= {(frozenset(one.less), one.hits) for one in every}
    counted = Counter(one.kind for one in every)
    assert counted == Counter({kind: count for kind, count in tried(relation).items() if count})


def test_a_breakdown_of_thousands_of_values_is_no_long_look() -> None:
    parts = tuple(Part(f"page {at}", 10 + at % 7) for at in range(20_000))
    relation = Relation("about", Part("whole", sum(part.hits for part in parts)), parts)
    assert sum(1 for _ in suspect(relation, 10)) < 3 * len(parts)
    assert tried(relation)["triple"] == 20_000 * 19_999 // 2


def test_visitors_are_told_of_two_sets_alone() -> None:
    whole, parts = Part("day", 30, 12), (Part("hour 1", 10, 10), Part("hour 2", 12, 11))
    told = [one.visitors for one in derived(Relation("about", whole, parts))]
    assert told == [2, 1, None]
