"""What a JSON format's sender writes, in any values, is read as it was written."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.formats import Context, parse

NOW = 1_800_000_000
Row = dict[str, Any]


def iso(time: int) -> str:
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat().replace("+00:00", "Z")


def nginx_json(row: Row) -> Row:
    return {
        "remote_addr": row["address"], "msec": f"{row['time']}.999", "status": row["status"],
        "request": f"{row['method']} {row['target']} HTTP/1.1", "host": row["host"],
        "body_bytes_sent": str(row["bytes"]), "http_referer": row["referrer"],
        "http_user_agent": row["agent"], "request_time": f"{row['response_time'] / 1e6:.6f}",
    }  # fmt: skip


def caddy(row: Row) -> Row:
    headers = {"Referer": [row["referrer"]], "User-Agent": [row["agent"], "x"]}
    request = {"client_ip": row["address"], "method": row["method"], "uri": row["target"]}
    return {
        "ts": row["time"] + 0.5, "status": int(row["status"]), "size": row["bytes"],
        "duration": row["response_time"] / 1e6,
        "request": {**request, "host": row["host"], "headers": headers},
    }  # fmt: skip


def traefik_json(row: Row) -> Row:
    host = f"[{row['address']}]" if ":" in row["address"] else row["address"]
    return {
        "ClientAddr": f"{host}:4711", "ClientHost": row["address"], "StartUTC": iso(row["time"]),
        "RequestMethod": row["method"], "RequestPath": row["target"], "RequestHost": row["host"],
        "DownstreamStatus": int(row["status"]), "DownstreamContentSize": row["bytes"],
        "request_Referer": row["referrer"], "request_User-Agent": row["agent"],
        "Duration": row["response_time"] * 1000,
    }  # fmt: skip


def gcp(row: Row) -> Row:
    return {
        "timestamp": iso(row["time"]),
        "httpRequest": {
            "remoteIp": row["address"], "requestMethod": row["method"],
            "requestUrl": f"https://{row['host']}{row['target']}", "status": int(row["status"]),
            "responseSize": str(row["bytes"]), "referer": row["referrer"],
            "userAgent": row["agent"], "latency": f"{row['response_time'] / 1e6:.6f}s",
        },
    }  # fmt: skip


def azure_frontdoor(row: Row) -> Row:
    return {
        "time": iso(row["time"]).replace("Z", ".1234567Z"),
        "properties": {
            "socketIp": row["address"], "clientIp": "203.0.113.9", "httpMethod": row["method"],
            "requestUri": f"https://{row['host']}:443{row['target']}", "referer": row["referrer"],
            "httpStatusCode": row["status"], "responseBytes": str(row["bytes"]),
            "userAgent": row["agent"], "timeTaken": f"{row['response_time'] / 1e6:.6f}",
        },
    }  # fmt: skip


def fastly(row: Row) -> Row:
    return {
        "timestamp": iso(row["time"]).replace("Z", "+0000"), "client_ip": row["address"],
        "request_method": row["method"], "url": row["target"], "host": row["host"],
        "response_status": int(row["status"]), "response_body_size": row["bytes"],
        "request_referer": row["referrer"], "request_user_agent": row["agent"],
        "time_elapsed": row["response_time"],
    }  # fmt: skip


def cloudflare(row: Row) -> Row:
    return {
        "EdgeStartTimestamp": row["time"] * 10**9 + 999_999_999, "ClientIP": row["address"],
        "ClientRequestMethod": row["method"], "ClientRequestURI": row["target"],
        "ClientRequestHost": row["host"], "EdgeResponseStatus": int(row["status"]),
        "EdgeResponseBytes": row["bytes"], "ClientRequestReferer": row["referrer"],
        "ClientRequestUserAgent": row["agent"],
        "EdgeTimeToFirstByteMs": row["response_time"] / 1000,
    }  # fmt: skip


WRITERS = [nginx_json, caddy, traefik_json, gcp, azure_frontdoor, fastly, cloudflare]
_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_rows = st.fixed_dictionaries(
    {
        "reject": st.none(),
        "address": st.sampled_from(["192.0.2.7", "198.51.100.255", "2001:db8::7"]),
        "time": st.integers(631_152_000, NOW),
        "method": st.sampled_from(["GET", "POST", "PROPFIND"]),
        "target": st.text(
            st.characters(exclude_categories=["C", "Z"], exclude_characters="\\"), max_size=20
        ).map("/{}".format),
        "status": st.from_regex("[1-5][0-9]{2}", fullmatch=True),
        "bytes": st.integers(0, 2**40),
        "referrer": _text.filter(lambda text: text != "-"),
        "agent": _text.filter(lambda text: text != "-"),
        "host": st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True),
        "response_time": st.integers(0, 86_400_000_000),
    }
)


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
@settings(max_examples=60)
@given(st.lists(_rows, min_size=1, max_size=4))
def test_what_was_written_is_read(write: Callable[[Row], Row], rows: list[Row]) -> None:
    lines = pl.Series([json.dumps(write(row)) for row in rows])
    found = parse(write.__name__, lines, Context(NOW))
    assert found.to_dicts() == rows
