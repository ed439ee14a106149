"""Each topic has an example message that its own code reads and writes, and that is nobody's."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from ipaddress import ip_address, ip_network
from typing import Any, Final

import orjson
import polars as pl
import pytest
import yaml

from pipeline import declarations, envelope, events, policy, sealed
from pipeline.events import EventsHeader
from pipeline.kafka import topics
from pipeline.kafka.runs import Span, _span
from pipeline.release.ingests import Terms
from pipeline.release.partition import Partition
from pipeline.restricted import Crossing
from pipeline.restricted.split import Splitter
from pipeline.restricted.widget.read import Reader
from pipeline.rollups import runs as rollup_runs
from pipeline.rollups.minutes import OPEN_MINUTES
from pipeline.rows import (
    CELLS,
    TABLES,
    CellsHeader,
    RollupsHeader,
    Statement,
    decode_cells,
    decode_rollups,
    decode_statement,
    encode_statement,
)
from tests.support import door
from tests.support.messages import encode_cells, encode_rollups

DOCUMENTATION: Final = [
    ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]
"""RFC 5737."""
FOLDER: Final = declarations.folder()
DECLARED: Final = topics.declared(policy.load().current.retention)
Json = dict[str, Any]


def example(topic: str) -> Json:
    found: Json = json.loads((FOLDER / f"examples/{topic}.json").read_text(encoding="utf-8"))
    assert set(found) == {"key", "headers", "value"}
    return found


def frame(rows: list[Json], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A frame of an example's rows, which have every column and no other."""
    assert all(list(row) == list(schema) for row in rows)
    return pl.DataFrame(rows, schema=schema)


def _plain(header: EventsHeader) -> Json:
    """A header as its JSON says it."""
    found: Json = json.loads(json.dumps(asdict(header)))
    return found


def _events(value: Json) -> None:
    header, rows = EventsHeader(**value["header"]), frame(value["rows"], events.SCHEMA)
    found, read = events.decode(events.encode(header, rows))
    assert {"header": _plain(found), "rows": read.to_dicts()} == value


def _cells(value: Json) -> None:
    header, rows = CellsHeader(**value["header"]), frame(value["rows"], CELLS)
    found, read = decode_cells(encode_cells(header, rows))
    assert {"header": asdict(found), "rows": read.to_dicts()} == value


def _rollups(value: Json) -> None:
    header = RollupsHeader(**value["header"])
    rows = frame(value["rows"], {**TABLES[header.table], "revision": pl.UInt64()})
    found, read = decode_rollups(encode_rollups(header, rows))
    assert {"header": asdict(found), "rows": read.to_dicts()} == value
    assert rows["visitors"].min() >= policy.load().current.k  # type: ignore[operator]


def _accounting(value: Json) -> None:
    assert asdict(decode_statement(encode_statement(Statement(**value)))) == value
    assert example("accounting")["key"] == f"{value['ingest']}/{value['site']}"


def _rollup_run(value: Json) -> None:
    cells, came = frame(value["rows"], rollup_runs.OPEN), frame(value["minutes"], OPEN_MINUTES)
    body = events.to_ipc(cells)
    head = {**value["progress"], "minutes_at": len(body)}
    run = json.dumps(head).encode() + b"\n" + body + events.to_ipc(came)
    progress, *read = rollup_runs.decode_run(run)
    assert rollup_runs.encode_run(progress, *read).partition(b"\n")[0] == orjson.dumps(head)
    assert [rows.to_dicts() for rows in read] == [value["rows"], value["minutes"]]


def _release_run(value: Json) -> None:
    """What release keeps of a message is the message, and what it knows after it."""
    message = encode_cells(CellsHeader(**value["header"]), frame(value["rows"], CELLS))
    run = json.dumps(value["base"]).encode() + b"\n" + message
    terms = Terms(value["base"]["k"], 7200, 72_000, value["base"]["place_floor"])
    made = Partition(terms, partition=1, origins=1)
    again, _ = made.apply(0, message)
    assert json.loads(again.partition(b"\n")[0]) == value["base"]
    restored = Partition(made._terms, partition=1, origins=1)
    restored.restore([(0, run)])
    assert json.loads(restored._run(message, None).partition(b"\n")[0]) == {
        **value["base"],
        "fed": None,
    }


def _sealed(value: Json) -> None:
    """The ciphertext is left out: its lengths are in the header, and the index is in the open."""
    parts = [{**row, "token": bytes.fromhex(row["token"])} for row in value["index"]]
    index = sealed.encode_index(frame(parts, sealed.INDEX))
    head = envelope.encode_header(envelope.Header(**value["header"]))
    header = envelope.decode_header(head)
    assert json.loads(head) == value["header"]
    # How an index is packed changes with the library's version.
    digest = hashlib.sha256(index).hexdigest()
    header = replace(header, index_bytes=len(index), index_sha256=digest)
    frames = [bytes(size) for size, _ in header.frames]
    head = envelope.encode_header(header)
    found = sealed.decode(sealed.encode(head, index, bytes(envelope.ENCAPSULATED_BYTES), frames))
    assert found.header == header
    assert sealed.index_rows(found).select(*sealed.INDEX).to_dicts() == parts


def _crossed() -> Crossing:
    raw = example("logs.web")
    headers = [(name, text.encode()) for name, text in raw["headers"].items()]
    lines = "\n".join(raw["value"]).encode()
    return door.carry(door.splitter(), door.messages([lines], [headers], first=41))


def _lines(value: list[str]) -> None:
    """Split takes every line; its events and its sealed index are the other two examples."""
    crossing = _crossed()
    assert crossing.outcomes == {("shop", "event", ""): len(value)}
    made = [events.decode(message) for _, message in crossing.events]
    wanted = example("events")["value"]
    assert wanted in [{"header": _plain(h), "rows": r.to_dicts()} for h, r in made]
    [message] = crossing.sealed
    index = sealed.index_rows(sealed.decode(message)).select(*sealed.INDEX).to_dicts()
    wanted = example("vault.sealed")["value"]["index"]
    assert [{**row, "token": row["token"].hex()} for row in index] == wanted


def _widget_lines(value: list[str]) -> None:
    """Split takes every line, and counts them beside the site."""
    raw = example("logs.widget")
    headers = [(name, text.encode()) for name, text in raw["headers"].items()]
    batch = door.messages(["\n".join(value).encode()], [headers], first=41)
    crossing = door.carry(door.splitter(), batch)
    assert crossing.outcomes == {("shop.widget", "event", ""): len(value)}
    events_ = door.rows(crossing)["event"].to_list()
    assert events_ == ["loaded", "message_by_visitor", "rated"]


CHECKS: Final[dict[Callable[..., object], tuple[str, Callable[[Any], None]]]] = {
    Splitter.read: ("logs.web", _lines),
    Reader.parse: ("logs.widget", _widget_lines),
    events.decode: ("events", _events),
    sealed.decode: ("vault.sealed", _sealed),
    decode_cells: ("cells", _cells),
    decode_rollups: ("rollups", _rollups),
    decode_statement: ("accounting", _accounting),
    rollup_runs.decode_run: ("rollup-runs-changelog", _rollup_run),
    Partition.restore: ("release-runs-changelog", _release_run),
}
"""What takes the messages of a topic apart, and what is tried with its example."""


def test_each_topic_names_what_takes_its_messages_apart() -> None:
    """The name in the topic's file is that of a function there is, and the right one."""
    named = {
        str(topic["name"]): str(topic["schema"])
        for topic in (yaml.safe_load(f.read_text()) for f in (FOLDER / "topics").glob("*.yaml"))
    }
    known = {topic: f"{take.__module__}.{take.__qualname__}" for take, (topic, _) in CHECKS.items()}
    assert named == known
    assert set(named) == set(DECLARED)


def test_each_topic_has_one_example_and_no_other_has() -> None:
    assert {path.stem for path in (FOLDER / "examples").glob("*")} == set(DECLARED)


@pytest.mark.parametrize(("topic", "check"), CHECKS.values(), ids=[t for t, _ in CHECKS.values()])
def test_an_example_is_what_the_code_reads_and_writes(
    topic: str, check: Callable[[Any], None]
) -> None:
    check(example(topic)["value"])


@pytest.mark.parametrize("topic", ["rollup-runs-changelog", "release-runs-changelog"])
def test_the_key_of_a_run_names_the_offsets_it_covers(topic: str) -> None:
    assert _span(example(topic)["key"].encode()) == Span(-1, 0)


@pytest.mark.parametrize("topic", sorted(DECLARED))
def test_an_example_is_nobodys(topic: str) -> None:
    """Addresses are set aside for documents and stand in raw lines alone; so are host names."""
    text = (FOLDER / f"examples/{topic}.json").read_text(encoding="utf-8")
    found = [ip_address(a) for a in re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text)]
    assert all(any(address in net for net in DOCUMENTATION) for address in found)
    assert bool(found) == (DECLARED[topic].tier == "raw")
    assert "@" not in text
    for host in re.findall(r"https?://([^/\"\\ )]+)", text):
        assert host.endswith(("example.com", "example.org"))


def test_the_header_of_an_example_has_every_field() -> None:
    """A field with a default is not left to be guessed."""
    for topic, header in (
        ("events", EventsHeader),
        ("cells", CellsHeader),
        ("rollups", RollupsHeader),
        ("vault.sealed", envelope.Header),
    ):
        given = set(example(topic)["value"]["header"])
        assert given == {field.name for field in fields(header)}
