"""Goals, conversions and where failures came from equal a plain count of the lines (k = 1)."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pipeline import analytics
from pipeline import settings as tree
from pipeline.analytics.named import questions
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader
from pipeline.clock import system_clock
from tests.support import plain_truth
from tests.support.command import partywall
from tests.support.plain_truth import Describe, Request

HOST: Final = "www.shop.example"
GOALS: Final = {
    "shop": {
        "checkout": {"page": "/checkout"},
        "product": {"page": ["/products/*", "/checkout"]},
        "brochure": {"page": "*.pdf"},
        "picture": {"page": "/files/**/*.webp"},
        "lost": {"page": "/gone/**", "segment": "failed"},
        "never": {"page": "/nowhere"},
        "chat": {"event": "chat_started"},
        "talk": {"event": ["chat_requested", "message_by_visitor"]},
    }
}
EVENTS: Final = {"chat": {"chat_started"}, "talk": {"chat_requested", "message_by_visitor"}}
TARGETS: Final = (
    "/checkout", "/products/chair", "/products/chair/oak", "/files/a.pdf", "/files/deep/b.pdf",
    "/files/c.webp", "/files/deep/d.webp", "/files/e.zip?v=2", "/files/F.ZIP",
    "/gone/a", "/gone/b/c", "/gone/d.pdf",
)  # fmt: skip
REFERRERS: Final = (
    "-", f"https://{HOST}/", f"http://{HOST}/help?q=secret", f"https://{HOST}/products/chair#top",
    "https://www.google.com/", "https://other.example/gone", f"https://user@{HOST}/x",
    f"https://{HOST}", f"https://{HOST}?a", f"https://{HOST} help",
)  # fmt: skip
AGENTS: Final = ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
                 "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
                 "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1")  # fmt: skip
LED_TO: Final = {
    "https://www.parcels.example/track?number=JD014600003828": "outbound_parcels.example",
    "https://maps.example/@48.2,16.3": "outbound_maps.example",
    "https://maker.example/chairs": "outbound_maker.example",
    "https://alice.pages.example/": "outbound_pages.example",
    "https://192.0.2.80/": "outbound_unnamed",
}
"""What may be said of each link of the simulated widget that leads to another site."""
Numbers = dict[tuple[str, ...], tuple[Any, ...]]


def reached(row: Request) -> str:
    """The goal of a request, said anew."""
    page, view = row.page, row.segment == "view"
    if view and page == "/checkout":
        return "checkout"
    if view and page.startswith("/products/") and page.count("/") == 2:
        return "product"
    if row.segment == "request" and page.endswith(".pdf"):
        return "brochure"
    if row.segment == "request" and page.startswith("/files/") and page.endswith(".webp"):
        return "picture"
    return "lost" if row.segment == "failed" and page.startswith("/gone/") else "(none)"


def made_up(start: dt.datetime, lines: int) -> Iterator[str]:
    rng = random.Random(5)
    for _ in range(lines):
        moment = start + dt.timedelta(seconds=rng.randrange(2 * 86_400))
        target = rng.choice(TARGETS)
        status = "404" if target.startswith("/gone") else "200"
        yield (
            f"192.0.2.{rng.randrange(40)} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "
            f'"GET {target} HTTP/1.1" {status} 7 "{rng.choice(REFERRERS)}" "{rng.choice(AGENTS)}"'
        )


@dataclass(frozen=True, slots=True)
class Reported:
    """A folder with what was released, and all that is true of it."""

    folder: Path
    requests: list[Request]
    events: list[tuple[str, str, tuple[str, ...]]]
    """Day, event, visitor."""
    links: list[tuple[str, str, tuple[str, ...]]]
    """Where a link led, the page it stood on, visitor."""


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("goals")
    (folder / "settings.yaml").write_text(yaml.safe_dump({"goals": GOALS}))
    partywall(folder, "simulate", "--out", "logs", "--sites", "shop", "--visits", 150, "--bad", 0,
              "--late", 0, "--zone", "UTC", "--start", "2025-03-29")  # fmt: skip
    start = dt.datetime(2025, 3, 29, tzinfo=dt.UTC)
    (folder / "logs/shop/more.log").write_text("\n".join(made_up(start, 900)) + "\n")
    inputs = ["logs/shop/combined.log", "logs/shop/more.log", "logs/shop/widget.ndjson"]
    partywall(folder, "report", *inputs, "--k", 1, "--data", "kept", "--site-from", "folder",
              "--own-host", HOST, "--goals", "settings.yaml", "--json")  # fmt: skip
    text = [line for name in inputs[:2] for line in (folder / name).read_text().splitlines()]
    requests = list(plain_truth.requests(text, Describe(["shop.example"])))
    assert len(requests) == len(text)
    events: list[tuple[str, str, tuple[str, ...]]] = []
    links: list[tuple[str, str, tuple[str, ...]]] = []
    describe = Describe()
    for line in (folder / inputs[2]).read_text().splitlines():
        said = json.loads(line)
        event = said["event"]
        day = dt.datetime.fromtimestamp(event["time"] // 1000, dt.UTC).date().isoformat()
        name = event["event"].replace("message_sent", f"message_by_{event.get('by')}")
        who = (day, plain_truth.subscriber(said["address"]), said["agent"])
        events.append((day, name, who))
        if name == "outbound":
            page = "/" + event["page"].partition("://")[2].partition("/")[2].partition("?")[0]
            links.append((LED_TO[event["target"]], describe.page(page), who))
    return Reported(folder, requests, events, links)


@pytest.fixture(scope="module")
def reader(reported: Reported) -> Iterator[Reader]:
    with closing(Reader.open(Engine(path=reported.folder / "kept/clickhouse"))) as found:
        yield found


def ask(reader: Reader, metrics: list[str], by: list[str], **words: object) -> analytics.Answer:
    query = analytics.read({
        "site": "shop", "metrics": metrics, "dimensions": by, "limit": 1000,
        "date_range": ["2025-03-29", "2025-03-30"], **words,
    })  # fmt: skip
    goals = tree.Settings(goals=GOALS).goals
    return analytics.ask(
        reader.rows, query, clock=system_clock, k=1, retention_days=36_500, goals=goals
    )


def numbers(answer: analytics.Answer) -> Numbers:
    return {line.dimensions: tuple(c.number for c in line.cells) for line in answer.lines}


def of_goal(reported: Reported, name: str) -> list[Request]:
    return [row for row in reported.requests if reached(row) == name]


def visitors(rows: list[Request]) -> int:
    return len({row.visitor for row in rows})


def everybody(reported: Reported) -> int:
    return visitors([row for row in reported.requests if row.segment == "view"])


def test_conversions_of_each_goal(reported: Reported, reader: Reader) -> None:
    every = everybody(reported)
    wanted: Numbers = {}
    for name in ("checkout", "product", "brochure", "picture", "lost"):
        rows = of_goal(reported, name)
        assert rows
        wanted[name,] = (len(rows), visitors(rows), round(visitors(rows) / every, 4))
    for name, events in EVENTS.items():
        mine = [(event, who) for _, event, who in reported.events if event in events]
        people = len({who for _, who in mine})
        one = len(events) == 1
        wanted[name,] = (len(mine), people if one else None, one and round(people / every, 4))
    wanted["talk",] = (*wanted["talk",][:2], None)
    found = ask(reader, ["conversions", "visitors", "conversion_rate"], ["goal"])
    assert numbers(found) == wanted
    states = {line.dimensions[0]: [c.state for c in line.cells] for line in found.lines}
    assert states["talk"] == ["value", "withheld", "withheld"]


@pytest.mark.parametrize("dimension", ["referrer_kind", "device"])
@pytest.mark.parametrize("goal", ["checkout", "product", "picture"])
def test_conversions_by_another_dimension(
    reported: Reported, reader: Reader, goal: str, dimension: str
) -> None:
    views: defaultdict[str, set[object]] = defaultdict(set)
    for row in reported.requests:
        if row.segment == "view":
            views[getattr(row, dimension)].add(row.visitor)
    parts: defaultdict[str, list[Request]] = defaultdict(list)
    for row in of_goal(reported, goal):
        parts[getattr(row, dimension)].append(row)
    found = ask(
        reader, ["conversions", "visitors", "conversion_rate"], [dimension],
        filters=[["is", "goal", [goal]]],
    )  # fmt: skip
    assert numbers(found) == {
        (value,): (len(rows), visitors(rows), round(visitors(rows) / len(views[value]), 4))
        for value, rows in parts.items()
    }


def test_conversions_day_by_day_and_of_all_goals(reported: Reported, reader: Reader) -> None:
    by_day = Counter(row.day for row in of_goal(reported, "product"))
    found = ask(reader, ["conversions"], ["time:day"], filters=[["is", "goal", ["product"]]])
    assert numbers(found) == {(day,): (hits,) for day, hits in by_day.items()}
    every = sum(reached(row) != "(none)" for row in reported.requests)
    assert ask(reader, ["conversions"], []).totals.cells[0].number == every


def test_a_goal_of_one_event_goes_with_what_events_are_crossed_with(
    reported: Reported, reader: Reader
) -> None:
    found = ask(
        reader, ["conversions", "visitors"], ["time:day"], filters=[["is", "goal", ["chat"]]]
    )
    mine = [(day, who) for day, event, who in reported.events if event == "chat_started"]
    hits = Counter(day for day, _ in mine)
    people = Counter(day for day, _ in set(mine))
    assert numbers(found) == {(day,): (hits[day], people[day]) for day in hits}


def test_a_goal_that_nobody_reaches_is_none(reader: Reader) -> None:
    found = ask(reader, ["conversions"], ["goal"], filters=[["is", "goal", ["never"]]])
    assert [(line.dimensions, line.cells[0]) for line in found.lines] == [
        (("never",), (0, "zero", None))
    ]


def test_where_failures_came_from(reported: Reported, reader: Reader) -> None:
    failed = [row for row in reported.requests if row.segment == "failed"]
    segment = [["is", "segment", ["failed"]]]
    alone = ask(reader, ["hits", "visitors"], ["came_from"], filters=segment)
    people = {row.came_from: {r.visitor for r in failed if r.came_from == row.came_from}
              for row in failed}  # fmt: skip
    hits = Counter(row.came_from for row in failed)
    assert numbers(alone) == {(one,): (hits[one], len(people[one])) for one in hits}
    assert {"/help", "/products/chair", "/", "(direct)", "(elsewhere)"} <= hits.keys()
    both = ask(reader, ["hits"], ["page", "came_from"], filters=segment)
    pairs = Counter((row.page, row.came_from) for row in failed)
    assert numbers(both) == {pair: (count,) for pair, count in pairs.items()}


def test_downloads_are_counted_apart_from_page_views(reported: Reported, reader: Reader) -> None:
    own = analytics.read({"site": "shop", "date_range": ["2025-03-29", "2025-03-30"]})
    [question] = questions("downloads", own)
    found = analytics.ask(reader.rows, question, clock=system_clock, k=1, retention_days=36_500)
    taken = [r for r in reported.requests if r.segment == "request"
             and r.page.rpartition(".")[2].lower() in plain_truth.DOWNLOADS]  # fmt: skip
    people = {row.page: {r.visitor for r in taken if r.page == row.page} for row in taken}
    assert numbers(found) == {
        (page,): (sum(row.page == page for row in taken), len(who)) for page, who in people.items()
    }
    assert people.keys() >= {"/files/a.pdf", "/files/e.zip", "/files/F.ZIP"}
    views = ask(reader, ["pageviews"], ["page"])
    assert not any(page in people for (page,) in numbers(views))


def test_where_links_led_and_on_which_pages_they_stood(reported: Reported, reader: Reader) -> None:
    own = analytics.read({"site": "shop.widget", "date_range": ["2025-03-29", "2025-03-30"]})
    to, stood = (
        analytics.ask(reader.rows, one, clock=system_clock, k=1, retention_days=36_500)
        for one in questions("outbound", own)
    )
    for found, at in ((to, 0), (stood, 1)):
        people: defaultdict[tuple[str, ...], set[object]] = defaultdict(set)
        for link in reported.links:
            people[str(link[at]),].add(link[2])
        hits = Counter((str(link[at]),) for link in reported.links)
        assert numbers(found) == {key: (hits[key], len(people[key])) for key in hits}
    assert {led for led, _, _ in reported.links} == {*LED_TO.values()}


def test_the_named_questions_show_them(reader: Reader) -> None:
    own = analytics.read({"site": "shop", "date_range": ["2025-03-29", "2025-03-30"]})

    def told(name: str) -> list[analytics.Answer]:
        return [
            analytics.ask(
                reader.rows, one, clock=system_clock, k=1, retention_days=36_500,
                goals=tree.Settings(goals=GOALS).goals,
            )
            for one in questions(name, own)
        ]  # fmt: skip

    [goals] = told("goals")
    assert {line.dimensions[0] for line in goals.lines} > {"checkout", "chat", "talk"}
    statuses, pages, linked, files = map(numbers, told("broken"))
    assert ("404",) in statuses
    assert ("/gone/a",) in pages
    assert ("/gone/a", "/help") in linked
    assert not pages.keys() & files.keys()
