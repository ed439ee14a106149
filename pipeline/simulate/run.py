"""The whole simulation: every site's files, and ``truth.json`` beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import orjson

from pipeline.errors import UsageError
from pipeline.simulate import faults, widget
from pipeline.simulate.agents import ABUSER
from pipeline.simulate.files import LogFile, private
from pipeline.simulate.formats import Format
from pipeline.simulate.requests import requests
from pipeline.simulate.tally import ChatTally, Tally
from pipeline.simulate.traffic import Scenario, Site

TRUTH: Final = "truth.json"
VERSION: Final = 1
WIDGET: Final = "widget.ndjson"


def simulate(
    out: Path,
    scenario: Scenario,
    sites: Sequence[str],
    formats: Sequence[tuple[Format, str | None]],
    tell: Callable[[str, int], None] = lambda _site, _hour: None,
) -> dict[str, Any]:
    """Write ``out/SITE/FORMAT.log``, ``out/SITE/widget.ndjson`` and ``out/truth.json``.

    Returns the truth. ``tell`` hears of every hour done. Raises UsageError where ``out`` has
    something in it or cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(out.iterdir()):
            raise UsageError(f"--out {out}: is not empty; name a new folder")
        truth = {
            "version": VERSION,
            "scenario": _scenario(scenario),
            "sites": {name: _site(out, name, scenario, formats, tell) for name in sites},
        }
        with private(out / TRUTH) as file:
            file.write(orjson.dumps(truth, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}; name another folder") from None
    return truth


def _scenario(scenario: Scenario) -> dict[str, Any]:
    return {
        "seed": scenario.seed,
        "start": _moment(scenario.start * 3_600_000_000),
        "days": scenario.days,
        "visits": scenario.visits,
        "bad": scenario.bad,
        "late": scenario.late,
        "zone": scenario.zone,
    }


def _site(
    out: Path,
    name: str,
    scenario: Scenario,
    formats: Sequence[tuple[Format, str | None]],
    tell: Callable[[str, int], None],
) -> dict[str, Any]:
    folder = out / name
    folder.mkdir(mode=0o700)
    site = Site(name, scenario)
    files = [LogFile(folder, form, wrapper) for form, wrapper in formats]
    tallies = {
        lacks: Tally(lacks, site.catalogue, site.people)
        for lacks in {file.form.lacks for file in files}
    }
    serial = 0
    with private(folder / WIDGET) as widget_file:
        chat = ChatTally()
        for hour, (rows, events) in enumerate(site.hours()):
            texts = requests(
                rows, site.catalogue, site.people, host=site.host, zone=scenario.zone, serial=serial
            )
            serial += len(rows)
            base = faults.before_writing(texts)
            named = faults.with_host_names(base)
            for file in files:
                file.write(base, named)
            good = rows.filter(fault=faults.GOOD)
            for tally in tallies.values():
                tally.add(good)
            if len(events):
                lines = widget.lines(events, site.catalogue, site.people, host=site.host, name=name)
                widget_file.write(lines.str.join("\n").item().encode() + b"\n")
            chat.add(events)
            tell(name, hour + 1)
    counts = {lacks: tally.document() for lacks, tally in tallies.items()}
    return {
        "host": site.host,
        "files": {
            f"{name}/{file.path.name}": file.close() | counts[file.form.lacks] for file in files
        },
        "widget": {"file": f"{name}/{WIDGET}", **chat.document()},
        "abuser": _abuser(site),
        "spammer": _spammer(site),
    }


def _abuser(site: Site) -> dict[str, Any]:
    return {
        "address": str(IPv4Address(site.people.abuser)),
        "agent": ABUSER,
        "page": "/login",
        "attempts": len(site.attack),
        "first": _moment(int(site.attack[0])),
        "last": _moment(int(site.attack[-1])),
    }


def _spammer(site: Site) -> dict[str, Any]:
    return {
        "address": str(IPv4Address(site.people.spammer)),
        "chats": len(site.spam),
        "first": _moment(int(site.spam[0])),
        "last": _moment(int(site.spam[-1])),
    }


def _moment(micros: int) -> str:
    moment = dt.datetime.fromtimestamp(micros // 1_000_000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
