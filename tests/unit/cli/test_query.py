"""`partywall query`: in words, by name, in SQL, and in four forms."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import re
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import pytest
from rich.console import Console

from pipeline import analytics
from pipeline.analytics.answer import Answer, Cell, Line
from pipeline.analytics.named import NAMED
from pipeline.analytics.ranges import Days
from pipeline.cli.answer_told import tell, told
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import named
from pipeline.clock import system_clock
from tests.support.released_cells import Cells
from tests.unit.cli.conftest import Partywall

A_MINUTE = dt.timedelta(minutes=1)
WORDS = ("--range", "2026-11-20,2026-11-27", "--metrics", "visitors,bounce_rate", "--by", "browser")


@pytest.fixture
def numbers(data: Path) -> Path:
    """A data folder with eight days of one site and its widget."""
    client = connect(Engine(path=data / "clickhouse"))
    migrate(client, rollups_days=1100)
    cells = Cells()
    cells.draw("shop", dt.date(2026, 11, 20), 8)
    cells.draw("shop.widget", dt.date(2026, 11, 20), 8)
    cells.insert(client)
    client.close()
    return data


def test_words_by_every_way(partywall: Partywall, numbers: Path, tmp_path: Path) -> None:
    asked = ("query", *WORDS, "--data", numbers)  # the only site need not be named
    found = orjson.loads(partywall(*asked, "--json").out)
    assert found["site"] == "shop"
    assert found["results"]
    rows = list(csv.DictReader(io.StringIO(partywall(*asked, "--csv").out)))
    assert [row["browser"] for row in rows] == [r["dimensions"][0] for r in found["results"]]
    assert [int(row["visitors"]) for row in rows] == [r["metrics"][0] for r in found["results"]]
    assert partywall(*asked, "--parquet", tmp_path / "x.parquet").out == ""
    assert pl.read_parquet(tmp_path / "x.parquet").height == len(rows)
    printed = partywall(*asked)
    assert printed.code == 0
    for row in rows:
        assert row["browser"] in printed.out
    assert "visitor_days" in printed.out
    assert "█" not in printed.out  # no bars in a pipe


def test_names_of_both_kinds(partywall: Partywall, numbers: Path) -> None:
    listed = orjson.loads(partywall("query", "names", "--json").out)
    assert [one["name"] for one in listed] == [*NAMED, "live", *named()]
    assert not set(NAMED) & set(named())
    sources = orjson.loads(partywall("query", "sources", "--data", numbers, "--json").out)
    assert [one["dimensions"] for one in sources] == [["referrer_kind"], ["referrer"]]
    chats = orjson.loads(partywall("query", "chats", "--data", numbers, "--json").out)
    assert chats[0]["site"] == "shop.widget"
    assert partywall("query", "traffic", "--data", numbers).out.count("\n") > 8
    [row] = orjson.loads(partywall("query", "SELECT 1 AS one", "--data", numbers, "--json").out)
    assert row == {"one": 1}


def test_the_last_half_hour_is_told_in_steps(partywall: Partywall, numbers: Path) -> None:
    """A folder of days that are over has none: not nought, but nothing yet."""
    now = system_clock()
    with contextlib.closing(connect(Engine(path=numbers / "clickhouse"))) as client:
        start = now.replace(second=0, microsecond=0) - dt.timedelta(minutes=9)
        row = ["shop", start, 4, "view", "2xx", 1234, 99, 31, "live", 1]
        names = "site window_start minutes segment status_class hits bytes visitors ingest revision"
        client.insert("analytics.health_minute_revisions", [row], column_names=names.split())
    asked = ("query", "live", "--site", "shop", "--data", numbers)
    found = orjson.loads(partywall(*asked, "--json").out)
    [told] = [one for one in found["steps"] if one["state"] == "value"]
    assert (told["hits"], told["visitors"], told["segment"]) == (1234, 31, "view")
    rows = list(csv.DictReader(io.StringIO(partywall(*asked, "--csv").out)))
    assert [row["hits"] for row in rows if row["state"] == "value"] == ["1234"]
    printed = partywall(*asked).out
    assert re.search(r"view +2xx +31 +1.234 ", printed)
    assert "not yet" in printed
    assert "live is of the last half hour" in partywall(*asked, "--by", "page").complaint
    for site in ("a b", "'", "é", "x" * 65):
        wrong = partywall("query", "live", "--site", site, "--data", numbers)
        assert wrong.complaint.startswith("site: name the site")


def test_a_folders_days_are_by_the_clock_that_its_group_had(
    partywall: Partywall, numbers: Path, tmp_path: Path
) -> None:
    """What whoever asks has in settings of his own says nothing of it."""
    (numbers / "settings.yaml").write_text("windows: {zones: {shop: Asia/Kathmandu}}\n")
    (tmp_path / "mine.yaml").write_text("windows: {zone: America/Lima}\n")
    asked = ("--site", "shop", "--data", numbers, "--config", tmp_path / "mine.yaml")
    there = system_clock().astimezone(ZoneInfo("Asia/Kathmandu"))
    found = orjson.loads(partywall("query", "--range", "today", *asked, "--json").out)
    assert found["zone"] == "Asia/Kathmandu"
    assert found["date_range"][0] in {f"{there:%Y-%m-%d}", f"{there + A_MINUTE:%Y-%m-%d}"}
    assert ", Asia/Kathmandu" in partywall("query", *WORDS, *asked).out.splitlines()[0]
    live = orjson.loads(partywall("query", "live", *asked, "--json").out)
    assert live["zone"] == "Asia/Kathmandu"
    assert live["to"] in {f"{there:%Y-%m-%d %H:%M}:00", f"{there + A_MINUTE:%Y-%m-%d %H:%M}:00"}
    assert partywall("query", "live", *asked).out.splitlines()[0].endswith(" Asia/Kathmandu")
    [told] = orjson.loads(partywall("digest", "--week", "2026-W47", *asked[2:], "--json").out)
    assert (told["site"], told["zone"]) == ("shop", "Asia/Kathmandu")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("zone: Mars", "setting windows.zone: Mars is no time zone; name one such as"),
        ("zones: {shop: Mars}", "setting windows.zones.shop: Mars is no time zone"),
        ("zones: {shop.widget: UTC}", "setting windows.zones.shop.widget: a widget's clock is"),
        ("zones: [UTC]", "setting windows.zones: "),
    ],
)
@pytest.mark.parametrize("verb", [("query", "--site", "shop"), ("query", "live"), ("digest",)])
def test_a_zone_that_there_is_not_is_a_mistake_of_the_settings(
    partywall: Partywall, data: Path, verb: tuple[str, ...], settings: str, complaint: str
) -> None:
    data.mkdir(exist_ok=True)
    (data / "settings.yaml").write_text(f"windows: {{{settings}}}\n")
    assert partywall(*verb, "--data", data).complaint.startswith(complaint)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--metrics", "people"), "metrics: choose from visitors"),
        (("--by", "page,browser"), "dimensions: page with browser is not counted"),
        (("--filter", "page"), "filter: write NAME=VALUE"),
        (("traffic", "--by", "page"), "query: traffic is SQL and of all sites: leave options out"),
        (("SELECT 1", "--by", "page"), "query: write either SQL or a name"),
        (("sources", "--by", "page"), "query: sources has dimensions of its own"),
        (("sources", "--csv"), "query: sources is of several tables"),
        (("--csv", "--json"), "query: choose one of --csv"),
        (("xyzzy",), "query: no question is called xyzzy: choose from overview"),
        (("sorces", "--site", "shop"), "query: no question is called sorces: sources?"),
        (("--parquet", "missing/x.parquet"), "missing/x.parquet: cannot be written"),
    ],
)
def test_a_mistake_is_one_line(
    partywall: Partywall, numbers: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    assert partywall("query", *arguments, "--data", numbers).complaint.startswith(complaint)


def test_one_of_several_sites_must_be_named(partywall: Partywall, numbers: Path) -> None:
    client = connect(Engine(path=numbers / "clickhouse"))
    cells = Cells()
    cells.draw("blog", dt.date(2026, 11, 20), 1)
    cells.insert(client)
    client.close()
    said = partywall("query", "--data", numbers).complaint
    assert said == "site: choose one with --site: blog, shop"


@pytest.mark.parametrize(
    "words", [["query"], ["query", "sources"], ["query", "live"], ["alerts"], ["digest"]]
)
def test_a_site_that_is_not_there_is_a_mistake(
    partywall: Partywall, numbers: Path, words: list[str]
) -> None:
    """And no site where nothing has happened: a job that watches it would be content for ever."""
    said = partywall(*words, "--site", "shopp", "--data", numbers).complaint
    assert said == "site: nothing has been released of shopp; there are shop, shop.widget"


def answer(lines: tuple[Line, ...], *dimensions: str, next_: str | None = None) -> Answer:
    return Answer(
        site="shop",
        days=Days(dt.date(2026, 11, 1), dt.date(2026, 11, 4)),
        dimensions=dimensions,
        metrics=("visitors", "bounce_rate", "visit_duration"),
        lines=lines,
        totals=Line((), (Cell(1234, "value"), Cell(0.25, "value"), Cell(75.0, "value"))),
        next=next_,
        notes=("a note",),
        k=10,
        zone="UTC",
    )


def shown(found: analytics.Answer, *, drawn: bool = True, width: int = 100) -> str:
    console = Console(markup=False, width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(told(found, console, drawn=drawn))
    return capture.get()


def test_what_is_said_of_several_tables_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    one = answer((), "page")
    tell([one, replace(one, notes=("a note", "another"))], ("pages", "links"))
    said = capsys.readouterr().out
    assert (said.count("a note"), said.count("another")) == (1, 1)
    assert [line for line in said.splitlines() if line.startswith("shop")] == [
        "shop  2026-11-01 to 2026-11-04, UTC: pages",
        "shop  2026-11-01 to 2026-11-04, UTC: links",
    ]


def test_a_terminal_has_bars_and_a_series_a_sparkline() -> None:
    none = Cell(None, "withheld")
    days = tuple(
        Line((f"2026-11-0{day}",), (cell, none, Cell(61.0, "value")))
        for day, cell in enumerate((Cell(8, "value"), none, Cell(0, "zero"), Cell(4, "value")), 1)
    )
    said = shown(answer(days, "time:day"))
    lines = said.splitlines()
    assert lines[0] == "shop  2026-11-01 to 2026-11-04, UTC"
    assert lines[1].rstrip() == "█ ▁▅"
    assert lines[3].split() == ["2026-11-01", "8", "withheld", "1:01", "█" * 20]
    assert lines[4].split() == ["2026-11-02", "withheld", "withheld", "1:01"]
    assert [word for word in lines[7].split(" ") if word] == [
        "in", "all", "1\u202f234", "25.0%", "1:15",
    ]  # fmt: skip
    assert lines[-1].rstrip() == "a note"
    assert "█" not in shown(answer(days, "time:day"), drawn=False)


def test_a_value_cannot_steer_the_terminal() -> None:
    cells = (Cell(8, "value"), Cell(0.5, "value"), Cell(61.0, "value"))
    said = shown(answer((Line(("/[red]\x1b[31m\u202e",), cells),), "page", next_="abc"))
    assert "/[red]\ufffd[31m\ufffd" in said
    assert "more with --after abc" in said
