"""What no detector knows does not show where nearly every visitor has a segment of their own."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import declarations
from pipeline.errors import SettingsError
from pipeline.restricted.scrub import load_scrubber
from pipeline.restricted.scrub.frequency import (
    CHILDREN_LIMIT,
    SITES_LIMIT,
    Frequency,
    Recent,
    Thresholds,
)
from pipeline.restricted.scrub.pages import Pages

FEW = Thresholds(children=20, visitors=2, share=0.9)
Row = tuple[str, int]


def names(count: int, seed: int = 1) -> list[str]:
    """Names of the kind that no detector could tell from words."""
    rng = random.Random(seed)
    parts = ["ka", "mi", "lo", "ra", "ne", "to", "su", "vi", "da", "pe"]
    made: dict[str, None] = {}
    while len(made) < count:
        made["".join(rng.choices(parts, k=4))] = None
    return list(made)


def shown(memory: Frequency, rows: list[Row], status: str = "200", at: Thresholds = FEW,
          site: str = "s", known: int = 0) -> list[str]:  # fmt: skip
    frame = pl.DataFrame(
        {"page": [page for page, _ in rows], "visitor": [who for _, who in rows],
         "status": [status] * len(rows)},
        schema={"page": pl.String, "visitor": pl.UInt64, "status": pl.String},
    )  # fmt: skip
    return memory.pages(site, at, frame, (lambda _: known) if known else None).to_list()


def test_a_gallery_of_nicknames_shows_none() -> None:
    rows = [(f"/gallery/{name}/photos", who) for who, name in enumerate(names(200))]
    assert set(shown(Frequency(), rows)) == {"/gallery/:id/photos"}


def test_what_two_visitors_asked_for_stays() -> None:
    rows = [(f"/gallery/{name}", who) for who, name in enumerate(names(200))]
    rows += [("/gallery/winter", 1_001), ("/gallery/winter", 1_002)]
    assert set(shown(Frequency(), rows)) == {"/gallery/:id", "/gallery/winter"}


def test_a_visitor_who_asks_twice_is_one_visitor() -> None:
    memory = Frequency()
    rows = [(f"/gallery/{name}", who) for who, name in enumerate(names(200))]
    assert set(shown(memory, rows * 2)) == {"/gallery/:id"}
    assert set(shown(memory, rows)) == {"/gallery/:id"}


def test_more_visitors_may_be_asked_for() -> None:
    at = Thresholds(children=20, visitors=4, share=0.9)
    rows = [(f"/g/{name}", 3 * who + n) for who, name in enumerate(names(50)) for n in range(3)]
    assert set(shown(Frequency(), rows, at=at)) == {"/g/:id"}
    assert len(set(shown(Frequency(), rows, at=FEW))) == 50


def test_few_pages_seen_once_stay() -> None:
    """A small site's pages do not vanish."""
    rows = [(f"/blog/{name}", who) for who, name in enumerate(names(20))]
    assert shown(Frequency(), rows) == [page for page, _ in rows]


def test_a_catalogue_stays() -> None:
    """Of 5,000 articles, read as Zipf's law has it, nothing is replaced in any batch."""
    rng = random.Random(5)
    titles = names(5_000)
    weights = [1 / rank for rank in range(1, 5_001)]
    memory = Frequency()
    for batch in range(20):
        drawn = rng.choices(titles, weights, k=200 * (batch + 1))
        rows = [(f"/wiki/{title}", rng.randrange(10**6)) for title in drawn]
        assert shown(memory, rows, at=Thresholds()) == [page for page, _ in rows]


def test_a_scanner_does_not_make_a_place_crowded() -> None:
    memory = Frequency()
    rows = [(f"/{name}", 7) for name in names(500)]
    assert shown(memory, rows, status="404") == [page for page, _ in rows]
    assert shown(memory, [("/about", 8)]) == ["/about"]


def test_what_is_not_there_does_not_show_in_a_crowded_place_either() -> None:
    memory = Frequency()
    shown(memory, [(f"/g/{name}", who) for who, name in enumerate(names(50))])
    assert shown(memory, [("/g/alice", 900)], status="404") == ["/g/:id"]


def test_known_routes_are_never_replaced() -> None:
    rows = [(f"/products/{name}/photos", who) for who, name in enumerate(names(50))]
    assert shown(Frequency(), rows, known=2) == [page for page, _ in rows]


def test_sites_are_apart_and_a_day_is_forgotten() -> None:
    memory = Frequency()
    rows = [(f"/g/{name}", who) for who, name in enumerate(names(50))]
    assert set(shown(memory, rows)) == {"/g/:id"}
    assert shown(memory, [("/g/alice", 1)], site="other") == ["/g/alice"]
    memory.forget()
    assert shown(memory, [("/g/alice", 1)]) == ["/g/alice"]


def test_it_can_be_off() -> None:
    rows = [(f"/g/{name}", who) for who, name in enumerate(names(50))]
    off = Thresholds(enabled=False, children=1)
    assert shown(Frequency(), rows, at=off) == [page for page, _ in rows]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [(f"/g/{name}/{name[:2]}", who) for who, name in enumerate(names(60))]
    rows += [("/g/winter/ka", 1_001), ("/g/winter/ka", 1_002)]
    mixed = random.Random(3).sample(rows, len(rows))
    first, second = shown(Frequency(), rows), shown(Frequency(), mixed)
    assert dict(zip(rows, first, strict=True)) == dict(zip(mixed, second, strict=True))


def test_no_text_is_held() -> None:
    memory = Frequency()
    shown(memory, [(f"/g/{name}", who) for who, name in enumerate(names(50))])
    crowds = memory._sites["s"][1]
    for held in (crowds._rare, crowds.known, crowds._places, crowds.settled):
        assert all(isinstance(key, int) for key in (*held._young, *held._old))
    assert repr(memory) == "Frequency()"


def test_memory_is_bounded() -> None:
    memory = Frequency()
    for batch in range(4):
        rows = [(f"/g/{batch}-{number}", number) for number in range(CHILDREN_LIMIT)]
        shown(memory, rows)
    crowds = memory._sites["s"][1]
    assert len(crowds._rare) <= CHILDREN_LIMIT + 1
    assert len(crowds.settled) <= CHILDREN_LIMIT + 1
    for number in range(2 * SITES_LIMIT):
        shown(memory, [("/a", 1)], site=str(number))
    assert len(memory._sites) <= SITES_LIMIT


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=200))
def test_recent_holds_the_last_half(steps: list[tuple[int, bool]]) -> None:
    held: Recent[int] = Recent(10)
    last: list[int] = []
    for key, dropped in steps:
        if dropped:
            held.drop(key)
        else:
            held.put(key, key)
        last = [k for k in last if k != key] + ([] if dropped else [key])
        assert len(held) <= 11
        assert all(held._young.get(k, held._old.get(k)) == k for k in last[-5:])


PAGE = st.lists(st.sampled_from(["a", "b", ":id", ":name", "~:name", "c"]), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(st.lists(st.tuples(PAGE | st.sampled_from(["(none)", "*", "/a/", "/a?b=:value"]),
                          st.integers(0, 5)), min_size=1, max_size=60))  # fmt: skip
def test_every_row_has_one_page_of_the_same_depth(rows: list[Row]) -> None:
    after = shown(Frequency(), rows, at=Thresholds(children=1, share=0.1))
    assert len(after) == len(rows)
    for (before, _), page in zip(rows, after, strict=True):
        assert before.count("/") == page.count("/")
        assert before.partition("?")[2] == page.partition("?")[2]
        assert page == before or ":id" in page


@pytest.mark.parametrize(
    "mistake",
    [{"children": 0}, {"visitors": 1}, {"share": 2}, {"enabled": 1}, {"children": True},
     {"child": 5}, [], {"children": "many"}],
)  # fmt: skip
def test_a_mistake_is_refused(mistake: object) -> None:
    with pytest.raises(SettingsError, match="scrubbing rules, frequency"):
        Thresholds.read(mistake, "frequency")


def test_a_site_may_have_thresholds_of_its_own(tmp_path: Path) -> None:
    document = yaml.safe_load((declarations.folder() / "scrub/default.yaml").read_text("utf-8"))
    document["sites"] = [{"sites": ["shop"], "frequency": {"children": 30}}]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    made = Pages(load_scrubber(file))
    targets = pl.Series([f"/g/{name}" for name in names(50)])
    visitors = pl.Series(range(50), dtype=pl.UInt64)
    status = pl.Series(["200"] * 50)
    assert set(made.column("shop", targets, visitors, status)) == {"/g/:id"}
    assert made.column("blog", targets, visitors, status).to_list() == targets.to_list()
