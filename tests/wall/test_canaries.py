"""Nothing raw exists beyond door 1: the whole way is run, and every byte of it searched.

Thousands of planted values travel through every stage at debug level. Then each is looked for, in
every encoding, in all files, messages, logs, metrics and whatever processes show of themselves.
:mod:`tests.wall.test_mutations` shows that the search finds what there is to find.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import resource
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pipeline.apps.embedded import ONCE
from pipeline.clock import system_clock
from pipeline.demo.search import Blob, Findings, Searcher, walk
from pipeline.demo.traffic import Traffic, simulate
from pipeline.kafka import topics
from pipeline.policy import load
from tests.support.whole_way import Found, whole_way

LINES = 5_000
STAGES = {"-".join(stages) for stages in ONCE}


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return simulate(system_clock() - dt.timedelta(days=4), seed=11, lines=LINES)


@pytest.fixture(scope="module")
def searcher(traffic: Traffic) -> Searcher:
    return Searcher(traffic.plants)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tmp`` is where temporary files go, ``cwd`` where the processes stand."""
    folder = tmp_path_factory.mktemp("way")
    for name in ("tmp", "cwd"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(scope="module")
def found(place: Path, traffic: Traffic) -> Iterator[Found]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(place / "tmp"))
        patch.chdir(place / "cwd")
        yield asyncio.run(whole_way(place, traffic))


def clean(searcher: Searcher, targets: Iterable[Blob]) -> Findings:
    findings = searcher.search(targets)
    hits = {f"{hit.kind} as {hit.encoding} in {hit.where}" for hit in findings.hits}
    assert not hits
    assert not findings.packed_leak, findings.packed
    assert findings.unread == []
    return findings


def test_the_traffic_is_full_of_people(traffic: Traffic) -> None:
    kinds = {plant.kind for plant in traffic.plants}
    assert len(traffic.plants) > 1_000
    assert kinds >= {
        "address", "agent", "auth user", "card", "chat id", "e-mail", "e-mail name", "host",
        "install id", "message", "name", "phone", "search term", "session cookie", "token",
        "user name", "uuid",
    }  # fmt: skip


def test_everything_arrived(found: Found, traffic: Traffic) -> None:
    """Otherwise there would be nothing to find."""
    account = found.outcome.account
    assert account.lines == account.records == LINES
    malformed = sum(truth.malformed for truth in traffic.truth.values())
    assert account.rejected == malformed > 0
    assert account.events == LINES - malformed
    assert found.outcome.report.traffic_daily


def test_nobody_is_in_any_file(found: Found, searcher: Searcher) -> None:
    """ClickHouse's folder, the vault, the key store, settings and logs."""
    findings = clean(searcher, walk(found.data))
    assert findings.blobs > 50
    assert findings.unfolded > 1_000_000


def test_nobody_is_in_any_message(found: Found, searcher: Searcher) -> None:
    """Of every topic there is, the raw tier's aside; changelogs are topics like others."""
    assert found.undeclared <= {"__consumer_offsets"}
    findings = clean(searcher, found.messages)
    seen = {blob.where.partition(":")[0] for blob in found.messages}
    declared = topics.declared(load().current.retention)
    assert seen == {name for name, topic in declared.items() if topic.tier != "raw"}
    assert findings.unfolded > LINES


def test_the_raw_topic_is_full_of_them(found: Found, searcher: Searcher) -> None:
    """The control: the same reader and the same search, one door earlier."""
    assert searcher.search(found.raw).found > 0.95 * len(searcher._plants)


def test_nobody_is_in_what_the_processes_say(found: Found, searcher: Searcher) -> None:
    clean(searcher, found.said)
    named = {blob.where for blob in found.said}
    assert named >= {f"log of {name}" for name in STAGES | {"broker"}}
    assert named >= {f"standard output of {name}" for name in STAGES}
    assert b"partition opened" in b"".join(blob.data for blob in found.said)


def test_nobody_is_in_the_metrics(found: Found, searcher: Searcher) -> None:
    clean(searcher, found.metrics)
    assert {blob.where for blob in found.metrics} == {f"metrics of {name}" for name in STAGES}
    assert b'partywall_lines_total{outcome="event"}' in b"".join(
        blob.data for blob in found.metrics
    )


def test_nobody_is_in_what_the_system_shows_of_a_process(found: Found, searcher: Searcher) -> None:
    clean(searcher, found.proc)
    assert len(found.proc) == 2 * len(STAGES | {"broker"})


def test_no_process_leaves_a_core(found: Found) -> None:
    assert found.core_limits == dict.fromkeys(STAGES | {"broker"}, "0 0")
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def test_no_process_writes_anywhere_else(found: Found, place: Path, searcher: Searcher) -> None:
    """Neither while it runs nor when it has ended: no temporary file, nothing where it stands."""
    assert found.written_elsewhere == {name: [] for name in STAGES | {"broker"}}
    for name in ("tmp", "cwd"):
        assert [*(place / name).rglob("*")] == []
    clean(searcher, walk(place / "tmp"))
