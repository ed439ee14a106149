"""A server's own format string reads what that server would have written."""

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
AT = "17/May/2015:10:05:03 +0000"
AGENT = "Mozilla/5.0 (X11)"
WHOLE: dict[str, Any] = {
    "address": "192.0.2.7", "time": THEN, "method": "GET", "target": "/a?b=c", "status": "200",
    "bytes": 123, "referrer": "https://example.org/x", "agent": AGENT, "host": "www.example.org",
}  # fmt: skip


def read(text: str, line: str) -> dict[str, Any]:
    among = known({"mine": text})
    return parse("mine", pl.Series([line]), Context(NOW), among=among).row(0, named=True)


@pytest.mark.parametrize(
    ("text", "line", "row"),
    [
        (
            r"%v:%p %a %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D",
            f'www.example.org:443 192.0.2.7 - - [{AT}] "GET /a?b=c HTTP/1.1" 200 123 '
            f'"https://example.org/x" "{AGENT}" 4711',
            WHOLE,
        ),
        (
            '%h %{%Y-%m-%dT%H:%M:%S%z}t %m %U%q %s %B "%{Host}i"',
            '192.0.2.7 2015-05-17T12:05:03+0200 GET /a?b=c 200 123 "www.example.org"',
            {**WHOLE, "referrer": None, "agent": None},
        ),
        (
            '%m %h %t %U "%r" %>s "%r"',
            f'GET 192.0.2.7 [{AT}] /a "GET /a?b=c HTTP/1.1" 200 "GET /a?b=c HTTP/1.1"',
            {"method": "GET", "target": "/a?b=c", "status": "200"},
        ),
        (
            '%m %h %t %U "%r" %>s',
            f'GET 192.0.2.7 [{AT}] /a "GET /a b HTTP/1.1" 200',
            {"method": "GET", "target": "/a b", "status": "200"},
        ),
        (
            "%{usec}t %a %400,501{User-agent}i",
            f"{THEN}999999 192.0.2.7 -",
            {"address": "192.0.2.7", "time": THEN, "agent": None, "status": None, "bytes": 0},
        ),
        (
            '%{c}a %a %t "%!200,304,302{Referer}i" 100%% %{UNIQUE_ID}e',
            f'198.51.100.1 192.0.2.7 [{AT}] "https://example.org/x" 100% abc',
            {"address": "192.0.2.7", "referrer": "https://example.org/x"},
        ),
        (
            '"%{X-Forwarded-For}i" %h %t "%r"',
            f'"203.0.113.9, 10.0.0.1" 192.0.2.7 [{AT}] "GET /a?b=c HTTP/2.0"',
            {"address": "192.0.2.7", "target": "/a?b=c"},
        ),
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
            '"$http_referer" "$http_user_agent" rt=$request_time uct="$upstream_connect_time"',
            f'192.0.2.7 - frank [{AT}] "GET /a?b=c HTTP/1.1" 200 123 "https://example.org/x" '
            f'"{AGENT}" rt=0.003 uct="0.000"',
            {**WHOLE, "host": None},
        ),
        (
            "$msec|$host|$remote_addr|$request_method|$uri$is_args$args|$status|$bytes_sent",
            f"{THEN}.250|www.example.org|192.0.2.7|GET|/a?b=c|200|123",
            {**WHOLE, "referrer": None, "agent": None},
        ),
        (
            '{"ip":"$remote_addr","at":"$time_iso8601","what":"$request","ua":"$http_user_agent"}',
            '{"ip":"192.0.2.7","at":"2015-05-17T10:05:03+00:00","what":"GET /a?b=c HTTP/1.1",'
            f'"ua":"{AGENT}"}}',
            {"address": "192.0.2.7", "time": THEN, "target": "/a?b=c", "agent": AGENT},
        ),
        (
            "$remote_addr\t${time_iso8601}\t$uri\t$args",
            "2001:DB8::7\t2015-05-17T10:05:03Z\t/a\tb=c",
            {"address": "2001:db8::7", "time": THEN, "target": "/a?b=c"},
        ),
        (
            '%h %{%d/%b/%Y %T}t "%r" %D %>s',
            '192.0.2.7 17/May/2015 10:05:03 "GET /a?b=c HTTP/1.1" 4711 200',
            {"time": THEN, "target": "/a?b=c", "status": "200"},
        ),
        (
            '[%{%F}t] [%{%T}t.%{msec_frac}t] %h "%!200,304{Referer}i" %k',
            '[2015-05-17] [10:05:03.987] 192.0.2.7 "-" 3',
            {"time": THEN, "address": "192.0.2.7", "referrer": None},
        ),
        (
            '%h %{%e/%b/%Y:%T %z}t %D "%r"',
            '192.0.2.7  7/May/2015:10:05:03 +0000 1 "GET /a HTTP/1.1"',
            {"time": THEN - 864_000, "target": "/a"},
        ),
        (
            '%h %{begin:%d/%b/%Y:%T %z}t "%r" %{end:usec}t %{X-Forwarded-For}i',
            f'192.0.2.7 {AT} "GET /a] HTTP/1.1" 1 203.0.113.9, 10.0.0.1',
            {"time": THEN, "target": "/a]"},
        ),
        (
            '$remote_addr [$time_local] "$request" $upstream_addr $upstream_response_time '
            '$request_time $status "$http_user_agent" $upstream_status',
            f'192.0.2.7 [{AT}] "GET /a HTTP/1.1" 10.0.0.1:80, 10.0.0.2:80 : unix:/s 0.1, - : 0.3 '
            f'0.412 200 "{AGENT}" 502, 200 : 200',
            {"target": "/a", "status": "200", "agent": AGENT},
        ),
        (
            '$time_local $remote_addr "$http_x_forwarded_for" "$request"',
            f'{AT} 192.0.2.7 "-" "GET /a HTTP/1.1"',
            {"time": THEN, "address": "192.0.2.7"},
        ),
        (
            '{"ip":"$remote_addr","t":"$msec","r":"$request","ua":"$http_user_agent"}',
            f'{{"ip":"192.0.2.7","t":"{THEN}.001","r":"GET /\\"a\\" HTTP/1.1","ua":"x\\u0007y"}}',
            {"target": '/"a"', "agent": "x\x07y"},
        ),
        (
            "$remote_addr $time_iso8601 $uri $args",
            "192.0.2.7 2015-05-17T10:05:03Z /a -",
            {"target": "/a"},
        ),
    ],
)
def test_what_a_server_writes_is_read(text: str, line: str, row: dict[str, Any]) -> None:
    found = read(text, line)
    assert found["reject"] is None
    assert {name: found[name] for name in row} == row


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('%t "%r"', "needs the client's address"),
        ('%h "%r"', "needs a time"),
        ("%h%t", None),
        ("%h%l %t", "something between each two fields"),
        ("%h %t %Z", "there is no directive '%Z'"),
        ("%h %t %", "there is no directive '%'"),
        ('%h %{%F}t "%r"', "needs a time"),
        ('%h %{%T}t "%r"', "needs a time"),
        ('%h %{%Y-%m-%d %H:%M %Q}t "%r"', "cannot be read"),
        ("$remote_addr$time_local", "something between each two fields"),
        ("$time_local $request", "needs the client's address"),
        ("combined", "neither an Apache LogFormat"),
        ("", "neither an Apache LogFormat"),
    ],
)
def test_a_string_that_reads_nothing_is_refused_in_one_line(text: str, says: str | None) -> None:
    if says is None:
        assert known({"mine": text})
        return
    with pytest.raises(SettingsError) as caught:
        known({"mine": text})
    assert str(caught.value).startswith("setting split.formats.mine: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", ["alice@example.org", "2000", "20", "²00", " 200", "200 "])
def test_a_status_is_three_digits_or_none(status: str) -> None:
    """It goes into events as it stands; between quotes there may be anything."""
    for written, wanted in ((status, None), ("200", "200")):
        found = read('$remote_addr [$time_local] "$status"', f'192.0.2.7 [{AT}] "{written}"')
        assert (found["reject"], found["status"]) == (None, wanted)


@pytest.mark.parametrize("name", ["combined", "auto"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="this name is taken"):
        known({name: "%h %t"})


def test_a_header_in_a_format_of_ones_own_is_for_trusted_proxies() -> None:
    among = known({"mine": '%h %t "%{X-Forwarded-For}i"'})
    lines = pl.Series([f'10.0.0.9 [{AT}] "203.0.113.9, 192.0.2.7"'])
    for trusted, address in (("10.0.0.0/8", "192.0.2.7"), ("172.16.0.0/12", "10.0.0.9")):
        context = Context(NOW, proxies=read_proxies([trusted]))
        assert parse("mine", lines, context, among=among)["address"].to_list() == [address]


def test_a_peer_that_is_told_by_a_name_is_not_made_up_for_by_a_header() -> None:
    found = read('%h %t "%{X-Forwarded-For}i"', f'proxy.example.net [{AT}] "203.0.113.9"')
    assert found["reject"] == "bad_address"


def test_a_chain_alone_names_the_client_by_its_end() -> None:
    found = read('"%{X-Forwarded-For}i" %t', f'"203.0.113.9, 192.0.2.7" [{AT}]')
    assert found["address"] == "192.0.2.7"


_DIRECTIVES = {
    "%h": ("address", st.sampled_from(["192.0.2.7", "2001:db8::7"])),
    "%t": ("time", st.just(f"[{AT}]")),
    "%>s": ("status", st.from_regex("[1-5][0-9]{2}", fullmatch=True)),
    "%B": ("bytes", st.integers(0, 2**40).map(str)),
    "%m": ("method", st.sampled_from(["GET", "POST", "PURGE"])),
    "%U": ("target", st.from_regex(r"/[a-z/.]{0,20}", fullmatch=True)),
    "%v": ("host", st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True)),
    '"%{Referer}i"': ("referrer", st.from_regex(r"https?://[a-z .?=&]{1,20}", fullmatch=True)),
    '"%{User-agent}i"': ("agent", st.from_regex(r"[A-Za-z/0-9 ;().]{2,30}", fullmatch=True)),
    "%D": (None, st.integers(0, 10**9).map(str)),
    "%{X-Request-Id}o": (None, st.from_regex(r"[a-f0-9-]{1,36}", fullmatch=True)),
}


@settings(max_examples=200)
@given(st.data(), st.permutations(sorted(_DIRECTIVES)), st.sampled_from([" ", "\t", "|", " | "]))
def test_any_order_of_directives_reads_the_values_written(
    data: st.DataObject, order: list[str], between: str
) -> None:
    """Round trip: the fields of a row are the values from which its line was written."""
    shown = [d for d in order if d in {"%h", "%t"} or data.draw(st.booleans())]
    values = {directive: data.draw(_DIRECTIVES[directive][1]) for directive in shown}
    quoted = {d: f'"{value}"' if d.startswith('"') else value for d, value in values.items()}
    found = read(between.join(shown), between.join(quoted.values()))
    assert found["reject"] is None
    for directive, written in values.items():
        name = _DIRECTIVES[directive][0]
        if name in {None, "time"}:
            continue
        assert str(found[str(name)]) == written
    assert found["time"] == THEN


@settings(max_examples=100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=6))
def test_any_text_gives_a_row_or_a_reject(lines: list[str]) -> None:
    among = known({"mine": '%h|%t|"%r"|%U%q|%>s|%b|"%{User-agent}i"'})
    found = parse("mine", pl.Series(lines, dtype=pl.String), Context(NOW), among=among)
    assert len(found) == len(lines)
    assert all(
        row["reject"] is not None and all(row[name] is None for name in FIELDS)
        for row in found.iter_rows(named=True)
    )


def test_a_header_with_the_client_is_yielded_for_trusted_proxies() -> None:
    text = r'%h %t "%r" %>s "%{X-Forwarded-For}i" "%{Forwarded}i" %{X-Real-IP}i'
    line = f'10.0.0.1 [{AT}] "GET / HTTP/1.1" 200 "1.2.3.4, 203.0.113.9" "for=_x" 203.0.113.8'
    context = Context(NOW, proxies=read_proxies(["10.0.0.0/8"]))
    among = known({"mine": text})
    for form, wanted in ((text, "203.0.113.9"), (text.replace("%h", "%l"), "203.0.113.9")):
        if form != text:
            among = known({"mine": form})
        row = parse("mine", pl.Series([line]), context, among=among).row(0, named=True)
        assert (row["reject"], row["address"]) == (None, wanted)


def test_an_unquoted_chain_is_one_field() -> None:
    text = '%{X-Forwarded-For}i %l %u %t "%r" %>s %b'
    line = f'1.2.3.4, 203.0.113.9 - - [{AT}] "GET / HTTP/1.1" 200 5'
    row = parse("mine", pl.Series([line]), Context(NOW), among=known({"mine": text}))
    assert row["address"].to_list() == ["203.0.113.9"]


@pytest.mark.parametrize(
    ("clock", "stamp"),
    [
        ("%d/%b/%Y %T", "17/May/2015 12:05:03"),
        ("%Y-%m-%d %H:%M:%S", "2015-05-17 12:05:03"),
        ("%F %T %z", "2015-05-17 10:05:03 +0000"),
    ],
)
def test_a_time_of_ones_own_form_is_local_unless_it_says_its_offset(clock: str, stamp: str) -> None:
    among = known({"mine": f'%h [%{{{clock}}}t] "%r" %>s'})
    line = f'192.0.2.7 [{stamp}] "GET / HTTP/1.1" 200'
    context = Context(NOW, zone="Europe/Berlin")
    assert parse("mine", pl.Series([line]), context, among=among)["time"].to_list() == [THEN]


@pytest.mark.parametrize("said", [r"for=\x22[2001:db8::9]:80\x22", r"for=\"[2001:db8::9]:80\""])
def test_a_header_is_unescaped_before_it_is_read(said: str) -> None:
    among = known({"mine": '$remote_addr [$time_local] "$request" $status "$http_forwarded"'})
    proxies = read_proxies([{"from": "10.0.0.0/8", "header": "forwarded"}])
    line = f'10.0.0.1 [{AT}] "GET / HTTP/1.1" 200 "{said}"'
    found = parse("mine", pl.Series([line]), Context(NOW, proxies=proxies), among=among)
    assert found["address"].to_list() == ["2001:db8::9"]
