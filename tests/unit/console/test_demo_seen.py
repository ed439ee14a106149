"""The demonstration searches what an analyst is shown: every site's page, with all its cards."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.demo.seen import origin, seen
from pipeline.errors import UnavailableError
from tests.support.console_pages import WORD, served


async def test_every_site_is_seen_with_its_cards(run: QueryFn) -> None:
    with served(run) as where:
        blobs = await seen(f"{where}/enter?token={WORD}")
    ways = Counter(blob.where for blob in blobs)
    for site in ("shop", "blog", "docs"):
        assert ways[f"the console's /sites/{site}"] == 2, "a page for each period"
        assert ways[f"the console's /sites/{site}/cards/live"] == 2
    told = b"".join(blob.data for blob in blobs)
    assert b"/checkout" in told
    assert WORD.encode() not in told


async def test_who_has_not_signed_in_sees_nothing(run: QueryFn) -> None:
    with served(run) as where, pytest.raises(UnavailableError, match="console:"):
        await seen(f"{where}/enter?token=wrong")


def test_an_origin_says_nothing_of_the_word() -> None:
    assert origin("http://127.0.0.1:9340/enter?token=word") == "http://127.0.0.1:9340"
