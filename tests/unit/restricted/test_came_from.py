"""Of a failed request alone: the site's own page that led there, scrubbed like any page."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.restricted.came_from import ELSEWHERE
from pipeline.restricted.scrub import load_scrubber
from tests.support import door
from tests.support.scrub_corpus import corpus

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"
OWN = {"shop": ["shop.example"]}


def origins(referrers: list[str], status: int = 404, agent: str = AGENT) -> pl.Series:
    """Send a request for each referrer through door 1."""
    lines = [
        f"192.0.2.{at % 250} - - [17/May/2015:10:05:03 +0000] "
        f'"GET /gone HTTP/1.1" {status} 3 "{referrer}" "{agent}"'
        for at, referrer in enumerate(referrers)
    ]
    batch = door.messages(
        ["\n".join(lines).encode()], [[("site", b"shop"), ("format", b"combined")]]
    )
    return door.rows(door.carry(door.splitter(own_hosts=OWN), batch))["came_from"]


@pytest.mark.parametrize(
    ("referrer", "origin"),
    [
        ("-", "(direct)"),
        ("https://shop.example/", "/"),
        ("https://shop.example", "/"),
        ("HTTPS://WWW.Shop.Example:8443/help?q=secret#x", "/help"),
        ("//shop.example/help", "/help"),
        ("https://shop.example?q=secret", "/"),
        ("https://shop.example/reset/5f2b9c7d1e0a4b3c8d6f5e4a3b2c1d0e", "/reset/:token"),
        ("https://shop.example.evil.example/help", "(elsewhere)"),
        ("https://other.example/shop.example/help", "(elsewhere)"),
        ("https://alice@shop.example/help", "(elsewhere)"),
        ("about:blank", "(elsewhere)"),
        ("https://shop.example help", "(elsewhere)"),
    ],
)
def test_where_a_failed_request_came_from(referrer: str, origin: str) -> None:
    scrub = load_scrubber().page
    wanted = scrub(f"/{referrer.split('/', 3)[3]}") if origin == "/reset/:token" else origin
    assert origins([referrer]).to_list() == [wanted]


def test_of_all_other_requests_nothing_is_said() -> None:
    assert set(origins(["https://shop.example/help", "-"], status=200)) == {"(none)"}
    assert set(origins(["https://shop.example/help"], agent="Googlebot/2.1")) == {"(none)"}


def test_no_value_of_a_person_crosses_in_it() -> None:
    """What the detectors find in a path they find in a referrer's path as well."""
    values = [v.text for v in corpus() if v.kind is not None][::29]
    safe = [text for text in values if not set('"\\\n\r ') & set(text)]
    scrub = load_scrubber().page
    found = origins([f"https://shop.example/a/{text}?b={text}" for text in safe]).to_list()
    assert len(found) == len(safe) > 300
    assert found == [scrub(f"/a/{text}") if scrub(f"/a/{text}") != "(none)" else ELSEWHERE
                     for text in safe]  # fmt: skip
