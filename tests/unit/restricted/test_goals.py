"""A page reaches the first of its site's goals that it fits, in that goal's segment alone."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.goals import NO_GOAL, Reached
from pipeline.settings import Goal, Settings


def goal_of(page: str, segment: str, **goals: object) -> str:
    made = Settings(goals={"shop": goals}).goals
    column = Reached(made).column("shop", pl.Series([page]), pl.Series([segment]))
    return str(column.item())


@pytest.mark.parametrize(
    ("pattern", "reached", "not_reached"),
    [
        ("/thanks", ["/thanks"], ["/thanks/", "/thanks/a", "/a/thanks", "/Thanks"]),
        ("/products/*", ["/products/chair", "/products/"], ["/products", "/products/a/b"]),
        ("/files/**", ["/files/a", "/files/a/b.pdf", "/files/"], ["/files", "/a/files/b"]),
        ("/a/**/b", ["/a/b", "/a/x/b", "/a/x/y/b"], ["/a/xb", "/ab", "/a/b/c"]),
        ("*.pdf", ["/a.pdf", "/x/y/b.pdf"], ["/a.pdf/b", "/apdf", "/a.PDF"]),
        ("/orders/:id/done", ["/orders/:id/done"], ["/orders/7/done"]),
        ("/a.b", ["/a.b"], ["/axb"]),
    ],
)
def test_patterns(pattern: str, reached: list[str], not_reached: list[str]) -> None:
    goal = Goal(page=pattern)
    assert [page for page in reached if not goal.reached_by(page)] == []
    assert [page for page in not_reached if goal.reached_by(page)] == []


def test_the_first_goal_that_a_page_fits_is_its_goal() -> None:
    goals = {"one": {"page": "/a"}, "two": {"page": ["/a", "/b"]}}
    assert goal_of("/a", "view", **goals) == "one"
    assert goal_of("/b", "view", **goals) == "two"
    assert goal_of("/c", "view", **goals) == NO_GOAL


def test_a_goal_counts_in_its_segment_alone() -> None:
    goals = {
        "seen": {"page": "/a"},
        "file": {"page": ["*.webp", "*.pdf"]},
        "lost": {"page": "/a", "segment": "failed"},
    }
    found = {segment: goal_of("/a", segment, **goals) for segment in ("view", "failed", "request")}
    assert found == {"view": "seen", "failed": "lost", "request": NO_GOAL}
    assert goal_of("/b.webp", "request", **goals) == goal_of("/b.pdf", "request", **goals) == "file"
    assert goal_of("/b.pdf", "view", **goals) == NO_GOAL
    assert goal_of("/a", "bot", **goals) == NO_GOAL


def test_goals_are_of_one_site_and_events_are_no_values() -> None:
    made = Settings(goals={"shop": {"chat": {"event": "opened"}, "a": {"page": "/a"}}}).goals
    page, segment = pl.Series(["/a", "/b"]), pl.Series(["view", "view"])
    assert Reached(made).column("shop", page, segment).to_list() == ["a", NO_GOAL]
    assert Reached(made).column("blog", page, segment).to_list() == [NO_GOAL, NO_GOAL]


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    made = Settings(goals={"shop": {"a": {"page": "/*"}}}).goals
    reached = Reached(made, cache_limit=10)
    pages = pl.Series([f"/{n}" for n in range(100)])
    found = reached.column("shop", pages, pl.repeat("view", 100, eager=True))
    assert found.to_list() == ["a"] * 100
    assert len(reached._remembered) <= 10
    reached.forget()
    assert len(reached._remembered) == 0


@given(st.from_regex(r"(/[a-z*.:-]{0,6}){1,5}", fullmatch=True), st.text(max_size=40))
def test_a_pattern_that_is_taken_matches_any_text_without_trouble(pattern: str, page: str) -> None:
    try:
        goal = Goal(page=pattern)
    except ValueError:
        return
    goal.reached_by(page)
    assert goal.reached_by(pattern.replace("*", "")) or "/**/" in pattern
