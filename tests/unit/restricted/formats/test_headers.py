"""What trusted proxies say of the client is read where each JSON format keeps it."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from pipeline.restricted.formats import Context, parse
from pipeline.restricted.proxies import HEADER_COLUMNS, read_proxies

NOW = 1_800_000_000
PEER, CLIENT, LIE = "10.0.0.2", "192.0.2.7", "203.0.113.9"
SAID = {
    "x-forwarded-for": f"{LIE}, {CLIENT}",
    "forwarded": f"for={LIE}, for={CLIENT};proto=https",
    "x-real-ip": CLIENT,
    "cf-connecting-ip": CLIENT,
    "true-client-ip": CLIENT,
    "proxy": CLIENT,
}
NGINX = {
    "x-forwarded-for": "http_x_forwarded_for", "forwarded": "http_forwarded",
    "x-real-ip": "http_x_real_ip", "cf-connecting-ip": "http_cf_connecting_ip",
    "true-client-ip": "http_true_client_ip", "proxy": "proxy_protocol_addr",
}  # fmt: skip
CADDY = {
    "x-forwarded-for": "X-Forwarded-For", "forwarded": "Forwarded", "x-real-ip": "X-Real-Ip",
    "cf-connecting-ip": "Cf-Connecting-Ip", "true-client-ip": "True-Client-Ip",
}  # fmt: skip


def address(name: str, line: dict[str, Any], trusted: list[Any]) -> str:
    context = Context(NOW, proxies=read_proxies(trusted))
    row = parse(name, pl.Series([json.dumps(line)]), context).row(0, named=True)
    assert row["reject"] is None
    return str(row["address"])


def nginx(header: str) -> dict[str, Any]:
    plain = {"remote_addr": PEER, "msec": "1431857103.1", "request": "GET / HTTP/1.1"}
    return {**plain, NGINX[header]: SAID[header]}


def caddy(header: str, **request: str) -> dict[str, Any]:
    headers = {CADDY[header]: SAID[header].split(", ")}
    plain = {"remote_ip": PEER, "method": "GET", "uri": "/", "headers": headers}
    return {"ts": 1431857103, "request": {**plain, **request}}


def traefik(header: str) -> dict[str, Any]:
    line = {"ClientAddr": f"{PEER}:4711", "ClientHost": PEER, "RequestPath": "/"}
    key = "ClientHost" if header == "x-forwarded-for" else f"request_{CADDY[header]}"
    return {**line, "StartUTC": "2015-05-17T10:05:03Z", key: SAID[header]}


@pytest.mark.parametrize("header", HEADER_COLUMNS)
def test_nginx(header: str) -> None:
    assert address("nginx_json", nginx(header), [{"from": "private", "header": header}]) == CLIENT
    assert address("nginx_json", nginx(header), []) == PEER


@pytest.mark.parametrize("header", CADDY)
def test_caddy_where_it_does_not_say_the_client_itself(header: str) -> None:
    """A header that came twice is one chain: the proxy's line follows the client's own."""
    trusted = [{"from": "private", "header": header}]
    assert address("caddy", caddy(header), trusted) == CLIENT
    assert address("caddy", caddy(header), []) == PEER
    told = caddy(header, client_ip="198.51.100.1")
    assert address("caddy", told, trusted) == "198.51.100.1"
    # Even where what Caddy found out is one of the proxies: it knew better than the header does.
    assert address("caddy", caddy(header, client_ip="10.0.0.3"), trusted) == "10.0.0.3"


@pytest.mark.parametrize("header", CADDY)
def test_traefik(header: str) -> None:
    trusted = [{"from": "private", "header": header}]
    assert address("traefik_json", traefik(header), trusted) == CLIENT
    assert address("traefik_json", traefik(header), []) == PEER


def test_azure() -> None:
    properties = {"socketIp": PEER, "clientIp": CLIENT, "requestUri": "https://example.org/"}
    line = {"time": "2015-05-17T10:05:03Z", "properties": properties}
    assert address("azure_frontdoor", line, ["private"]) == CLIENT
    assert address("azure_frontdoor", line, []) == PEER
