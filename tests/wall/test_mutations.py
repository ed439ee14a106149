"""The search for planted values is worth its name: each leak we plant, it finds.

The same search over the same lines finds nothing where the code is as it is; so whoever weakens
the wall in one of these ways sees it in the tests of :mod:`tests.wall.test_canaries`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import polars as pl
import prometheus_client
import pytest

from pipeline import events, logs, metrics
from pipeline.demo.search import Blob, Findings, Searcher, walk
from pipeline.demo.traffic import Traffic
from pipeline.restricted import Crossing, RawMessages, Reading, Splitter
from pipeline.restricted.pseudonym import Pseudonymiser
from pipeline.restricted.referrer import Referrer, Referrers
from pipeline.restricted.scrub import Scrubber
from tests.support import door
from tests.support.heard import heard

LINES = 1500


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return door.traffic(LINES)


@pytest.fixture(scope="module")
def searcher(traffic: Traffic) -> Searcher:
    return Searcher(traffic.plants)


def crossing_of(traffic: Traffic) -> Crossing:
    return door.carry(door.splitter(), door.batch_of(traffic))


def found(searcher: Searcher, targets: Iterable[Blob]) -> Findings:
    findings = searcher.search(targets)
    assert not findings.unread
    return findings


def kinds(findings: Findings) -> set[tuple[str, str]]:
    """What was found, and how it was written."""
    return {(hit.kind, hit.encoding) for hit in findings.hits}


def test_the_door_as_it_is_lets_nobody_through(traffic: Traffic, searcher: Searcher) -> None:
    crossing = crossing_of(traffic)
    assert sum(crossing.outcomes.values()) == LINES
    assert door.rows(crossing).height > LINES * 0.9
    findings = found(searcher, door.blobs(crossing))
    assert findings.unfolded > 10_000
    assert findings.clean, kinds(findings)


def test_a_column_outside_the_schema_does_not_cross(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A raw field is made and carried along, but nobody allows it in the schema."""
    _carry_address_along(monkeypatch)
    assert found(searcher, door.blobs(crossing_of(traffic))).clean


def test_a_raw_field_in_the_schema_is_found(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    _carry_address_along(monkeypatch)
    monkeypatch.setitem(events.SCHEMA, "address", pl.String())
    findings = found(searcher, door.blobs(crossing_of(traffic)))
    assert ("address", "text") in kinds(findings)


def _carry_address_along(monkeypatch: pytest.MonkeyPatch) -> None:
    describe = Splitter._describe

    def leaky(self: Splitter, rows: pl.DataFrame, keys: object) -> pl.DataFrame:
        described = describe(self, rows, keys)  # type: ignore[arg-type]
        return described.join(
            rows.select("offset", "line", "address"), on=["offset", "line"], how="left"
        )

    monkeypatch.setattr(Splitter, "_describe", leaky)


def test_a_scrubber_that_lets_all_pass_is_found(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def identity(_: Scrubber, targets: Sequence[str | None]) -> list[str]:
        return [target or "/" for target in targets]

    monkeypatch.setattr(Scrubber, "many", identity)
    leaked = {kind for kind, _ in kinds(found(searcher, door.blobs(crossing_of(traffic))))}
    assert leaked >= {
        "e-mail", "e-mail name", "name", "token", "session cookie", "phone", "uuid", "user name",
        "card", "address in path", "chat id", "message",
    }  # fmt: skip


def test_a_referrer_kept_whole_is_found(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(_: Referrers, url: str | None) -> Referrer:
        return Referrer(url or "(direct)", "other", None)

    monkeypatch.setattr(Referrers, "_read", whole)
    leaked = {kind for kind, _ in kinds(found(searcher, door.blobs(crossing_of(traffic))))}
    assert leaked >= {"search term", "host", "user name", "e-mail", "token"}


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_pseudonym_without_a_key_is_found(
    traffic: Traffic,
    searcher: Searcher,
    monkeypatch: pytest.MonkeyPatch,
    order: Literal["little", "big"],
) -> None:
    """A plain hash of an address can be undone by whoever tries all addresses."""

    def plain(_: Pseudonymiser, rows: pl.DataFrame, keys: object) -> pl.Series:
        del keys
        digests = [hashlib.sha256(str(a).encode()).digest() for a in rows["address"]]
        numbers = [int.from_bytes(d[:8], order) for d in digests]
        return pl.Series(numbers, dtype=pl.UInt64)

    monkeypatch.setattr(Pseudonymiser, "pseudonyms", plain)
    leaked = kinds(found(searcher, door.blobs(crossing_of(traffic))))
    assert leaked == {("address", "sha256" if order == "little" else "sha256 swapped")}


def test_a_pseudonym_that_is_the_address_is_found(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packed(_: Pseudonymiser, rows: pl.DataFrame, keys: object) -> pl.Series:
        del keys
        parts = rows["address"].str.split(".")
        number = [
            int.from_bytes(bytes(map(int, p)), "big") if len(p) == 4 else 0 for p in parts.to_list()
        ]
        return pl.Series(number, dtype=pl.UInt64)

    monkeypatch.setattr(Pseudonymiser, "pseudonyms", packed)
    findings = found(searcher, door.blobs(crossing_of(traffic)))
    assert not findings.clean
    assert findings.packed_leak


def test_raw_lines_that_stay_unsealed_are_found(
    traffic: Traffic, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sealed message whose frames were only compressed."""

    def packed(self: Splitter, frame: pl.DataFrame, reading: Reading, key: object) -> list[bytes]:
        del self, reading, key
        sink = io.BytesIO()
        frame.select("raw").write_ipc(sink, compression="zstd")
        return [sink.getvalue()]

    monkeypatch.setattr(Splitter, "_seal", packed)
    assert ("address", "text") in kinds(found(searcher, door.blobs(crossing_of(traffic))))


def test_a_payload_in_a_debug_line_is_found(
    traffic: Traffic,
    searcher: Searcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Splitter.read

    def talkative(self: Splitter, batch: RawMessages, now: int) -> Reading:
        logs.get("split").debug("a batch begins", first=batch.values[0])
        return read(self, batch, now)

    monkeypatch.setattr(Splitter, "read", talkative)
    with heard() as said:
        crossing_of(traffic)
    assert "a batch begins" in said.getvalue()
    assert not found(searcher, [Blob("standard error", said.getvalue().encode())]).clean


def test_a_forgotten_file_of_raw_lines_is_found(
    traffic: Traffic, searcher: Searcher, tmp_path: Path
) -> None:
    assert found(searcher, walk(tmp_path)).clean
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/.spool.tmp").write_bytes(b"\n".join(traffic.of("shop")[:20]))
    findings = found(searcher, walk(tmp_path))
    assert {hit.where for hit in findings.hits} == {str(tmp_path / "deep/.spool.tmp")}


def test_an_address_in_a_metric_label_is_found(traffic: Traffic, searcher: Searcher) -> None:
    address = next(plant.value for plant in traffic.plants if plant.kind == "address")
    metrics.LINES.labels(address).inc()
    try:
        exposed = prometheus_client.generate_latest()
    finally:
        metrics.LINES.remove(address)
    assert kinds(found(searcher, [Blob("/metrics", exposed)])) == {("address", "text")}
    assert found(searcher, [Blob("/metrics", prometheus_client.generate_latest())]).clean
