"""The card of links to other sites: where to, and from which pages."""

from __future__ import annotations

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.views.board import Filled, fill
from pipeline.views.cards import card
from pipeline.views.view import View
from tests.support.console_pages import pages_of


@pytest.mark.parametrize(
    ("tab", "labels"),
    [
        ("to", ["parcels.example", "maps.example", "maker.example"]),
        ("left", ["/help/returns", "/contact", "/about"]),
    ],
)
def test_sites_and_pages_are_named_and_what_few_did_is_not(
    run: QueryFn, tab: str, labels: list[str]
) -> None:
    found = filled(run, View("shop", "30d").with_tab("outbound", tab))
    assert found.list is not None
    named = [item for item in found.list.items if not item.folded]
    assert [item.label for item in named] == labels
    assert all(item.cells[0].value and item.href is None for item in found.list.items)
    assert "shop.widget" in found.exports[0][1]
    assert not found.empty


def filled(run: QueryFn, view: View) -> Filled:
    outbound = card("outbound")
    assert outbound is not None
    return fill(pages_of(run, "http://127.0.0.1:9330").desk, view, outbound)
