"""The command as a person uses it, over the embedded group: report, up, ship, status, query.

Starting a group takes most of the time here, so few are started and much is asked of each.
"""

from __future__ import annotations

import bz2
import contextlib
import datetime as dt
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pytest
import zstandard
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from pipeline.cli.place import Place
from pipeline.clickhouse.remote import query
from pipeline.clock import stopwatch
from pipeline.kafka.topics import READ_BY
from pipeline.vault.status import vault_status
from tests.support.command import FAR_TOO_LONG, partywall, ran

ADDRESSES: Final = [f"198.51.100.{n}" for n in range(1, 61)] + [
    f"203.0.113.{n}" for n in range(1, 41)
]
AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)


def traffic(first: dt.datetime, lines: int, seed: int) -> list[str]:
    """Return combined lines, in order, over three hours; one in fifty is cut off."""
    dice = random.Random(seed)
    made = []
    for number in range(lines):
        moment = first + dt.timedelta(seconds=number * 10_800 // lines)
        stamp = moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
        line = (
            f'{dice.choice(ADDRESSES)} - - [{stamp}] "GET /page/{"abc"[number % 3]} HTTP/1.1" '
            f'{dice.choice((200, 200, 404))} {dice.randrange(9_999)} "-" "{AGENTS[number % 2]}"'
        )
        made.append(line[:-9] if number % 50 == 7 else line)
    return made


@dataclass(frozen=True, slots=True)
class Reported:
    """A folder with a data folder, and what two reports said of which the first was kept."""

    folder: Path
    lines: list[str]
    first: dict[str, Any]
    page: str
    piped: list[str]
    second: dict[str, Any]


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Rotated files, each packed in another way and named newest first; then another site's."""
    folder = tmp_path_factory.mktemp("reported")
    lines = traffic(dt.datetime(2024, 3, 9, 22, 30, tzinfo=dt.UTC), 2_000, seed=1)
    names = ("access.log.3.zst", "access.log.2.bz2", "access.log.1.gz", "access.log")
    packs: tuple[Callable[[bytes], bytes], ...] = (
        zstandard.compress,
        bz2.compress,
        gzip.compress,
        bytes,
    )
    for at, (name, pack) in enumerate(zip(names, packs, strict=True)):
        text = "\n".join(lines[at * 500 : (at + 1) * 500])
        (folder / name).write_bytes(pack(text.encode()))  # the last line has no end
    _databases(folder)
    first = partywall(
        folder, "report", *reversed(names), "access.log", "--data", "kept", "--k", 1, "--json",
        "--html", "page.html", "--mmdb-country", "country.mmdb", "--mmdb-asn", "asn.mmdb",
    )  # fmt: skip
    piped = traffic(dt.datetime(2024, 3, 9, 10, 0, tzinfo=dt.UTC), 600, seed=2)
    second = partywall(
        folder, "report", "-", "--k", 1, "--site", "other", "--json",
        stdin="\n".join(piped).encode() + b"\n",
    )  # fmt: skip
    page = (folder / "page.html").read_text()
    return Reported(folder, lines, json.loads(first), page, piped, json.loads(second))


def _databases(folder: Path) -> None:
    country = MMDBWriter(database_type="country")
    country.insert_network(IPSet(["198.51.100.0/24"]), {"country_code": "SE"})
    country.insert_network(IPSet(["203.0.113.0/24"]), {"country": {"iso_code": "NZ"}})
    country.to_db_file(str(folder / "country.mmdb"))
    asn = MMDBWriter(database_type="asn")
    asn.insert_network(
        IPSet(["198.51.100.0/24"]), {"autonomous_system_organization": "Example Telecom"}
    )
    asn.to_db_file(str(folder / "asn.mmdb"))


def whole(lines: list[str]) -> list[str]:
    return [line for line in lines if line.endswith('"')]


def test_files_of_every_packing_in_any_order_are_counted_once(reported: Reported) -> None:
    good = whole(reported.lines)
    found = reported.first
    assert found["lines"] == {
        "in": 2_000,
        "events": len(good),
        "rejected": 2_000 - len(good),
        "ignored": 0,
    }
    assert found["totals"]["released_hits"] == len(good)
    assert found["totals"]["bytes"] == sum(int(line.split(" ")[9]) for line in good)
    assert found["sealed"]["records"] == 2_000
    hours = Counter[str]()
    for row in found["traffic_hourly"]:
        hours[row["window_start"]] += row["hits"]
    assert hours == Counter(_hour(line) for line in good)


def _hour(line: str) -> str:
    stamp = line.split("[")[1].split("]", maxsplit=1)[0]
    moment = dt.datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
    return moment.strftime("%Y-%m-%dT%H:00:00Z")


def test_countries_and_providers_come_from_the_databases(reported: Reported) -> None:
    found = {"country": Counter[str](), "provider": Counter[str]()}
    for row in reported.first["breakdown_daily"]:
        if row["dimension"] in found:
            found[row["dimension"]][row["value"]] += row["hits"]
    near = sum(line.startswith("198.51.100.") for line in whole(reported.lines))
    far = len(whole(reported.lines)) - near
    assert found["country"] == {"SE": near, "NZ": far}
    assert found["provider"] == {"Example Telecom": near, "(unknown)": far}


def test_the_page_is_one_file_that_loads_nothing(reported: Reported) -> None:
    assert reported.page.lstrip().lower().startswith("<!doctype html>")
    assert not re.search(r"""(?:src|href)\s*=(?!"#)|url\(|@import|<script""", reported.page)
    for line in reported.lines:
        assert line.split(" ")[0] not in reported.page


def test_standard_input_is_reported_as_a_file_is(reported: Reported) -> None:
    good = whole(reported.piped)
    found = reported.second
    assert found["sites"] == ["other"]
    assert found["lines"]["in"] == len(reported.piped)
    totals = found["totals"]
    assert totals["released_hits"] + totals["withheld_hits"] == len(good)
    assert found["sealed"]["records"] == len(reported.piped)


def test_a_folder_takes_one_report(reported: Reported) -> None:
    """A second one of a log that has grown would give the new visitor away, whatever k is."""
    before = partywall(reported.folder, "query", "traffic", "--data", "kept", "--json")
    run = ran(reported.folder, "report", "access.log", "--data", "kept", "--k", 1)
    assert (run.returncode, run.stdout) == (2, "")
    assert "holds released numbers already" in run.stderr.splitlines()[-1]
    assert partywall(reported.folder, "query", "traffic", "--data", "kept", "--json") == before


def test_what_was_kept_can_be_asked_for_afterwards(reported: Reported) -> None:
    rows = json.loads(partywall(reported.folder, "query", "traffic", "--data", "kept", "--json"))
    assert sum(int(row["hits"]) for row in rows) == len(whole(reported.lines))
    shown = partywall(
        reported.folder, "query", "SELECT DISTINCT site FROM analytics.traffic_daily",
        "--data", "kept",
    )  # fmt: skip
    assert shown.split() == ["site", "site"]


def test_the_vault_can_be_counted_without_a_key(reported: Reported) -> None:
    found = json.loads(partywall(reported.folder, "vault", "status", "--data", "kept", "--json"))
    assert found["records"] == 2_000
    assert found["missing"] == 0
    by_outcome = Counter[str]()
    for row in found["outcomes"]:
        by_outcome[row["outcome"]] += row["records"]
    assert by_outcome["event"] == len(whole(reported.lines))
    assert by_outcome["rejected"] == 2_000 - len(whole(reported.lines))


def test_a_report_shows_no_address_and_no_agent(reported: Reported) -> None:
    said = json.dumps([reported.first, reported.second])
    assert not re.search(r"198\.51\.100|203\.0\.113|Googlebot|Gecko", said)


def test_the_folder_of_a_report_can_be_brought_up(reported: Reported) -> None:
    """Which destroys the keys that are due; and whoever starts or asks is told what k = 1 is."""
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "up", "--data", "kept", "--k", "1"],
        cwd=reported.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line.decode())
            if line.startswith(b"data "):
                break
        assert said[0].startswith("partywall: note: not anonymous: with k = 1 ")
        found = json.loads(partywall(reported.folder, "doctor", "--data", "kept", "--json"))
        rows = partywall(reported.folder, "query", "traffic", "--data", "kept", "--json")
        process.terminate()
        process.stdout.read()
    assert process.returncode == 0
    assert [f["state"] for f in found if f["about"] == "anonymity"] == ["warning"]
    assert sum(int(row["hits"]) for row in json.loads(rows)) == len(whole(reported.lines))


@dataclass(frozen=True, slots=True)
class Running:
    """A group under ``partywall up``: its folder and what it has printed."""

    folder: Path
    process: subprocess.Popen[bytes]
    said: list[str]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The group as a service, with an hour-old live log and an old one beside it."""
    folder = tmp_path_factory.mktemp("running")
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 -- live lines are those of now
    live = traffic(now - dt.timedelta(hours=4), 300, seed=3)
    (folder / "live.log").write_text("\n".join(live) + "\n")
    old = traffic(dt.datetime(2023, 5, 1, 12, tzinfo=dt.UTC), 900, seed=4)
    (folder / "old.log").write_text("\n".join(old) + "\n")
    app = [
        {"ip": address, "ts": int(now.timestamp()) - 60, "path": "/"} for address in ADDRESSES[:20]
    ]
    (folder / "app.log").write_text("".join(f"{json.dumps(line)}\n" for line in app))
    (folder / "own.yaml").write_text(
        "k: 12\nsplit: {formats: {mine: {json: {address: ip, time: ts, target: path}}}}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "up", "--config", "own.yaml", "--data", "data"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said: list[str] = []
    up = threading.Event()
    reader = threading.Thread(target=_listen, args=(process.stdout, said, up), daemon=True)
    reader.start()
    try:
        assert up.wait(FAR_TOO_LONG), said
        yield Running(folder, process, said)
    finally:
        process.terminate()
        process.wait(30)
        reader.join(10)
        process.stdout.close()


def _listen(stream: IO[bytes], said: list[str], up: threading.Event) -> None:
    for line in stream:
        said.append(line.decode())
        if line.startswith(b"data "):
            up.set()
    up.set()


def shipped(running: Running, *arguments: object) -> int:
    run = ran(running.folder, "ship", "--data", "data", *arguments)
    assert run.returncode == 0, run.stderr
    match = re.search(r"^shipped ([\d,]+) lines\n\Z", run.stderr, re.MULTILINE)
    assert match is not None, run.stderr
    return int(match[1].replace(",", ""))


@pytest.fixture(scope="module")
def deliveries(running: Running) -> list[int]:
    """Each file shipped twice, and a line that was written in between; one in its own format."""
    counts = [shipped(running, "live.log", "--site", "shop") for _ in range(2)]
    with (running.folder / "live.log").open("a") as file:
        file.write((running.folder / "live.log").read_text().splitlines()[-1] + "\n")
    counts.append(shipped(running, "live.log", "--site", "shop"))
    old = ("old.log", "--site", "shop", "--ingest", "backfill-1", "--more")
    counts += [shipped(running, *old), shipped(running, *old[:-1])]
    return [*counts, shipped(running, "app.log", "--site", "app", "--format", "mine")]


def until(question: Callable[[], bool]) -> None:
    """Ask again until it is so."""
    began = stopwatch()
    pause = threading.Event()
    while not question():
        assert stopwatch() - began < FAR_TOO_LONG
        pause.wait(0.2)


def status(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        partywall(running.folder, "status", "--data", "data", "--json")
    )
    return found


def test_the_service_tells_where_it_listens(running: Running) -> None:
    said = "".join(running.said)
    assert re.search(r"^broker +127\.0\.0\.1:\d+ ", said, re.MULTILINE)
    assert re.search(r"^engine +http://127\.0\.0\.1:\d+ ", said, re.MULTILINE)


def test_nothing_is_shipped_twice(deliveries: list[int]) -> None:
    assert deliveries == [300, 0, 1, 900, 0, 20]


def test_a_backfill_is_released_while_live_windows_wait(
    running: Running, deliveries: list[int]
) -> None:
    del deliveries

    place = Place.find(running.folder / "data")
    assert place is not None
    # Of the four release partitions each says when it has said its last.
    ended = "SELECT uniqExact(origin) AS n FROM analytics.ingests WHERE ingest = 'backfill-1'"
    until(lambda: query(place.engine, ended)[0]["n"] in {4, "4"})
    old = whole((running.folder / "old.log").read_text().splitlines())
    booked = [row for row in status(running)["released"] if row["ingest"] == "backfill-1"]
    assert [(row["counted"], row["pending"]) for row in booked] == [(len(old), 0)]
    assert booked[0]["released"] + booked[0]["withheld"] == len(old)
    text = partywall(running.folder, "query", "traffic", "--data", "data", "--json")
    rows: list[dict[str, Any]] = json.loads(text)
    assert sum(int(row["hits"]) for row in rows) == booked[0]["released"]
    assert {row["site"] for row in rows} == {"shop"}
    attacked = json.loads(partywall(running.folder, "attack", "--data", "data", "--json"))
    assert (attacked["k"], attacked["findings"]) == (12, [])
    assert attacked["numbers"] > 0


def test_status_accounts_for_every_line_and_names_every_key(
    running: Running, deliveries: list[int]
) -> None:
    vault = str(running.folder / "data/vault")
    until(lambda: vault_status(vault)["records"] == sum(deliveries))
    told = status(running)
    assert (told["k"], told["anonymous"]) == (12, True)
    lines = {f"{row['source']} {row['ingest']}": row for row in told["lines"]}
    assert set(lines) == {"live.log live", "old.log backfill-1", "app.log live"}
    assert lines["old.log backfill-1"]["in"] == 900
    assert lines["app.log live"]["events"] == 20, "the settings of `up` are those of its split"
    assert all(
        row["in"] == row["events"] + row["rejected"] + row["ignored"] for row in lines.values()
    )
    why = {(row["site"], row["outcome"]): row["lines"] for row in told["reasons"]}
    assert why == {("shop", "rejected"): sum(row["rejected"] for row in lines.values())}
    assert {group for group, lag in told["lag"].items() if lag} == set(READ_BY)
    assert {"sealing", "pseudonym"} == {key["kind"] for key in told["keys"]["keys"]}
    assert set(told["watermarks"]) == {"live", "backfill-1"}
    assert set(told["watermarks"]["backfill-1"].values()) == {"ended"}


def test_status_and_doctor_are_readable(running: Running, deliveries: list[int]) -> None:
    del deliveries
    shown = partywall(running.folder, "status", "--data", "data")
    assert "backfill-1" in shown
    assert re.search(r"^ *shop +rejected +not_this_format +\d+ *$", shown, re.MULTILINE)
    found = json.loads(partywall(running.folder, "doctor", "--data", "data", "--json"))
    assert not [finding for finding in found if finding["state"] == "problem"]
    assert "each released number stands for 12 visitors or more" in {f["say"] for f in found}
    assert {"settings", "kafka", "keys", "vault", "anonymity"} <= {f["about"] for f in found}
    assert "ok" in partywall(running.folder, "doctor", "--data", "data")


def test_nothing_in_the_folder_is_open_to_others(running: Running, deliveries: list[int]) -> None:
    del deliveries
    data = running.folder / "data"
    made: dict[str, int] = {}
    for path in [path for path in data.rglob("*") if not path.is_symlink()]:
        with contextlib.suppress(FileNotFoundError):  # the engine's parts come and go
            made[str(path.relative_to(data))] = path.stat().st_mode & 0o777
    expected = {"state/ship.sqlite", "running.json", "keys/kek", "log/split.log", "clickhouse"}
    assert expected <= made.keys()
    public = (".vkey", ".pub")  # for all to know, in folders that are closed to them
    private = {name: mode for name, mode in made.items() if not name.endswith(public)}
    assert [name for name, mode in private.items() if mode & 0o077] == []


def test_a_second_group_does_not_get_into_the_folder(running: Running) -> None:
    run = ran(running.folder, "report", "old.log", "--data", "data")
    assert run.returncode == 2
    assert run.stderr == (
        "partywall: a group runs in data already: stop it, or choose another --data\n"
    )


def test_a_group_that_is_stopped_leaves_nothing_running(running: Running) -> None:
    """The last test of the group: it ends it."""
    children = _children(running.process.pid)
    assert len(children) >= 5
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert not (running.folder / "data/running.json").exists()


def _children(ancestor: int) -> list[int]:
    """Return every living process that descends from one."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()
            parents[int(folder.name)] = int(fields[1])
    found = [ancestor]
    for parent in found:
        found += [pid for pid, of in parents.items() if of == parent]
    return found[1:]


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder for temporary files whose path is short, since the group's socket lies in there."""
    with tempfile.TemporaryDirectory(prefix="pw-", dir="/tmp") as made:
        yield Path(made)


def test_a_report_that_is_stopped_takes_everything_with_it(tmp_path: Path, private: Path) -> None:
    """Keys and sealed records of a one-shot report lie in a private folder, and go with it."""
    (tmp_path / "access.log").write_text(
        "\n".join(traffic(dt.datetime(2024, 3, 9, tzinfo=dt.UTC), 50, seed=5))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "report", "access.log"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(private)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until(lambda: len(_children(process.pid)) >= 2)
    children = _children(process.pid)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert list(private.iterdir()) == []
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_report_that_is_killed_takes_its_processes_with_it(tmp_path: Path, private: Path) -> None:
    """An open broker full of raw lines would stay behind; the folder goes at the next start."""
    (tmp_path / "access.log").write_text(
        "\n".join(traffic(dt.datetime(2024, 3, 9, tzinfo=dt.UTC), 50, seed=5))
    )
    environment = {**os.environ, "TMPDIR": str(private)}
    command = [sys.executable, "-m", "pipeline", "report", "access.log"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        until(lambda: len(_children(process.pid)) >= 5)
        children = _children(process.pid)
        process.kill()
    until(lambda: not any(_runs(pid) for pid in children))
    assert len([*private.iterdir()]) == 1
    source = "from pipeline.cli.private import remove_left; remove_left()"
    subprocess.run([sys.executable, "-c", source], env=environment, check=True)
    assert [*private.iterdir()] == []


def _runs(pid: int) -> bool:
    """Tell whether a process lives; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
