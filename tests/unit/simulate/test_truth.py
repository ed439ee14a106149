"""truth.json is what a plain count of the written files gives, and equal seeds give equal files."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from pipeline.errors import UsageError
from pipeline.restricted.agent import Agents
from pipeline.simulate import formats
from pipeline.simulate.run import simulate
from tests.unit.simulate.conftest import SCENARIO, SITES, Simulated

COMBINED = re.compile(
    r'(?P<address>[0-9a-f:.]+) - \S+ \[(?P<time>[0-9]{2}/[^\]]+)\] "(?P<request>[^"]*)" '
    r'(?P<status>\d{3}) (?P<bytes>\d+|-) "(?P<referrer>(?:[^"\\]|\\.)*)" '
    r'"(?P<agent>(?:[^"\\]|\\.)*)"'
)


def _moment(stamp: str) -> dt.datetime:
    return dt.datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(dt.UTC)


def _network(address: str) -> str:
    """Return an IPv6 address's /64, an IPv4 address as it is."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, 64), strict=False))


def _events(content: bytes) -> list[re.Match[str]]:
    """Return the good lines: those a regular expression takes whose values can be."""
    found = []
    for line in content.split(b"\n")[:-1]:
        match = COMBINED.fullmatch(line.decode("utf-8", "replace"))
        if match is None or len(line) > 65_536 or match["time"].startswith("00/"):
            continue
        if _moment(match["time"]).year >= 1990 and len(match["bytes"]) < 15:
            found.append(match)
    return found


@pytest.mark.parametrize("site", SITES)
def test_the_truth_is_an_independent_count(simulated: Simulated, site: str) -> None:
    content, truth = simulated.file(site, "combined")
    events = _events(content)
    requests = [m["request"].split(" ") if m["request"] != "-" else None for m in events]
    times = [_moment(m["time"]) for m in events]
    days = [moment.date().isoformat() for moment in times]
    assert truth["lines"] == content.count(b"\n")
    assert truth["size"] == len(content)
    assert truth["events"] == len(events)
    assert truth["lines"] == len(events) + sum({**truth["rejected"], **truth["ignored"]}.values())
    assert truth["ignored"]["empty"] == content.count(b"\n\n")
    assert truth["bytes"] == sum(int(m["bytes"]) for m in events if m["bytes"] != "-")
    assert truth["hits_daily"] == Counter(days)
    assert truth["hits_hourly"] == Counter(f"{t:%Y-%m-%dT%H:00:00Z}" for t in times)
    assert truth["statuses"] == Counter(m["status"] for m in events)
    assert truth["methods"] == Counter(r[0] if r else "(none)" for r in requests)
    pages = Counter(unquote(r[1].partition("?")[0]) if r else "(none)" for r in requests)
    assert set(truth["pages"].items()) <= set(pages.items())
    assert min(truth["pages"].values()) >= max([0, *(pages - Counter(truth["pages"])).values()])
    visitors = {(d, m["address"], m["agent"]) for d, m in zip(days, events, strict=True)}
    networks = {(d, _network(a), agent) for d, a, agent in visitors}
    assert truth["visitors_daily"] == Counter(day for day, _, _ in networks)
    assert truth["visitors_daily_by_address"] == Counter(day for day, _, _ in visitors)
    assert sum(truth["referrer_kinds"].values()) == len(events)
    own = f"https://www.{site}.example/"
    assert truth["referrer_kinds"]["internal"] == sum(m["referrer"].startswith(own) for m in events)
    assert truth["referrer_kinds"]["direct"] == sum(m["referrer"] == "-" for m in events)


@pytest.mark.parametrize("site", SITES)
def test_programs_are_told_from_people(simulated: Simulated, site: str) -> None:
    content, truth = simulated.file(site, "combined")
    sent = (m["agent"].replace('\\"', '"') for m in _events(content))
    seen = Counter(None if agent == "-" else agent for agent in sent)
    describe, audience = Agents().describe, Counter[str]()
    for agent, count in seen.items():
        audience[describe(agent).audience] += count
    assert truth["audience"] == audience
    assert min(truth["audience"].values()) > 500


@pytest.mark.parametrize("site", SITES)
def test_every_fault_and_late_lines_are_there(simulated: Simulated, site: str) -> None:
    content, truth = simulated.file(site, "combined")
    assert set(truth["rejected"]) == {
        "bad_address", "bad_size", "bad_time", "not_this_format", "time_out_of_range", "too_long",
    }  # fmt: skip
    times = [_moment(m["time"]) for m in _events(content)]
    latest, behind = times[0], 0
    for time in times:
        behind += latest - time >= dt.timedelta(minutes=1)
        latest = max(latest, time)
    assert 0 < behind <= truth["late"]
    assert behind > truth["late"] * 0.9
    assert latest - min(times) < dt.timedelta(days=SCENARIO.days)


@pytest.mark.parametrize("site", SITES)
def test_the_widgets_truth_is_an_independent_count(simulated: Simulated, site: str) -> None:
    content = (simulated.folder / site / "widget.ndjson").read_bytes()
    truth = simulated.truth["sites"][site]["widget"]
    lines = content.split(b"\n")[:-1]
    events, broken = [], 0
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            broken += 1
    assert truth["lines"] == len(lines)
    assert truth["rejected"] == {"not_this_format": broken}
    assert truth["events"] == len(events)
    assert truth["types"] == Counter(e["event"]["event"] for e in events)
    by = Counter(e["event"]["by"] for e in events if e["event"]["event"] == "message_sent")
    assert truth["messages"] == by
    led = Counter(e["event"]["target"] for e in events if e["event"]["event"] == "outbound")
    assert truth["links"] == led
    assert led
    days = [_day(e["event"]["time"]) for e in events]
    assert truth["events_daily"] == Counter(days)
    who = {(day, _network(e["address"]), e["agent"]) for day, e in zip(days, events, strict=True)}
    assert truth["visitors_daily"] == Counter(day for day, _, _ in who)
    assert set(truth["types"]) >= {"loaded", "shown", "opened", "chat_started", "message_sent"}
    received = [e["received"] for e in events]
    assert received == sorted(received)


def _day(milliseconds: int) -> str:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).date().isoformat()


@pytest.mark.parametrize("site", SITES)
def test_the_abuser_and_the_spammer_are_where_the_truth_says(
    simulated: Simulated, site: str
) -> None:
    abuser, spammer = (simulated.truth["sites"][site][who] for who in ("abuser", "spammer"))
    content, _ = simulated.file(site, "combined")
    tries = [m for m in _events(content) if m["address"] == abuser["address"]]
    assert 0.9 * abuser["attempts"] < len(tries) <= abuser["attempts"]
    assert {m["status"] for m in tries} == {"401", "429"}
    assert all(m["request"].startswith("POST /login?user=") for m in tries)
    assert {m["agent"] for m in tries} == {abuser["agent"]}
    chats = (simulated.folder / site / "widget.ndjson").read_text().splitlines()
    spam = [line for line in chats if f'"address":"{spammer["address"]}"' in line]
    ids = {found[0] for line in spam if (found := re.findall(r'"chat_id":"([^"]+)"', line))}
    assert len(ids) == spammer["chats"]


def test_equal_seeds_give_equal_bytes_and_sites_do_not_touch_each_other(
    simulated: Simulated, tmp_path: Path
) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    simulate(again, SCENARIO, ["blog", "shop"], formats.named("combined,docker.nginx_json"))
    for name in ("combined.log", "docker.nginx_json.log", "widget.ndjson"):
        assert (again / "shop" / name).read_bytes() == (
            simulated.folder / "shop" / name
        ).read_bytes()
    simulate(other, replace(SCENARIO, seed=8), ["shop"], formats.named("combined"))
    assert (other / "shop/combined.log").read_bytes() != (again / "shop/combined.log").read_bytes()


def test_what_holds_addresses_is_for_its_owner_alone(simulated: Simulated) -> None:
    for path in simulated.folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        simulate(tmp_path, SCENARIO, ["shop"], formats.named("combined"))
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
