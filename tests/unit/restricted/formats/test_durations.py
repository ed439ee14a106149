"""Response times are read in each server's own unit, and told in classes alone."""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.response_times import CLASSES, EDGES, ENDS, NONE, OPEN, class_of
from pipeline.restricted.formats import FORMATS, Context, known, parse
from pipeline.restricted.formats.durations import DURATIONS, micros
from pipeline.simulate.formats import FORMATS as WRITERS
from tests.unit.simulate.odd import ODD, frame

NOW: Final = 1_900_000_000
THEN: Final = 1_431_857_103
UNIT: Final = {
    "alb": 1_000, "elb": 1, "s3": 1_000, "cloudfront": 1_000, "iis": 1_000, "w3c": 1_000,
    "haproxy": 1_000, "haproxy_https": 1_000, "traefik": 1_000, "traefik_json": 1, "caddy": 1,
    "nginx_json": 1_000, "gcp": 1, "azure_frontdoor": 1_000, "cloudflare": 1_000,
}  # fmt: skip
"""Format → microseconds to which a line of it says how long the answer took, after its maker."""
BESIDE: Final = {"alb": 1_000, "elb": 130, "haproxy": 1_000, "haproxy_https": 1_000}
"""What a balancer took itself, in the simulator's lines."""
SILENT: Final = {
    "combined", "vhost_combined", "common", "nginx", "nginx_main", "varnish",  # not in the layout
    "icecast", "shoutcast",  # how long somebody listened is no response time
    "netscaler",  # whole seconds
    "fastly",  # not in the example of its guides, only where it was added
    "widget",
}  # fmt: skip
FIRST: Final = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1'
JSON: Final = {"address": "ip", "time": "ts"}
AROUND: Final[dict[str, dict[str, Any]]] = {
    "nginx_json": {"remote_addr": "::1", "msec": "1431857103.1", "request": "GET / HTTP/1.1"},
    "fastly": {"client_ip": "::1", "timestamp": "2015-05-17T10:05:03+0000", "url": "/"},
    "cloudflare": {"ClientIP": "::1", "EdgeStartTimestamp": THEN, "ClientRequestURI": "/"},
}
"""A line of each that has all it needs."""


def told(name: str, *lines: str, fields: str = "", own: object = None) -> list[int | None]:
    among = FORMATS if own is None else known({name: own})  # type: ignore[dict-item]
    rows = parse(name, pl.Series(lines), Context(NOW, directive=fields), among=among)
    assert rows["reject"].null_count() == len(lines), rows["reject"].to_list()
    return rows["response_time"].to_list()


def test_every_format_says_or_is_known_not_to() -> None:
    assert UNIT.keys() | SILENT == set(FORMATS)
    assert not UNIT.keys() & SILENT


@pytest.mark.parametrize("name", sorted(UNIT))
@pytest.mark.parametrize("took", [0, 999, 4_999, 5_000, 29_000, 1_234_567, 61_000_001])
def test_a_simulated_line_is_read_to_the_unit(name: str, took: int) -> None:
    """Writers and readers share no code; both follow the maker's documentation."""
    requests = frame(duration=took, arrival=ODD["time"] + took)
    if name == "cloudflare":
        line = WRITERS[name].write(requests)[0]
        line = json.dumps(json.loads(line) | {"EdgeTimeToFirstByteMs": took // 1_000})
    else:
        line = WRITERS[name].write(requests)[0]
    fields = {"w3c": W3C, "iis": IIS}.get(name, "")
    assert told(name, line, fields=fields) == [
        took // UNIT[name] * UNIT[name] + BESIDE.get(name, 0)
    ]


W3C: Final = (
    "date time time-taken c-ip cs(Host) cs-version cs-method cs-uri-stem cs-uri-query sc-status "
    "sc-bytes cs(User-Agent) cs(Referer)"
)
IIS: Final = (
    "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port "
    "cs-username c-ip cs-version cs(User-Agent) cs(Referer) cs-host sc-status sc-substatus "
    "sc-win32-status sc-bytes cs-bytes time-taken"
)


@pytest.mark.parametrize(
    ("layout", "tail", "took"),
    [
        ("%D", "1234567", 1_234_567),
        ("%{us}T", "1234567", 1_234_567),
        ("%{ms}T", "1234", 1_234_000),
        ("%T", "0.250", 250_000),
        ("%T", "1", None),  # of whole seconds, 0 is anything under one
        ("%{s}T", "0", None),
        ("%T %D", "1 1234567", 1_234_567),
        ("%D %{ms}T", "1234567 1234", 1_234_567),
        ("%T/%D", "1/1234567", 1_234_567),
        ("%Dus", "987us", 987),
        ("%{x}T", "7", None),
    ],
)
def test_apache_strings_name_it(layout: str, tail: str, took: int | None) -> None:
    own = f'%h %l %u %t "%r" %>s %b {layout}'
    assert told("mine", f"{FIRST} {tail}", own=own) == [took]


@pytest.mark.parametrize(
    ("layout", "tail", "took"),
    [
        ("$request_time", "0.029", 29_000),
        ("rt=$request_time", "rt=0.029", 29_000),
        ("${request_time}s", "0.029s", 29_000),
        ('"$request_time"', '"0.029"', 29_000),
        ("$upstream_response_time", "0.001", 1_000),
        ("$upstream_response_time", "0.001, 0.002 : 0.003", 6_000),
        ("$upstream_response_time x", "0.001, - x", 1_000),
        ("$upstream_response_time", "-", None),
        ("$upstream_response_time $request_time", "0.001, 0.002 0.029", 29_000),
        ("$upstream_connect_time", "0.001", None),
    ],
)
def test_nginx_strings_name_it(layout: str, tail: str, took: int | None) -> None:
    own = f'$remote_addr - - [$time_local] "$request" $status $body_bytes_sent {layout}'
    assert told("mine", f"{FIRST} {tail}", own=own) == [took]


@pytest.mark.parametrize(("slot", "per"), DURATIONS.items())
def test_maps_and_expressions_name_it_by_its_unit(slot: str, per: float) -> None:
    written = f"{1_500 / per:.9f}"
    line = {"ip": "192.0.2.7", "ts": 1_431_857_103, "took": written}
    assert told("app", json.dumps(line), own={"json": {**JSON, slot: "took"}}) == [1_500]
    regex = rf"^(?P<address>\S+) (?P<epoch>\S+) (?P<{slot}>\S+)"
    assert told("old", f"::1 1431857103 {written}", own={"regex": regex}) == [1_500]


def test_iis_writes_milliseconds_and_the_draft_seconds() -> None:
    line = "2015-05-17 10:05:03 192.0.2.7 {} 0"
    own = "#Fields: date time c-ip time-taken sc-win32-status"
    assert told("iis", line.format("15"), fields="date time c-ip time-taken x") == [15_000]
    assert told("w3c", line.format("15"), fields=own.removeprefix("#Fields: ")) == [15_000]
    assert told("mine", line.format("15"), own=own) == [15_000]
    assert told("w3c", line.format("1.5"), fields="date time c-ip time-taken x") == [1_500_000]


@pytest.mark.parametrize(
    ("name", "line", "took"),
    [
        ("nginx_json", {"request_time": 0.5, "upstream_response_time": "0.1"}, 500_000),
        ("nginx_json", {"request_time": "", "upstream_response_time": "0.1, 0.2"}, 300_000),
        ("nginx_json", {"request_time": [1]}, None),
        ("fastly", {"time_elapsed": 1_234}, 1_234),
        ("cloudflare", {"EdgeTimeToFirstByteMs": 506}, 506_000),
    ],
)
def test_json_lines_say_it(name: str, line: dict[str, Any], took: int | None) -> None:
    assert told(name, json.dumps(AROUND[name] | line)) == [took]


def test_what_a_balancer_could_not_send_on_took_no_time() -> None:
    line = (
        "http 2015-05-17T10:05:03.1Z app/lb/1 192.0.2.7:2817 - -1 -1 -1 502 - 34 0 "
        '"GET http://shop.example:80/ HTTP/1.1" "x" - - -'
    )
    assert told("alb", line) == [None]


@pytest.mark.parametrize(
    ("text", "took"),
    [
        ("3.5s", 3_500_000), ("1m2.5s", 62_500_000), ("350µs", 350), ("12ms", 12_000),
        ("800ns", 0), ("2h", 7_200_000_000), ("1e-05", 10), ("86400.0", 86_400_000_000),
        ("86400.1", None), ("-0.1", None), ("nan", None), ("inf", None), ("", None), ("-", None),
        ("s", None), ("0.1 0.2 -1", None), ("0.1 x", None),
    ],
)  # fmt: skip
def test_numbers_may_bring_their_unit(text: str, took: int | None) -> None:
    assert micros(pl.Series([text]), 1e6).to_list() == [took]


@given(st.lists(st.text(max_size=12)))
def test_no_text_makes_it_fail(texts: list[str]) -> None:
    found = micros(pl.Series(texts, dtype=pl.String), 1e3)
    assert found.dtype == pl.Int64
    assert found.drop_nulls().is_between(0, 86_400_000_000).all()


def test_classes_sort_as_their_times_do() -> None:
    assert sorted(CLASSES) == list(CLASSES)
    assert [end for _, end in ENDS.values()] == [*EDGES, None]
    assert [begin for begin, _ in ENDS.values()] == [0, *EDGES]
    assert CLASSES[0] == "0-0.005 s"
    assert CLASSES[-1] == OPEN


@given(st.lists(st.one_of(st.none(), st.integers(0, 20_000_000)), min_size=1))
def test_each_time_is_in_its_class(times: list[int | None]) -> None:
    found = class_of(pl.Series(times, dtype=pl.Int64)).to_list()
    for took, name in zip(times, found, strict=True):
        fits = (edge for edge in EDGES if took is not None and took < edge * 1_000)
        upper = next(fits, None)
        wanted = next(name for name, (_, end) in ENDS.items() if end == upper)
        assert name == (NONE if took is None else wanted)
