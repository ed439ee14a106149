"""Formats are told within wrappers too, and no refusal says anything of what stands in a line."""

from __future__ import annotations

import re
from typing import Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.formats import FORMATS, REJECTS, WRAPPERS, detect, find
from pipeline.restricted.formats.shape import shape
from tests.unit.restricted.formats.quirks import QUIRKS
from tests.unit.restricted.formats.test_wrappers import MAKERS, docker, syslog5424

PLAIN = {q["format"]: q["line"] for q in reversed(QUIRKS) if "row" in q}
WORDS = ["a", "b", "c"]
COMBINED = PLAIN["combined"]


@pytest.mark.parametrize(("wrapper", "make"), MAKERS, ids=[make.__name__ for _, make in MAKERS])
@pytest.mark.parametrize("name", ["combined", "nginx_json", "gcp"])
def test_a_format_within_a_wrapper_is_found(wrapper: str, make: object, name: str) -> None:
    assert callable(make)
    lines = [make(PLAIN[name], WORDS)] * 4
    found = detect(pl.Series([*lines, "cut off"]))
    assert found.format == f"{wrapper}.{name}"
    assert found.reason == "80% of the first 5 lines"


def test_a_format_within_two_wrappers_is_found() -> None:
    found = detect(pl.Series([syslog5424(docker(COMBINED, WORDS), WORDS)] * 3))
    assert found.format == "syslog5424.docker.combined"


def test_a_wrapper_around_something_else_is_no_format() -> None:
    assert detect(pl.Series([docker("dear diary", WORDS)] * 3)).format is None


def test_a_refusal_names_the_two_best_and_describes_a_line() -> None:
    lines = [docker(COMBINED, WORDS), docker("dear diary", WORDS)]
    reason = detect(pl.Series(lines)).reason
    assert re.fullmatch(
        r"unsure of the format: docker\.combined reads 50% and [\w.]+ reads [0-9]+%; line 2 of "
        r"those looked at is not_this_format to docker\.combined and has a curly bracket in front "
        r"and ends with one",
        reason,
    )


VOCABULARY = frozenset(
    re.findall(
        "[a-z_0-9]+",
        "there is no line to tell the format from name it of the first lines no line is in a known "
        "format and the first one has unsure of the format reads and line of those looked at is to "
        "and has a curly bracket in front and ends with one but does not end with one parts tabs "
        "of them in quotes none in square brackets no address alone an address as number",
    )
) | {part for name in (*FORMATS, *WRAPPERS, *REJECTS) for part in re.findall("[a-z_0-9]+", name)}
_MARKED = st.text(st.characters(categories=["Lu", "Lo", "Nd", "Sc"]), min_size=1, max_size=12)
_AROUND = st.sampled_from(
    ["{}", '"{}"', "[{}]", "{{{}", '{{"a":"{}"}}', "192.0.2.7 {}", "{}\t{}", "2001:db8::7 - {}",
     COMBINED + " {}", COMBINED.replace("Mozilla", "{}"), "<13>Oct 11 22:14:15 {} nginx: {}",
     PLAIN["nginx_json"].replace("{", "{{").replace("}", "}}").replace("Mozilla", "{}")]
)  # fmt: skip
_SAID = st.builds(lambda around, word: around.format(word, word), _AROUND, _MARKED)


@settings(max_examples=50)
@given(st.lists(st.one_of(_SAID, st.text(max_size=60)), min_size=1, max_size=6))
def test_no_message_quotes_what_stands_in_a_line(lines: list[str]) -> None:
    """Its words are ours and its numbers are counts, whatever the lines are."""
    reason = detect(pl.Series(lines, dtype=pl.String)).reason
    assert set(re.findall(r"[^\W0-9]\w*", reason)) <= VOCABULARY
    assert all(int(number) <= 100 for number in re.findall(r"\b[0-9]+\b", reason))
    assert reason.isascii()


_LINE: Final = st.builds(
    lambda words, between: between.join(words),
    st.lists(_MARKED, min_size=1, max_size=8),
    st.sampled_from(" \t;|"),
)
"""A line without any letter that our own words have, so that nothing is shown by chance."""


def shown(line: str, said: str) -> set[str]:
    return {run for at in range(len(line) - 3) if (run := line[at : at + 4]) in said}


@settings(max_examples=40)
@given(_LINE)
def test_no_run_of_four_characters_of_a_line_is_shown(line: str) -> None:
    """A refusal tries every format, so the few examples here are followed by many of its words."""
    for lines in ([line], [line] * 3 + [COMBINED]):
        assert not shown(line, detect(pl.Series(lines)).reason), "a run of the line is shown"


@settings(max_examples=1_000)
@given(
    _LINE, st.sampled_from(["{}", "{{{}", '"{}" {}', "[{}] {}", "192.0.2.7 {}", "2001:db8::7\t{}"])
)
def test_the_shape_of_a_line_shows_no_run_of_it(line: str, around: str) -> None:
    """All that a refusal is made of which has seen the line."""
    assert not shown(line, shape(line))
    assert not shown(line, shape(around.format(line, line)))


def test_a_widgets_lines_are_not_taken_in_a_wrapper() -> None:
    """There nobody would look what the visitor asked for."""
    line = (
        '{"received": 1431857103000, "address": "192.0.2.7", "privacy": "drop", '
        '"event": {"event": "opened", "v": 1, "page": "https://shop.example/"}}'
    )
    assert find("docker.widget") is None
    assert detect(pl.Series([docker(line, WORDS)] * 3)).format is None
    assert detect(pl.Series([line] * 3)).format == "widget"
