"""Every answer equals a plain count of the log lines, visits too: of real and simulated sites.

With k = 1 nothing is folded, so that answers must be equal and not only no more than the truth.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from tests.support import plain_truth
from tests.support.command import partywall
from tests.support.plain_truth import Describe, Request
from tests.support.reported import (
    SAMPLE,
    Ask,
    Numbers,
    Reported,
    needs_sample,
    of_site,
)

WEB: Final = ("shop", "blog")
WIDGET: Final = "shop.widget"
CLOCK: Final = "America/New_York"
"""By which all days are: the logs are of Berlin and of UTC."""
OWN: Final = ("shop.example", "blog.example")
SITES: Final = (*WEB, pytest.param("sample", marks=needs_sample))

OF_VISITS: Final = "visits bounces bounce_rate visit_duration entries exits exit_rate".split()
OF_ENTRIES: Final = "visits entries bounces bounce_rate visit_duration".split()
TOTALS: Final = ["visitors", "pageviews", "hits", "bytes", *OF_VISITS[:4], "views_per_visit"]
QUESTIONS: Final = {
    "page": ["visitors", "pageviews", "hits", *OF_VISITS],
    "entry_page": OF_ENTRIES,
    "exit_page": ["visits", "exits", "exit_rate"],
    "referrer": ["visitors", "pageviews", "hits", *OF_VISITS],
    "referrer_kind": ["visitors", "pageviews", "hits", *OF_VISITS],
    "campaign": ["visitors", "pageviews", "hits", *OF_VISITS],
    "device": ["visitors", "pageviews", "hits", *OF_VISITS, "views_per_visit"],
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("truth")
    partywall(
        folder, "simulate", "--out", "logs", "--sites", ",".join(WEB), "--visits", 150,
        "--bad", 0, "--late", 0.05,
    )  # fmt: skip
    inputs = [f"logs/{site}/combined.log" for site in WEB] + ["logs/shop/widget.ndjson"]
    if SAMPLE.exists():
        (folder / "logs/sample").mkdir()
        (folder / "logs/sample/access.log.gz").symlink_to(SAMPLE)
        inputs.append("logs/sample/access.log.gz")
    own = [option for host in OWN for option in ("--own-host", f"www.{host}")]
    text = partywall(
        folder, "report", *inputs, "--k", 1, "--data", "kept", "--site-from", "folder", *own,
        "--json", "--clock", CLOCK,
    )  # fmt: skip
    return Reported(folder, json.loads(text))


@pytest.fixture(scope="module")
def truth(reported: Reported) -> Callable[[str], list[Request]]:
    describe, known = Describe(OWN), dict[str, list[Request]]()

    def of(site: str) -> list[Request]:
        if site not in known:
            known[site] = list(plain_truth.requests(reported.lines(site), describe, CLOCK))
        return known[site]

    return of


Truth = Callable[[str], list[Request]]


def wanted(rows: list[Request], metrics: list[str], *names: str) -> Numbers:
    """Return the plain count in the shape of an answer."""
    sums = plain_truth.counted(rows, plain_truth.by_names(*names))
    return {key: {name: one.metric(name) for name in metrics} for key, one in sums.items()}


def some(numbers: Numbers) -> Numbers:
    """Leave out rows of nothing at all."""
    return {key: row for key, row in numbers.items() if any(row.values())}


@pytest.mark.parametrize("site", SITES)
def test_the_whole_of_a_site(ask: Ask, truth: Truth, site: str) -> None:
    found = ask(site, TOTALS)
    assert found == wanted(truth(site), TOTALS)
    assert found[()]["visits"] > 100
    assert 0 < found[()]["bounce_rate"] < 1


@pytest.mark.parametrize("site", SITES)
def test_how_long_half_of_the_visits_last(ask: Ask, truth: Truth, site: str) -> None:
    metric = "visit_duration_p50"
    assert ask(site, [metric])[()][metric] == plain_truth.median_length(truth(site))


@pytest.mark.parametrize("site", SITES)
def test_day_by_day(ask: Ask, truth: Truth, site: str) -> None:
    assert ask(site, TOTALS, "time:day") == wanted(truth(site), TOTALS, "day")


@pytest.mark.parametrize("dimension", QUESTIONS)
@pytest.mark.parametrize("site", SITES)
def test_by_one_dimension(ask: Ask, truth: Truth, site: str, dimension: str) -> None:
    metrics = QUESTIONS[dimension]
    named = {"entry_page": "page", "exit_page": "page"}.get(dimension, dimension)
    expected = wanted(truth(site), metrics, named)
    if dimension == "exit_page":
        for row in expected.values():
            row["visits"] = row["exits"]
    assert some(ask(site, metrics, dimension)) == some(expected)


@pytest.mark.parametrize("site", SITES)
def test_which_page_follows_which(ask: Ask, truth: Truth, site: str) -> None:
    found = ask(site, ["moves"], "page", "next_page")
    assert {key: row["moves"] for key, row in found.items()} == plain_truth.moves(truth(site))


@pytest.mark.parametrize("site", SITES)
def test_which_ways_visits_go(ask: Ask, truth: Truth, site: str) -> None:
    found = ask(site, ["visits"], "click_path")
    assert {key: row["visits"] for key, row in found.items()} == plain_truth.ways(truth(site))


@pytest.mark.parametrize("site", SITES)
def test_the_accounts_are_of_the_same_lines(reported: Reported, truth: Truth, site: str) -> None:
    assert sum(row["hits"] for row in of_site(reported, site)) == len(truth(site))
    assert len(truth(site)) == len(reported.lines(site)) - (site == "sample")


@pytest.mark.parametrize("dimension", ["event", "page", "referrer_kind", "locale"])
def test_the_events_of_a_widget(ask: Ask, reported: Reported, dimension: str) -> None:
    events = (reported.folder / "logs/shop/widget.ndjson").read_text(encoding="utf-8")
    describe = Describe(OWN)
    hits, visitors = Counter[str](), defaultdict[str, set[tuple[str, ...]]](set)
    for line in events.splitlines():
        said = json.loads(line)
        event = said["event"]
        moment = dt.datetime.fromtimestamp(event["time"] // 1000, ZoneInfo(CLOCK))
        day = moment.date().isoformat()
        came = describe.referrer(event.get("referrer"))
        value = {
            # Who wrote a message is part of what happened.
            "event": event["event"].replace("message_sent", f"message_by_{event.get('by')}"),
            "page": describe.page(event["page"]),
            "referrer_kind": "internal" if came.host in OWN else came.kind,
            "locale": event["locale"],
        }[dimension]
        hits[value] += 1
        who = plain_truth.subscriber(said["address"])
        visitors[value].add((day, who, said["agent"]))
    found = ask(WIDGET, ["events", "visitors"], dimension)
    assert found == {
        (value,): {"events": hits[value], "visitors": len(visitors[value])} for value in hits
    }
