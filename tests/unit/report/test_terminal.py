"""The report reads well in any terminal, and says what it doesn't know."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pipeline.report import words
from pipeline.report.model import Account, Breakdown, Report, Visits
from pipeline.report.summary import sites
from pipeline.report.terminal import render, sparkline


def shown(
    report: Report, account: Account, *, width: int = 80, colour: bool = False, code: str = "utf-8"
) -> str:
    sink = io.TextIOWrapper(io.BytesIO(), encoding=code)
    console = Console(
        file=sink,
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    render(report, account, console)
    sink.flush()
    assert isinstance(sink.buffer, io.BytesIO)
    return sink.buffer.getvalue().decode(code).replace(words.NARROW_SPACE, ",")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("hits", [100, 123_456_789])
def test_a_long_value_takes_no_number_away(
    width: int, hits: int, report: Report, account: Account
) -> None:
    page = "/" + "presentations/" * 17
    day = report.breakdown_daily[0].start
    rows = tuple(
        Breakdown("example.org", day, "page", value, hits, 20) for value in (page, "/short")
    )
    text = shown(dataclasses.replace(report, breakdown_daily=rows), account, width=width)
    for line in (line_with(text, "/pres"), line_with(text, "/short")):
        assert re.search(rf"{hits:,} +50.0% +20 ", line)
    assert "…" in line_with(text, "/pres") or width > len(page) + 60


def line_with(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


@pytest.mark.parametrize("width", [60, 80, 109, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, report: Report, account: Account) -> None:
    lines = shown(report, account, width=width).splitlines()
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_of_a_day_is_cut_off(width: int, report: Report, account: Account) -> None:
    monday = line_with(shown(report, account, width=width), "Mon 18 May")
    assert "2,345" in monday
    assert "4.88 KiB" in monday
    assert monday.rstrip().endswith("······█·················")


def test_without_colour_there_are_no_escapes_and_with_it_there_are(
    report: Report, account: Account
) -> None:
    assert "\x1b" not in shown(report, account)
    assert "\x1b" in shown(report, account, colour=True)


def test_a_terminal_without_unicode_gets_ascii(report: Report, account: Account) -> None:
    text = shown(report, account, code="ascii")
    assert text.isascii()
    assert "2,345" in text


def test_other_stands_last_and_is_explained_once(report: Report, account: Account) -> None:
    text = shown(report, account)
    pages = text[text.index("Pages") : text.index("Statuses")]
    assert [line for line in pages.splitlines() if line.strip()][-1].rstrip().endswith("(other)")
    assert text.count("fewer than 10 visitors a day") == 1
    assert "Pages  10 of 17" in text


def test_what_no_database_told_is_one_line(report: Report, account: Account) -> None:
    text = shown(report, account, width=120)
    assert "Countries\n" not in text
    assert text.count("No countries and providers: give address databases") == 1


def test_the_account_closes(report: Report, account: Account) -> None:
    text = shown(report, account)
    assert re.search(r"Lines in +3,600 +every line is accounted for", text)
    assert re.search(r"rejected +5 +malformed 4, too long 1", text)
    assert re.search(r"Hits counted +3,592 +one for each event", text)
    assert re.search(r"withheld +7 +would stand for fewer than 10 visitors", text)
    assert re.search(r"Sealed records +3,600 +in 2 segments", text)


def test_an_account_that_does_not_close_says_so(report: Report, account: Account) -> None:
    text = shown(report, dataclasses.replace(account, ignored=2, withheld_hits=0))
    assert text.count("does not add up") == 2


def test_k_of_one_is_called_not_anonymous(report: Report, account: Account) -> None:
    assert "not anonymous" not in shown(report, account)
    assert "not anonymous" in shown(report, dataclasses.replace(account, k=1))


def test_a_k_below_the_policys_is_called_so(report: Report, account: Account) -> None:
    text = shown(report, dataclasses.replace(account, k=3))
    assert "below the policy's k of 10: with k = 3 " in text
    assert "below the policy" not in shown(report, dataclasses.replace(account, k=20))


def test_where_no_number_was_released_there_is_none(report: Report, account: Account) -> None:
    """Fewer than k bots, or none: nobody knows. With k = 1 it is none."""
    people = tuple(row for row in report.traffic_daily if row.audience == "human")
    silent = dataclasses.replace(report, traffic_daily=people)
    day = line_with(shown(silent, account), "All days")
    assert day.split().count("·") == 2
    plain = dataclasses.replace(account, k=1)
    assert line_with(shown(silent, plain), "All days").split().count("0") == 2


def test_nothing_released_is_explained(account: Account) -> None:
    assert "Nothing was released" in shown(Report((), (), (), ()), account)


def test_a_value_cannot_steer_the_terminal(report: Report, account: Account) -> None:
    evil = dataclasses.replace(
        report,
        breakdown_daily=(
            Breakdown(
                "example.org",
                report.traffic_daily[0].start,
                "page",
                "/\x1b]0;owned\x07[red]\u202egpj",
                9,
                10,
            ),
        ),
    )
    text = shown(evil, account)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]" in text


def test_several_sites_stand_apart(report: Report, account: Account) -> None:
    second = tuple(dataclasses.replace(row, site="zweite.example") for row in report.traffic_daily)
    both = dataclasses.replace(report, traffic_daily=(*report.traffic_daily, *second))
    text = shown(both, account)
    assert text.count("Traffic by day") == 2
    assert [site.name for site in sites(both, top=5)] == ["example.org", "zweite.example"]


@given(st.lists(st.none() | st.integers(0, 10**12), max_size=30))
def test_a_sparkline_has_a_sign_per_value_and_the_tallest_is_full(
    values: list[int | None],
) -> None:
    tallest = max((value for value in values if value is not None), default=0)
    drawn = sparkline(values, tallest, levels="123", gap="-")
    assert len(drawn) == len(values)
    assert [sign == "-" for sign in drawn] == [value is None for value in values]
    assert all(drawn[i] == "3" for i, value in enumerate(values) if value and value == tallest)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_visits_are_told_where_there_are_any(width: int, report: Report, account: Account) -> None:
    nothing = shown(report, account, width=width)
    assert "Began at" not in nothing
    assert "Not told: of page views that began" in " ".join(nothing.split())
    pages = (("/", 900), ("/\x1b[31mred", 30))
    visits = Visits("example.org", 1200, 0.39, 2.7, 120.4, entries=pages, exits=pages[:1])
    text = shown(dataclasses.replace(report, visits=(visits,)), account, width=width)
    assert "1,200 visits, 39 % of them of one page, 2.70 views a visit, 2m 00s long" in " ".join(
        text.split()
    )
    assert "Began at" in text
    assert "Ended at" in text
    assert "\x1b" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
