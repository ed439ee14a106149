"""A case on a terminal is told once, in words that fit their numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cases.life import Kind, Request, State
from pipeline.cli import cases_told as told
from tests.unit.cases.making import SCOPE
from tests.unit.cases.test_matrix import CASE
from tests.unit.cli.conftest import Partywall

OTHER = replace(SCOPE, sites=("blog",))
ASKED = Request(1, Kind.OPEN, "requester", "abuse", 0, 1, "approved", 72, SCOPE, "why")


def test_a_scope_that_was_told_is_named_and_not_told_again() -> None:
    case = replace(CASE, stored=State.OPEN, scope=SCOPE, asked=SCOPE,
                   requests=(ASKED, replace(ASKED, number=2, scope=OTHER),
                             replace(ASKED, number=3, scope=OTHER),
                             replace(ASKED, number=4, scope=None)))  # fmt: skip
    said = told.details(case, (), 0, 90)
    brief = told.briefly(said)
    assert brief["scope"] == said["scope"]
    assert brief["asked"] == "as the scope in force"
    assert [one["scope"] for one in brief["requests"]] == [
        "as the scope in force", said["requests"][1]["scope"], "as of request 2", None,
    ]  # fmt: skip
    assert said["requests"][0]["scope"] == said["scope"], "as JSON all of it is told"


def test_a_draft_s_scope_is_told_where_it_is_asked_for() -> None:
    case = replace(CASE, asked=SCOPE, requests=(replace(ASKED, state="pending"),))
    brief = told.briefly(told.details(case, (), 0, 90))
    assert brief["scope"] is None
    assert brief["asked"]["sites"] == ["shop"]
    assert brief["requests"][0]["scope"] == "as asked"


def test_one_is_counted_as_one() -> None:
    assert told.counted(1, "record") == "1 record"
    assert told.counted(0, "record") == "0 records"
    assert told.counted(2000, "key is", "keys are") == "2,000 keys are"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["case", "deny", "C-1", "--reason", " "], "--reason"),
        (["case", "extend", "C-1", "--reason", ""], "--reason"),
        (["case", "disclose", "C-1", "--to", "", "--basis", "b", "--what", "w"], "--to"),
        (["hold", "ask", "C-1", "--reason", ""], "--reason"),
        (["dsr", "open", "--reason", " "], "--reason"),
    ],
)
def test_an_option_that_says_nothing_is_named(
    partywall: Partywall, tmp_path: Path, words: list[str], option: str
) -> None:
    said = partywall(*words, "--data", tmp_path, "--as", "somebody")
    assert said.complaint == f"{option}: say something"
