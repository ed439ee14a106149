"""A map of one's own finds the values where it says, and is refused before the first line."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.restricted.formats import FIELDS, Context, known, parse
from pipeline.restricted.formats.paths import path
from pipeline.restricted.proxies import read_proxies

NOW = 1_800_000_000
THEN = 1_431_857_103
APP: dict[str, Any] = {
    "address": "client.ip", "time": "ts", "method": "req.method", "target": "req.path",
    "status": "res.status", "bytes": "res.bytes", "referrer": "headers.referer",
    "agent": "headers.user-agent", "host": "req.host",
}  # fmt: skip
LINE: dict[str, Any] = {
    "ts": "2015-05-17T10:05:03.5Z", "client": {"ip": "192.0.2.7", "user": "alice"},
    "req": {"method": "GET", "path": "/a?b=c", "host": "Example.org:8443"},
    "res": {"status": 200, "bytes": 123},
    "headers": {"referer": "https://example.org/x", "user-agent": "Mozilla/5.0"},
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "address": "192.0.2.7", "time": THEN, "method": "GET", "target": "/a?b=c", "status": "200",
    "bytes": 123, "referrer": "https://example.org/x", "agent": "Mozilla/5.0",
    "host": "example.org", "response_time": None,
}  # fmt: skip


def read(fields: object, *lines: object, context: Context | None = None) -> list[dict[str, Any]]:
    among = known({"app": {"json": fields}})
    texts = pl.Series([line if isinstance(line, str) else json.dumps(line) for line in lines])
    return parse("app", texts, context or Context(NOW), among=among).to_dicts()


def test_the_plain_case() -> None:
    assert read(APP, LINE) == [{"reject": None, **WHOLE}]


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("a.b", {"a": {"b": "192.0.2.7"}}),
        ('"a.b".c', {"a.b": {"c": "192.0.2.7"}}),
        (r"a\.b.c", {"a.b": {"c": "192.0.2.7"}}),
        (r'a."b\"c"', {"a": {'b"c': "192.0.2.7"}}),
        ("a[0]", {"a": ["192.0.2.7", "x"]}),
        ("a[-1].ip", {"a": ["x", {"ip": "192.0.2.7"}]}),
        ("a[0][1]", {"a": [["x", "192.0.2.7"]]}),
        ("@ip", {"@ip": "192.0.2.7"}),
        ("a.0", {"a": {"0": "192.0.2.7"}}),
        ('"[0]"', {"[0]": "192.0.2.7"}),
        ("é-x y", {"é-x y": "192.0.2.7"}),
        (["nowhere", "a.b", "c"], {"c": "192.0.2.7", "a": []}),
        (["empty", "c"], {"empty": "", "c": "192.0.2.7"}),
    ],
)
def test_a_path_finds_its_value(where: object, line: dict[str, Any]) -> None:
    found = read({"address": where, "time": "ts"}, {**line, "ts": THEN})[0]
    assert (found["reject"], found["address"]) == (None, "192.0.2.7")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("a.b", {"a": ["b"]}),
        ("a[0]", {"a": {"0": "192.0.2.7"}}),
        ("a[1]", {"a": ["192.0.2.7"]}),
        ("a[-2]", {"a": ["192.0.2.7"]}),
        ("a", {"a": ["192.0.2.7"]}),
        ("a", {"a": True}),
    ],
)
def test_a_value_of_another_kind_is_none(where: str, line: dict[str, Any]) -> None:
    found = read({"address": where, "time": "ts"}, {**line, "ts": THEN})[0]
    assert found["reject"] == "not_this_format"


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", 'a"b"', '"a', "a]b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is no path"):
        path(text)


@pytest.mark.parametrize(
    "written",
    [
        THEN, f"{THEN}", THEN + 0.987, f"{THEN}.987", THEN * 1000 + 987, THEN * 10**6 + 999_999,
        THEN * 10**9 + 999_999_999, f"{THEN * 10**9 + 999_999_999}", "2015-05-17T10:05:03Z",
        "2015-05-17T12:05:03+0200", "2015-05-17 12:05:03.1+02:00", "2015-05-17T10:05:03.123456789Z",
        "17/May/2015:12:05:03 +0200", "2015-05-17T10:05:03", "2015-05-17 10:05:03.999",
    ],
)  # fmt: skip
def test_a_time_is_told_by_its_looks(written: object) -> None:
    """Each alone, and in a batch with all the others' kinds."""
    for lines in ([written], [written, "2015-05-17 10:05:03", THEN, "x", None, written]):
        found = read({"address": "ip", "time": "ts"}, *({"ip": "::1", "ts": t} for t in lines))
        assert [row["time"] for row in (found[0], found[-1])] == [THEN, THEN]


@pytest.mark.parametrize(
    ("form", "written", "zone", "time"),
    [
        ("%Y-%m-%d %H:%M:%S", "2015-05-17 10:05:03", "UTC", THEN),
        ("%Y-%m-%d %H:%M:%S", "2015-05-17 12:05:03", "Europe/Berlin", THEN),
        ("%d.%m.%Y %I:%M:%S %p", "17.05.2015 10:05:03 AM", "UTC", THEN),
        ("%Y-%m-%dT%H:%M:%S%:z", "2015-05-17T12:05:03+02:00", "America/New_York", THEN),
        ("%Y-%m-%d %H:%M:%S", "17 May 2015", "UTC", None),
    ],
)
def test_a_time_by_its_form(form: str, written: str, zone: str, time: int | None) -> None:
    fields = {"address": "ip", "time": {"path": "ts", "form": form}}
    found = read(fields, {"ip": "::1", "ts": written}, context=Context(NOW, zone=zone))[0]
    assert (found["time"], found["reject"]) == (time, None if time else "bad_time")


def test_a_local_time_without_a_form_is_of_the_logs_zone() -> None:
    lines = [{"ip": "::1", "ts": t} for t in ("2015-05-17T12:05:03", "2015-05-17T10:05:03Z")]
    found = read(
        {"address": "ip", "time": "ts"}, *lines, context=Context(NOW, zone="Europe/Berlin")
    )
    assert [row["time"] for row in found] == [THEN, THEN]


def test_clocks_that_went_back_are_seen_between_lines_of_any_kind() -> None:
    """The hour comes twice in Berlin; a jump back in the file tells the passes apart."""
    zone = Context(NOW, zone="Europe/Berlin")
    clocks = ["2015-10-25T02:59:59", 1445734800, "x", "2015-10-25 02:00:01"]
    found = read(
        {"address": "ip", "time": "ts"}, *({"ip": "::1", "ts": t} for t in clocks), context=zone
    )
    assert [row["time"] for row in found] == [1445734799, 1445734800, None, 1445734801]


def test_a_request_line_says_more_than_its_parts() -> None:
    fields = {**APP, "request": "line"}
    assert read(fields, {**LINE, "line": "PUT /b HTTP/1.1"})[0]["target"] == "/b"
    assert read(fields, {**LINE, "line": "\x16\x03"})[0]["method"] is None
    assert read(fields, LINE)[0]["target"] == "/a?b=c"


def test_a_url_gives_host_and_target() -> None:
    fields = {"address": "ip", "time": "ts", "url": "u"}
    line = {"ip": "::1", "ts": THEN, "u": "https://alice@Example.org:8443/a?b=c"}
    found = read(fields, line)[0]
    assert (found["host"], found["target"]) == ("example.org", "/a?b=c")


def test_path_and_query_make_a_target() -> None:
    fields = {"address": "ip", "time": "ts", "path": "p", "query": "q"}
    lines = [{"ip": "::1", "ts": THEN, "p": "/a", "q": q} for q in ("b=c", "?b=c", "", None)]
    assert [row["target"] for row in read(fields, *lines)] == ["/a?b=c", "/a?b=c", "/a", "/a"]


def test_a_line_without_any_of_the_requests_named_is_another_log() -> None:
    other = {key: value for key, value in LINE.items() if key != "req"}
    assert read(APP, other)[0]["reject"] == "not_this_format"
    asked = {"address": "client.ip", "time": "ts"}
    assert read(asked, other)[0]["reject"] is None


def test_headers_are_believed_of_trusted_proxies() -> None:
    fields = {**APP, "forwarded_for": "headers.xff"}
    headers = {**LINE["headers"], "xff": ["203.0.113.9", "198.51.100.1"]}
    line = {**LINE, "client": {"ip": "10.0.0.2"}, "headers": headers}
    trusting = Context(NOW, proxies=read_proxies(["private"]))
    assert read(fields, line, context=trusting)[0]["address"] == "198.51.100.1"
    assert read(fields, line)[0]["address"] == "10.0.0.2"


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "give a format string"),
        ({"json": APP, "regex": "x"}, "give a format string"),
        ({"form": "%Y"}, "give a format string"),
        ({"json": "client.ip"}, "json takes a map"),
        ({"json": {**APP, "user": "client.user"}}, "there is no field user"),
        ({"json": {"time": "ts"}}, "json needs the client's address"),
        ({"json": {"address": "ip"}}, "json needs a time"),
        ({"json": {**APP, "time": {"path": "ts"}}}, "time takes a path, or a list of paths, or {"),
        ({"json": {**APP, "time": {"path": "ts", "form": "%H:%M"}}}, "does not tell date and time"),
        ({"json": {**APP, "time": {"path": "ts", "form": "%Q"}}}, "does not tell date and time"),
        ({"json": {**APP, "time": {"path": "ts", "form": "%s"}}}, "does not tell date and time"),
        ({"json": {**APP, "time": {"path": "ts", "form": 1}}}, "form is a text"),
        ({"json": {**APP, "agent": {"path": "a"}}}, "agent takes a path, or a list of paths"),
        ({"json": {**APP, "agent": 7}}, "agent takes a path"),
        ({"json": {**APP, "agent": []}}, "agent has no path"),
        ({"json": {**APP, "agent": "a..b"}}, "'a..b' is no path"),
    ],
)
def test_a_map_that_reads_nothing_is_refused_in_one_line(
    said: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        known({"app": said})
    assert str(caught.value).startswith("setting split.formats.app: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


_KEY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
_STEPS = st.lists(_KEY | st.integers(0, 2), min_size=1, max_size=4).filter(
    lambda steps: isinstance(steps[0], str)
)


def spelt(steps: list[str | int]) -> str:
    quoted = ['"' + re_quoted(s) + '"' if isinstance(s, str) else f"[{s}]" for s in steps]
    made = quoted[0]
    for part in quoted[1:]:
        made += part if part.startswith("[") else "." + part
    return made


def re_quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def planted(steps: list[str | int], value: object) -> object:
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]
    return value


@settings(max_examples=150)
@given(_STEPS, st.from_regex(r"/[a-zA-Z0-9/._?=&-]{0,20}", fullmatch=True), _KEY, _KEY)
def test_any_path_finds_what_stands_there(
    steps: list[str | int], target: str, agent: str, key: str
) -> None:
    """Round trip: whatever keys an object has, its values come out as they went in."""
    line = {"line": planted(steps, target), "at": THEN, "who": {key: "192.0.2.7"}, "ua": agent}
    fields = {
        "address": spelt(["who", key]), "time": "at", "target": spelt(["line", *steps]),
        "agent": "ua",
    }  # fmt: skip
    found = read(fields, line)[0]
    assert found["reject"] is None
    assert found["target"] == target
    assert found["agent"] == (None if agent == "-" else agent)
    assert (found["address"], found["time"]) == ("192.0.2.7", THEN)


def test_lines_made_for_each_other_shift_nothing() -> None:
    lines = [LINE, '{"a":"', '"},{', {**LINE, "client": {"ip": "198.51.100.1"}}, "[", "]"]
    found = read(APP, *lines)
    assert [row["address"] for row in found] == [
        "192.0.2.7", None, None, "198.51.100.1", None, None,
    ]  # fmt: skip
    assert all(found[1][name] is None for name in FIELDS)
