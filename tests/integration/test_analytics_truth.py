"""Every answer equals a plain count of the log lines, visits too: of real and simulated sites.

With k = 1 nothing is folded, so that answers must be equal and not only no more than the truth.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline import analytics
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader
from pipeline.clock import system_clock
from tests.support import plain_truth
from tests.support.command import FAR_TOO_LONG, partywall
from tests.support.plain_truth import Describe, Request

SAMPLE: Final = Path(__file__).parents[3] / "shared/data/apache_logs.gz"
WEB: Final = ("shop", "blog")
WIDGET: Final = "shop.widget"
OWN: Final = ("shop.example", "blog.example")
needs_sample: Final = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no sample at {SAMPLE}")
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
Numbers = dict[tuple[str, ...], dict[str, Any]]
Ask = Callable[..., Numbers]


@dataclass(frozen=True, slots=True)
class Reported:
    """The folder with the logs, and one report of all of them."""

    folder: Path
    document: dict[str, Any]

    def lines(self, site: str) -> list[str]:
        """Return the lines of a web server."""
        if site == "sample":
            with gzip.open(SAMPLE, "rt", encoding="utf-8") as file:
                return list(file)
        text = (self.folder / f"logs/{site}/combined.log").read_text(encoding="utf-8")
        return text.splitlines()


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
        "--json",
    )  # fmt: skip
    return Reported(folder, json.loads(text))


@pytest.fixture(scope="module")
def ask(reported: Reported) -> Iterator[Ask]:
    """Ask as the console does; answers come back by row, rates that are of nothing left as None."""
    with closing(Reader.open(Engine(path=reported.folder / "kept/clickhouse"))) as reader:

        def asked(site: str, metrics: list[str], *dimensions: str, **words: object) -> Numbers:
            days = [row["window_start"][:10] for row in of_site(reported, site)]
            query = analytics.read({
                "site": site, "metrics": metrics, "dimensions": dimensions and list(dimensions),
                "date_range": [min(days), max(days)], "limit": 10_000, **words,
            })  # fmt: skip
            answer = analytics.ask(
                reader.rows,
                query,
                clock=system_clock,
                k=1,
                retention_days=36_500,
            )
            assert answer.next is None
            lines = answer.lines if dimensions else (answer.totals,)
            assert {cell.state for line in lines for cell in line.cells} <= {"value", "zero"}
            return {
                line.dimensions: {
                    name: cell.number for name, cell in zip(metrics, line.cells, strict=True)
                }
                for line in lines
            }

        yield asked


def of_site(reported: Reported, site: str) -> list[dict[str, Any]]:
    """Return the daily traffic of a site."""
    return [row for row in reported.document["traffic_daily"] if row["site"] == site]


@pytest.fixture(scope="module")
def truth(reported: Reported) -> Callable[[str], list[Request]]:
    describe, known = Describe(OWN), dict[str, list[Request]]()

    def of(site: str) -> list[Request]:
        if site not in known:
            known[site] = list(plain_truth.requests(reported.lines(site), describe))
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
        day = dt.datetime.fromtimestamp(event["time"] // 1000, dt.UTC).date().isoformat()
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


@pytest.fixture(scope="module")
def goaccess(reported: Reported, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What GoAccess counts in the lines of the sample that are whole.

    It takes a line whose end is missing, and leaves visitors out who met nothing but errors,
    unless it is told otherwise. Queries are cut off, as scrubbing does.
    """
    program = shutil.which("goaccess")
    if program is None:
        pytest.skip("goaccess is not installed")
    folder = tmp_path_factory.mktemp("goaccess")
    whole = [line for line in reported.lines("sample") if line.endswith('"\n')]
    (folder / "log").write_text("".join(whole), encoding="utf-8")
    subprocess.run(
        [
            program, "log", "-o", "found.json", "--log-format=COMBINED", "--no-global-config",
            "--no-progress", "--4xx-to-unique-count", "--no-query-string", "--max-items=5000",
        ],
        cwd=folder, env={"TZ": "UTC", "LC_ALL": "C"}, capture_output=True, check=True,
        timeout=FAR_TOO_LONG,
    )  # fmt: skip
    # It writes the bytes of paths as they came.
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="latin-1"))
    return found


@needs_sample
def test_goaccess_counts_the_same_days(reported: Reported, goaccess: dict[str, Any]) -> None:
    """Visitors, hits and bytes, people and bots together."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in of_site(reported, "sample"):
        for name in ("hits", "visitors", "bytes"):
            found[row["window_start"][:10].replace("-", "")][name] += row[name]
    assert found == {
        row["data"]: {name: row[name]["count"] for name in ("hits", "visitors", "bytes")}
        for row in goaccess["visitors"]["data"]
    }


@needs_sample
def test_goaccess_lists_the_same_pages(ask: Ask, goaccess: dict[str, Any]) -> None:
    """The hundred with the most hits, under the name that scrubbing gives; of the sum, all.

    GoAccess decodes what is percent-encoded before it is scrubbed here; that changes a few names.
    """
    describe, theirs = Describe(), Counter[str]()
    for panel in ("requests", "static_requests", "not_found"):
        for row in goaccess[panel]["data"]:
            theirs[describe.page(row["data"])] += row["hits"]["count"]
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "page", filters=everybody)
    assert sum(row["hits"] for row in ours.values()) == theirs.total()
    for page, hits in theirs.most_common(100):
        assert ours[page,]["hits"] == hits, page


@needs_sample
def test_goaccess_lists_the_same_statuses(ask: Ask, goaccess: dict[str, Any]) -> None:
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "status", filters=everybody)
    theirs = {
        (row["data"].partition(" ")[0],): {"hits": row["hits"]["count"]}
        for kind in goaccess["status_codes"]["data"]
        for row in kind["items"]
    }
    assert ours == theirs


@needs_sample
def test_goaccess_lists_the_same_referring_sites(ask: Ask, goaccess: dict[str, Any]) -> None:
    """The twenty with the most hits; a name may stand for several hosts, as www and without."""
    describe, theirs = Describe(), Counter[str]()
    for row in goaccess["referring_sites"]["data"]:
        theirs[describe.referrer(f"http://{row['data']}/").name] += row["hits"]["count"]
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "referrer", filters=everybody)
    for name, hits in theirs.most_common(20):
        assert ours[name,]["hits"] == hits, name
