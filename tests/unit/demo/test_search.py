"""A planted value is found in every encoding inside every container; clean bytes stay clean.

The encoders and containers here are other people's: the standard library, Polars, pyarrow, lz4,
zstandard and ClickHouse, so that search and test share no mistake.
"""

from __future__ import annotations

import base64
import bz2
import codecs
import datetime as dt
import gzip
import hashlib
import io
import ipaddress
import json
import lzma
import pickle
import sqlite3
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Literal
from urllib.parse import quote

import lz4.frame  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pytest
import zstandard

from pipeline.demo.plants import Garden, Plant
from pipeline.demo.search import Blob, Findings, Searcher, search, walk
from pipeline.demo.traffic import simulate

EMAIL = Plant("e-mail", "Bel.Quilvantor@example.org")
NAME = Plant("name", "Zorhalmirquil")
V4 = Plant("address", "198.19.77.201")
V6 = Plant("address", "2001:db8:12:abc::9f3e:77d1")
AGENT = Plant("agent", "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0")
PLANTS = (EMAIL, NAME, V4, V6, AGENT)
SEVEN = [Plant("address", f"198.19.77.20{i}") for i in range(7)]
SEARCHER = Searcher(PLANTS)

IP4, IP6 = ipaddress.IPv4Address(V4.value), ipaddress.IPv6Address(V6.value)
TEXT: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "lower": lambda v: v.lower().encode(),
    "upper": lambda v: v.upper().encode(),
    "utf-16": lambda v: v.encode("utf-16"),
    "utf-16be": lambda v: v.encode("utf-16-be"),
    "hex": lambda v: codecs.encode(v.encode(), "hex"),
    "HEX": lambda v: codecs.encode(v.encode(), "hex").upper(),
    "base64": lambda v: base64.b64encode(v.encode()),
    "base64 of more, 1": lambda v: base64.b64encode(b"x" + v.encode() + b"yz"),
    "base64 of more, 2": lambda v: base64.b64encode(b"\xff\xff" + v.encode() + b"\xff"),
    "urlsafe base64": lambda v: base64.urlsafe_b64encode(b"\xff\xff\xff" + v.encode()),
    "base64 of lower": lambda v: base64.b64encode(v.lower().encode()),
    "percent": lambda v: quote(v, safe="").encode(),
    "every byte percent": lambda v: "".join(f"%{b:02x}" for b in v.encode()).encode(),
    "double percent": lambda v: quote(quote(v, safe=""), safe="").encode(),
    "double, lower digits": lambda v: quote(quote(v, safe=""), safe="").lower().encode(),
    "json": lambda v: json.dumps({"v": v}).encode(),
    "repr": lambda v: repr(v.encode()).encode(),
    "pickle": pickle.dumps,
    "md5": lambda v: hashlib.md5(v.encode(), usedforsecurity=False).hexdigest().encode(),
    "sha1": lambda v: hashlib.sha1(v.encode(), usedforsecurity=False).digest(),
    "sha256": lambda v: hashlib.sha256(v.encode()).hexdigest().encode(),
}
ADDRESS: dict[str, tuple[Plant, bytes]] = {
    "dashes": (V4, b"ec2-198-19-77-201.compute"),
    "zero-padded": (V4, b"198.019.077.201"),
    "reverse name": (V4, IP4.reverse_pointer.encode()),
    "integer": (V4, f'{{"ip":{int(IP4)}}}'.encode()),
    "swapped integer": (V4, str(struct.unpack("<I", IP4.packed)[0]).encode()),
    "hex literal": (V4, hex(int(IP4)).encode()),
    "packed HEX": (V4, b'"' + IP4.packed.hex().upper().encode() + b'"'),
    "packed base64": (V4, b'"' + base64.b64encode(IP4.packed) + b'"'),
    "mapped text": (V4, b"::ffff:" + V4.value.encode()),
    "mapped hex": (V4, b"[::ffff:c613:4dc9]"),
    "mapped packed": (V4, ipaddress.IPv6Address(f"::ffff:{IP4}").packed),
    "expanded": (V6, IP6.exploded.encode()),
    "EXPANDED": (V6, IP6.exploded.upper().encode()),
    "reverse name, IPv6": (V6, IP6.reverse_pointer.encode()),
    "integer, IPv6": (V6, str(int(IP6)).encode()),
    "packed, IPv6": (V6, IP6.packed),
    "packed little-endian, IPv6": (V6, IP6.packed[::-1]),
    "packed hex, IPv6": (V6, IP6.packed.hex().encode()),
    "packed base64, IPv6": (V6, base64.b64encode(b"x" + IP6.packed)),
    "percent, IPv6": (V6, quote(V6.value, safe="").encode()),
}


def _frame(value: bytes) -> pl.DataFrame:
    return pl.DataFrame({"n": range(400), "v": [b"filler" * 9] * 399 + [value]})


def _ipc(value: bytes, compression: Literal["lz4", "zstd"]) -> bytes:
    sink = io.BytesIO()
    _frame(value).write_ipc_stream(sink, compression=compression)
    return b'{"header":1}\n' + sink.getvalue()


def _ipc_file(value: bytes) -> bytes:
    sink = io.BytesIO()
    _frame(value).write_ipc(sink, compression="zstd")
    return sink.getvalue()


def _parquet(value: bytes, compression: Literal["zstd", "snappy", "gzip"]) -> bytes:
    sink = io.BytesIO()
    _frame(value).write_parquet(sink, compression=compression)
    return sink.getvalue()


def _sqlite(value: bytes) -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE "odd ""name" (id INTEGER, v BLOB)')
    # Larger than a page, so that the value is cut in two by the page's edge somewhere.
    rows = [(i, b"x" * (4000 + i) + value + b"x" * 500) for i in range(3)]
    database.executemany('INSERT INTO "odd ""name" VALUES (?, ?)', rows)
    database.commit()
    image = bytes(database.serialize())
    database.close()
    return image


def _batch(records: bytes, codec: int) -> bytes:
    head = (
        struct.pack(">iBIHi", 0, 2, 0, codec, 0) + bytes(8 + 8 + 8 + 2 + 4) + struct.pack(">i", 1)
    )
    return struct.pack(">qi", 0, len(head) + len(records)) + head + records


def _snappy(value: bytes) -> bytes:
    return bytes(pa.Codec("snappy").compress(b"abcabcab " * 50 + (value + b" ") * 2).to_pybytes())


def _xerial(value: bytes) -> bytes:
    block = _snappy(value)
    return b"\x82SNAPPY\x00" + struct.pack(">iiI", 1, 1, len(block)) + block


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "bare": lambda v: b"before " + v + b" after",
    "gzip": lambda v: b"junk" + gzip.compress(b"filler " * 50 + v) + b"junk",
    "zlib": lambda v: zlib.compress(b"filler " * 50 + v, 1),
    "zstd": lambda v: b"junk" + zstandard.compress(b"filler " * 50 + v),
    "zstd, cut": lambda v: zstandard.compress(v + Random(1).randbytes(80_000))[:-1000],
    "lz4": lambda v: lz4.frame.compress(b"filler " * 50 + v),
    "bzip2": lambda v: bz2.compress(b"filler " * 50 + v),
    "xz": lambda v: lzma.compress(b"filler " * 50 + v),
    "gzip in zstd in lz4": lambda v: lz4.frame.compress(zstandard.compress(gzip.compress(v))),
    "two frames": lambda v: zstandard.compress(b"first") + zstandard.compress(b"filler " * 20 + v),
    "arrow lz4": lambda v: _ipc(v, "lz4"),
    "arrow zstd": lambda v: _ipc(v, "zstd"),
    "arrow file": _ipc_file,
    "parquet zstd": lambda v: _parquet(v, "zstd"),
    "parquet snappy": lambda v: _parquet(v, "snappy"),
    "parquet gzip": lambda v: _parquet(v, "gzip"),
    "sqlite": _sqlite,
    "kafka none": lambda v: _batch(b"\x01\x02" + v, 0) * 2,
    "kafka gzip": lambda v: _batch(b"plain", 0) + _batch(gzip.compress((v + b" ") * 3), 1),
    "kafka snappy": lambda v: _batch(b"plain", 0) + _batch(_snappy(v), 2),
    "kafka xerial snappy": lambda v: _batch(_xerial(v), 2),
    "kafka lz4": lambda v: _batch(lz4.frame.compress((v + b" ") * 3), 3),
    "kafka zstd": lambda v: _batch(zstandard.compress((v + b" ") * 3), 4),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_encoding_is_found_in_every_container(container: str) -> None:
    """Promise 1's list, times everything that bytes can be wrapped in."""
    missed = []
    for encoding, encode in TEXT.items():
        for index, plant in enumerate(PLANTS):
            found = _found(CONTAINERS[container](encode(plant.value)))
            if found.isdisjoint({index}):
                missed.append((plant.kind, encoding))
    for encoding, (plant, data) in ADDRESS.items():
        if _found(CONTAINERS[container](data)).isdisjoint({PLANTS.index(plant)}):
            missed.append((plant.kind, encoding))
    assert not missed


@pytest.mark.parametrize("kind", [pl.UInt32, pl.Int64, pl.UInt64, pl.Float64])
def test_an_address_in_a_column_of_numbers_is_found(kind: type[pl.DataType]) -> None:
    """One address among other numbers is enough, also where it is only 32 bits wide."""
    frame = pl.DataFrame({"n": [7] * 50 + [int(IP4)] + [9] * 50}, schema={"n": kind()})
    compressions: tuple[Literal["uncompressed", "lz4", "zstd"], ...]
    compressions = ("uncompressed", "lz4", "zstd")
    for compression in compressions:
        sink = io.BytesIO()
        frame.write_ipc_stream(sink, compression=compression)
        assert _found(sink.getvalue()) == {2}
    sink = io.BytesIO()
    frame.write_parquet(sink)
    assert _found(sink.getvalue()) == {2}


def test_what_rows_no_longer_point_at_is_found() -> None:
    """A slice that leaves the personal row out still carries its memory along."""
    table = pa.table({"v": ["a" * 20, EMAIL.value, "b" * 20]})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert _found(sink.getvalue()) == {0}


def test_clean_data_holds_nothing(tmp_path: Path) -> None:
    """Random bytes, compressed text, pseudonyms and the text of ordinary rows."""
    plants = simulate(dt.datetime(2026, 3, 2, tzinfo=dt.UTC), lines=8_000).plants
    rng = Random(5)
    rows = pl.DataFrame(
        {
            "visitor": pl.Series([rng.getrandbits(64) for _ in range(50_000)], dtype=pl.UInt64),
            "page": [f"/products/item-{rng.randrange(200)}" for _ in range(50_000)],
            "time": [1_772_409_600 + rng.randrange(300_000) for _ in range(50_000)],
        }
    )
    rows.write_parquet(tmp_path / "rows.parquet")
    rows.write_ipc(tmp_path / "rows.arrow", compression="lz4")
    (tmp_path / "random.bin").write_bytes(rng.randbytes(4_000_000))
    (tmp_path / "rows.json").write_text(rows.head(20_000).write_json())
    findings = search(walk(tmp_path), plants)
    assert findings.clean, (findings.hits[:3], findings.packed)
    assert findings.blobs == 5
    assert findings.bytes > 6_000_000
    assert not findings.unread


def test_every_plant_of_the_simulation_is_found_in_its_raw_lines() -> None:
    """What is called planted is planted, and the search would have seen it."""
    traffic = simulate(dt.datetime(2026, 3, 2, tzinfo=dt.UTC), lines=8_000)
    raw = gzip.compress(b"\n".join(line.text for line in traffic.lines))
    findings = search([Blob("raw", raw)], traffic.plants)
    assert findings.found == findings.values == len(traffic.plants)


def test_names_of_files_are_searched_and_never_shown(tmp_path: Path) -> None:
    """Neither a hit nor where it was found prints the value."""
    folder = tmp_path / f"site-{NAME.value}"
    folder.mkdir()
    (folder / "x.log").write_text(f"user {EMAIL.value}")
    findings = search(walk(tmp_path), PLANTS)
    assert {hit.kind for hit in findings.hits} == {"name", "e-mail"}
    assert NAME.value not in repr(findings)
    assert EMAIL.value not in repr(findings)


def test_an_excluded_folder_is_left_out(tmp_path: Path) -> None:
    """The vault may hold anything."""
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault/segment").write_text(EMAIL.value)
    assert search(walk(tmp_path, exclude=[tmp_path / "vault"]), PLANTS).clean
    assert not search(walk(tmp_path), PLANTS).clean


def test_where_a_value_lay_in_a_message_is_told() -> None:
    """Small blobs are searched together and told apart again."""
    blobs = [Blob(f"message {i}", b"nothing") for i in range(50)]
    blobs[17] = Blob("message 17", b"to " + EMAIL.value.encode())
    (hit,) = search(blobs, [EMAIL]).hits
    assert (hit.where, hit.kind, hit.encoding, hit.offset) == ("message 17", "e-mail", "text", 3)


def test_a_value_too_short_to_search_for_is_refused() -> None:
    """A plant of a few letters would be found everywhere."""
    with pytest.raises(ValueError, match="at least 8"):
        search([], [Plant("name", "Ann")])


CLICKHOUSE = """
import sys
from chdb.session import Session
session = Session(sys.argv[1])
session.query("CREATE DATABASE d")
codecs = "NONE", "LZ4", "LZ4HC", "ZSTD(3)", "Delta(8), LZ4", "Delta(8), ZSTD"
for i, codec in enumerate(codecs):
    kind = "UInt64" if "Delta" in codec else "String"
    for style, width in (("wide", 0), ("compact", 1 << 30)):
        session.query(
            f"CREATE TABLE d.{style}{i} (n UInt64, v {kind} CODEC({codec})) "
            f"ENGINE MergeTree ORDER BY n SETTINGS min_bytes_for_wide_part = {width}"
        )
        numbers = f"[{sys.argv[3]}][1 + intDiv(number, 777)]"
        value = numbers if kind == "UInt64" else f"'{sys.argv[2]}'"
        other = "number" if kind == "UInt64" else "toString(number)"
        session.query(
            f"INSERT INTO d.{style}{i} SELECT number, if(number % 777 = 0, {value}, {other}) "
            "FROM numbers(5000)"
        )
session.close()
"""


@pytest.mark.parametrize("style", ["wide", "compact"])
def test_values_in_clickhouse_parts_are_found(clickhouse: Path, style: str) -> None:
    """Every codec that the tables may use, in both kinds of parts."""
    found: dict[str, tuple[set[str], bool]] = {}
    for link in sorted((clickhouse / "data/d").glob(f"{style}*")):
        findings = search(walk(link.resolve()), [EMAIL, *SEVEN])
        assert not findings.unread
        found[link.name] = {hit.kind for hit in findings.hits}, findings.packed_leak
    texts, numbers = ({"e-mail"}, False), (set[str](), True)
    assert found == {f"{style}{i}": texts if i < 4 else numbers for i in range(6)}


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ClickHouse's with seven planted rows a table, written by another process."""
    folder = tmp_path_factory.mktemp("clickhouse")
    numbers = ", ".join(str(int(ipaddress.IPv4Address(plant.value))) for plant in SEVEN)
    arguments = [str(folder), EMAIL.value, numbers]
    subprocess.run([sys.executable, "-c", CLICKHOUSE, *arguments], check=True)
    return folder


def _found(data: bytes) -> set[int]:
    findings: Findings = SEARCHER.search([Blob("blob", data)])
    return {hit.plant for hit in findings.hits}


def test_gardens_grow_searchable_values() -> None:
    """No kind of plant is refused by the search."""
    garden = Garden(Random(3))
    for _ in range(20):
        garden.email()
        garden.card()
        garden.phone()
        garden.uuid()
        garden.ipv6()
    assert search([], garden.plants).clean
