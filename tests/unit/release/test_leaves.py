"""Pairs of leaves stand behind those of their parents; what cannot be protected is refused."""

from __future__ import annotations

import pytest

from pipeline import policy
from pipeline.errors import SettingsError
from pipeline.release.crossings import check
from pipeline.release.leaves import ordered, thirds


def test_the_packaged_pairs_can_be_protected() -> None:
    check(policy.load().current.crossings)


def test_a_leaf_comes_after_its_parent_and_within_it() -> None:
    crossed = {"page": ["referrer_kind", "status"], "goal": ["referrer_kind"]}
    found = [(pair.names, pair.over) for pair in ordered(crossed)]
    assert found == [
        (("goal", "referrer_kind"), None),
        (("page", "referrer_kind"), ("goal", "referrer_kind")),
        (("page", "status"), None),
    ]


@pytest.mark.parametrize(
    ("crossed", "said"),
    [
        ({"page": ["referrer_kind", "referrer"]}, "write it under referrer"),
        ({"goal": ["referrer_kind"], "page": ["referrer"]}, "leave one of them out"),
        (
            {"goal": ["referrer"], "page": ["referrer_kind", "referrer"]},
            "cannot be protected beside page x referrer_kind: leave one of them out",
        ),
        (
            {"goal": ["referrer_kind"], "page": ["referrer_kind"], "referrer": ["page"]},
            "leave one of them out",
        ),
    ],
)
def test_what_is_within_two_is_refused_in_one_line(
    crossed: dict[str, list[str]], said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        check({"view": crossed})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parent_stands_for_its_leaves_in_a_triangle_and_they_for_it() -> None:
    crossed = {"goal": ["country"], "page": ["role"], "country": ["role", "device"]}
    assert thirds(crossed, ("goal", "country"), ("role", "device")) == ["role"]
    crossed = {"goal": ["country", "device"], "country": ["device"]}
    assert thirds(crossed, ("country", "device"), ("goal", "role")) == ["goal"]
