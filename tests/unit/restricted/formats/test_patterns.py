"""A regular expression of one's own reads by its named groups, and is tried at the start."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.restricted.formats import FIELDS, Context, known, parse
from pipeline.restricted.proxies import read_proxies

NOW = 1_800_000_000
THEN = 1_431_857_103
OLD = (
    r"^(?P<address>\S+) \[(?P<when>[^\]]+)\] (?P<host>\S+) (?P<method>[A-Z]+) (?P<target>\S+) "
    r'(?P<status>\S+) (?P<size>\S+) "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)
FORM = "%Y-%m-%d %H:%M:%S"
LINE = (
    '192.0.2.7 [2015-05-17 10:05:03] Example.org:80 GET /a?b=c 200 123 "https://example.org/x" '
    '"Mozilla/5.0"'
)
WHOLE: dict[str, Any] = {
    "address": "192.0.2.7", "time": THEN, "method": "GET", "target": "/a?b=c", "status": "200",
    "bytes": 123, "referrer": "https://example.org/x", "agent": "Mozilla/5.0",
    "host": "example.org", "response_time": None,
}  # fmt: skip


def read(
    said: dict[str, object], *lines: str, context: Context | None = None
) -> list[dict[str, Any]]:
    among = known({"old": said})
    texts = pl.Series(lines, dtype=pl.String)
    return parse("old", texts, context or Context(NOW), among=among).to_dicts()


def test_the_plain_case() -> None:
    assert read({"regex": OLD, "form": FORM}, LINE) == [{"reject": None, **WHOLE}]


def test_the_zone_is_the_logs() -> None:
    line = LINE.replace("10:05:03", "12:05:03")
    found = read({"regex": OLD, "form": FORM}, line, context=Context(NOW, zone="Europe/Berlin"))
    assert found[0]["time"] == THEN


@pytest.mark.parametrize(
    ("regex", "line", "row"),
    [
        (
            r'^(?<address>\S+) (\S+) \[(?<clf>[^\]]+)\] "(?<request>[^"]*)" (?<method>\S+)$',
            '192.0.2.7 x [17/May/2015:12:05:03 +0200] "GET /a HTTP/1.1" PUT',
            {"address": "192.0.2.7", "time": THEN, "method": "GET", "target": "/a"},
        ),
        (r"(?P<iso>\S+) (?P<address>\S+)", "2015-05-17T10:05:03Z ::1", {"time": THEN}),
        (r"(?P<epoch>\S+) (?P<address>\S+)", f"{THEN}987 ::1", {"time": THEN}),
        (r"(?P<micros>\S+) (?P<address>\S+)", f"{THEN}987654 ::1", {"time": THEN}),
        (r"at (?P<epoch>[0-9]+) by (?P<address>\S+)", f"so at {THEN} by ::1 ok", {"time": THEN}),
        (
            r"^(?P<address>\S+) (?P<epoch>\S+) (?P<path>[^ ?]+)(?P<query>\?\S*)? (?P<agent>.*)$",
            rf"::1 {THEN} /a?b=c say \"hi\" \xc3\xa9",
            {"target": "/a?b=c", "agent": 'say "hi" é'},
        ),
        (
            r"^(?P<forwarded_for>\S+) (?P<epoch>\S+)$",
            f"203.0.113.9,192.0.2.7 {THEN}",
            {"address": "192.0.2.7"},
        ),
        (
            r"^(?P<address>\S+) (?P<epoch>\S+) (?P<status>.*)$",
            f"::1 {THEN} alice@example.org",
            {"status": None},
        ),
    ],
)
def test_a_group_is_a_slot(regex: str, line: str, row: dict[str, Any]) -> None:
    found = read({"regex": regex}, line)[0]
    assert found["reject"] is None
    assert {name: found[name] for name in row} == row


def test_headers_are_believed_of_trusted_proxies() -> None:
    regex = r"^(?P<address>\S+) (?P<epoch>\S+) (?P<real_ip>\S+)$"
    trusted = read_proxies([{"from": "private", "header": "x-real-ip"}])
    line = f"10.0.0.2 {THEN} 192.0.2.7"
    found = read({"regex": regex}, line, context=Context(NOW, proxies=trusted))
    assert found[0]["address"] == "192.0.2.7"
    assert read({"regex": regex}, line)[0]["address"] == "10.0.0.2"


@pytest.mark.parametrize(
    ("line", "reject"),
    [
        ("nonsense", "not_this_format"),
        (LINE.replace("192.0.2.7", "client.example.org"), "bad_address"),
        (LINE.replace("2015-05-17", "2015-15-17"), "bad_time"),
        (LINE.replace("2015", "1815"), "time_out_of_range"),
        (LINE.replace(" 123 ", " many "), "bad_size"),
        ("", "empty"),
    ],
)
def test_a_line_that_lacks_something_is_rejected(line: str, reject: str) -> None:
    found = read({"regex": OLD, "form": FORM}, line)[0]
    assert found == {"reject": reject, **dict.fromkeys(FIELDS)}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"regex": 7}, "regex takes one regular expression"),
        ({"regex": r"(?P<address>\S+"}, "regex: unclosed group"),
        ({"regex": r"^(?!#)(?P<address>\S+) (?P<iso>\S+)"}, "look-around, including look-ahead"),
        ({"regex": r"(?P<address>.)\1(?P<iso>.)"}, "backreferences are not supported"),
        ({"regex": r"(?P<address>.)(?P<address>.)"}, "duplicate capture group name"),
        ({"regex": r"(?P<iso>(?:\w{999}){999})"}, "exceeds size limit"),
        ({"regex": r"(?P<address>.)(?P<ip>.)"}, "no field is called ip"),
        ({"regex": r"(?P<iso>.)"}, "a group for the client's address"),
        ({"regex": r"no groups"}, "a group for the client's address"),
        ({"regex": r"(?P<address>.)"}, "a group for the time"),
        ({"regex": OLD}, "a group called when needs a form"),
        ({"regex": r"(?P<address>.)(?P<iso>.)", "form": FORM}, "and a form that group"),
        ({"regex": OLD, "form": "%H:%M"}, "does not tell date and time"),
        ({"regex": OLD, "zone": "UTC"}, "give a format string"),
    ],
)
def test_a_pattern_that_reads_nothing_is_refused_in_one_line(
    said: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        known({"old": said})
    assert str(caught.value).startswith("setting split.formats.old: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


_WORD = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\'), min_size=1)
_QUOTED = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters='"\\\n'), max_size=30
).filter(lambda text: text not in {"", "-"})


@settings(max_examples=150)
@given(
    _WORD, _QUOTED, _QUOTED, st.integers(631_152_000, NOW), st.integers(0, 2**40),
    st.sampled_from(["192.0.2.7", "2001:db8::7"]),
)  # fmt: skip
def test_what_was_written_is_read(
    target: str, referrer: str, agent: str, time: int, size: int, address: str
) -> None:
    regex = (
        r"^(?P<address>\S+) (?P<epoch>\S+) (?P<target>\S+) (?P<size>\S+) "
        r'"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"$'
    )
    line = f'{address} {time} {target} {size} "{referrer}" "{agent}"'
    found = read({"regex": regex}, "nonsense", line)[1]
    assert found["reject"] is None
    assert found["target"] == (None if target == "-" else target)
    assert (found["referrer"], found["agent"]) == (referrer, agent)
    assert (found["address"], found["time"], found["bytes"]) == (address, time, size)


@settings(max_examples=100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=6))
def test_any_text_gives_a_row_or_a_reject(lines: list[str]) -> None:
    found = read({"regex": r"(?P<address>\S*)(?P<iso>.*)(?P<status>.*)"}, *lines)
    assert len(found) == len(lines)
    assert all(row["reject"] is not None for row in found)
