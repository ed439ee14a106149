"""The lists of crawlers are closed, documented and in step with each other."""

from __future__ import annotations

import re
from pathlib import Path

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]

from pipeline import declarations
from pipeline.restricted.crawlers import kinds, load_crawlers

DOCUMENT = declarations.load("crawlers.yaml")
PAGE = Path(__file__).parents[3] / "docs/bots-and-referrers.md"


def test_every_kind_that_is_given_is_of_the_closed_list() -> None:
    given = {entry["kind"] for entry in (*DOCUMENT["named"], *DOCUMENT["tags"])}
    given |= set(declarations.load("agents.yaml")["bots"])
    assert given <= kinds().keys()


def test_every_named_bot_is_found_by_its_name_and_has_a_source() -> None:
    crawler = load_crawlers()
    for entry in DOCUMENT["named"]:
        assert entry.keys() == {"name", "operator", "kind", "pattern", "source"}
        assert DOCUMENT["sources"][entry["source"]].startswith("https://")
        if re.search(entry["pattern"], entry["name"], re.IGNORECASE):
            assert crawler(f"Mozilla/5.0 (compatible; {entry['name']}/1.0)") == entry["kind"]


def test_what_the_package_knows_is_a_bot_but_for_what_people_carry() -> None:
    """Also a check that every pattern of a newer version is one that the resolver takes."""
    crawler = load_crawlers()
    known, people = set(kinds()), set(DOCUMENT["people"])
    assert people <= {entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA}
    missed = [
        instance
        for entry in CRAWLER_USER_AGENTS_DATA
        if entry["pattern"] not in people
        for instance in entry["instances"]
        if crawler(instance) not in known
    ]
    assert missed == []


def test_every_tag_of_the_package_has_a_kind() -> None:
    """A tag that a newer version brings is told here, not counted as `other` unseen."""
    ruled = {tag for rule in DOCUMENT["tags"] for tag in rule["all"]}
    assert {tag for entry in CRAWLER_USER_AGENTS_DATA for tag in entry["tags"]} <= ruled


def test_every_kind_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in kinds() if f"| `{kind}` |" not in page] == []
