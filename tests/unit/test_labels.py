"""A label has one shape, wherever it comes in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.cli.checks import check_label
from pipeline.errors import SettingsError, UsageError
from pipeline.labels import of_key
from pipeline.restricted.lines import Label, Labeller
from pipeline.settings import load

GOOD = ["a", "live", "shop.example", "backfill-1", "0_x", "x" * 64]
BAD = ["-x", ".x", "_x", "a b", "a/b", "a\n", "a\nb", "\u00e4", "x" * 65]


def _typed(label: str) -> bool:
    try:
        check_label("--site", label)
    except UsageError:
        return False
    return True


def _set(label: str) -> bool:
    try:
        load(split={"site": label})
    except SettingsError:
        return False
    return True


def _sent(label: str) -> bool:
    labeller = Labeller(Label("default", "kafka", "combined"))
    return labeller.labels[labeller.number({"site": label.encode()})].site == label


@pytest.mark.parametrize("taken", [_typed, _set, _sent])
@pytest.mark.parametrize("label", GOOD + BAD)
def test_a_label_is_taken_or_not_alike(taken: Callable[[str], bool], label: str) -> None:
    assert taken(label) is (label in GOOD)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (b"partywall/shop/web-1/nginx", {"site": b"shop", "source": b"web-1", "format": b"nginx"}),
        (b"partywall/shop//caddy/old-1", {"site": b"shop", "format": b"caddy", "ingest": b"old-1"}),
        (b"partywall/shop/web-1", {"site": b"shop", "source": b"web-1"}),
        (b"192.0.2.7/alice", {}),  # a key somebody hashes by
        (b"shop", {}),
        (b"partywall", {}),
        (b"partywall/a/b/c/d/e", {}),
        (b"/" * 3, {}),
        (b"partywall/" + b"y" * 300, {}),
        (b"", {}),
        (None, {}),
    ],
)
def test_a_key_says_what_headers_would(key: bytes | None, said: dict[str, bytes]) -> None:
    assert dict(of_key(key)) == said
