"""Writes rows as servers write them: each format's line for the fields of FIELDS.

After each server's documentation, and by other code than the one that reads it. Times without an
offset are Berlin's.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pipeline.restricted.formats.known import cloudfront

ZONE: Final = "Europe/Berlin"
W3C: Final = (
    "date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(Referer) "
    "cs(User-Agent) cs-host"
)
Row = dict[str, Any]


def _clf(row: Row) -> str:
    return dt.datetime.fromtimestamp(row["time"], ZoneInfo(ZONE)).strftime("%d/%b/%Y:%H:%M:%S %z")


def _local(row: Row, form: str) -> str:
    return dt.datetime.fromtimestamp(row["time"], ZoneInfo(ZONE)).strftime(form)


def _utc(row: Row, form: str) -> str:
    return dt.datetime.fromtimestamp(row["time"], dt.UTC).strftime(form)


def _backslashed(text: str | None) -> str:
    """As Apache and varnishncsa escape."""
    return "-" if text is None else text.replace("\\", "\\\\").replace('"', '\\"')


def _raw(text: str | None) -> str:
    return "-" if text is None else text


def _numbered(text: str | None) -> str:
    """As HAProxy escapes: ``#hh`` for bytes that cannot be printed and for its own signs."""
    if text is None:
        return ""
    return "".join(
        chr(byte) if 32 <= byte <= 126 and chr(byte) not in '"#{|}' else f"#{byte:02X}"
        for byte in text.encode()
    )


def _plus(text: str | None) -> str:
    return "-" if text is None else text.replace(" ", "+")


def _doubled(text: str | None) -> str:
    return "-" if text is None else '"' + text.replace('"', '""') + '"'


def _split(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    return path, query or "-"


def _combined(row: Row, text: Callable[[str | None], str], target: str) -> str:
    return (
        f'{row["address"]} - - [{_clf(row)}] "{row["method"]} {target} HTTP/1.1" '
        f'{_raw(row["status"])} {row["bytes"]} "{text(row["referrer"])}" "{text(row["agent"])}"'
    )


def combined(row: Row) -> str:
    return _combined(row, _backslashed, row["target"])


def traefik(row: Row) -> str:
    return _combined(row, _raw, row["target"]) + ' 7 "shop@docker" "http://172.17.0.3:80" 4ms'


def icecast(row: Row) -> str:
    return _combined(row, _raw, row["target"]) + " 3691"


def varnish(row: Row) -> str:
    return _combined(row, _backslashed, f"http://{row['host']}{row['target']}")


def _balanced(row: Row) -> str:
    return (
        f"{_utc(row, '%Y-%m-%dT%H:%M:%S')}.186641Z app/my-lb/50dc6c495c0c9188 "
        f"{row['address']}:2817 10.0.0.1:80 0.000 0.001 0.000 {_raw(row['status'])} 200 34 "
        f'{row["bytes"]} "{row["method"]} https://{row["host"]}:443{row["target"]} HTTP/1.1" '
        f'"{_backslashed(row["agent"])}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2'
    )


def alb(row: Row) -> str:
    return f'h2 {_balanced(row)} arn:aws:x "Root=1-58337262" "-" "-" 0 - "forward" "-" "-"'


def elb(row: Row) -> str:
    return _balanced(row)


def s3(row: Row) -> str:
    return (
        f"79a59df900b9 {row['host']} [{_utc(row, '%d/%b/%Y:%H:%M:%S +0000')}] {row['address']} - "
        f'3E57427F33A59F07 REST.GET.OBJECT a.jpg "{row["method"]} {row["target"]} HTTP/1.1" '
        f'{_raw(row["status"])} - {row["bytes"] or "-"} 5 7 - "{_raw(row["referrer"])}" '
        f'"{_raw(row["agent"])}" - abc= SigV4 - AuthHeader s3.amazonaws.com -'
    )


def haproxy(row: Row) -> str:
    captured = "|".join(_numbered(row[name]) for name in ("host", "referrer", "agent"))
    return (
        f"haproxy[14389]: {row['address']}:33317 [{_local(row, '%d/%b/%Y:%H:%M:%S')}.655] web~ "
        f"shop/web1 10/0/30/69/109 {row['status'] or -1} {row['bytes']} - - ---- 1/1/1/1/0 0/0 "
        f'{{{captured}}} {{}} "{row["method"]} {_numbered(row["target"])} HTTP/1.1"'
    )


def haproxy_https(row: Row) -> str:
    return haproxy(row) + " 0/0/0/0/0 -/TLSv1.3/TLS_AES_256_GCM_SHA384"


def w3c(row: Row) -> str:
    path, query = _split(row["target"])
    return (
        f"{_utc(row, '%Y-%m-%d %H:%M:%S')} {row['address']} {row['method']} {path} {query} "
        f"{_raw(row['status'])} {row['bytes']} {_doubled(row['referrer'])} "
        f"{_doubled(row['agent'])} {_raw(row['host'])}"
    )


def iis(row: Row) -> str:
    path, query = _split(row["target"])
    return (
        f"{_utc(row, '%Y-%m-%d %H:%M:%S')} 10.0.0.1 {row['method']} {path} {query} 443 - "
        f"{row['address']} {_plus(row['agent'])} {_plus(row['referrer'])} {_raw(row['status'])} "
        "0 0 15"
    )


def netscaler(row: Row) -> str:
    path, query = _split(row["target"])
    return (
        f"{_utc(row, '%Y-%m-%d %H:%M:%S')} {row['address']} - HTTP 10.0.0.1 80 {row['method']} "
        f"{path} {query} {_raw(row['status'])} 512 {row['bytes']} 0 HTTP/1.1 "
        f"{_plus(row['agent'])} - {_plus(row['referrer'])}"
    )


def shoutcast(row: Row) -> str:
    return (
        f"{row['address']} dialin.example.net {_local(row, '%Y-%m-%d %H:%M:%S')} {row['target']} "
        f"{_raw(row['status'])} {quote(row['agent'] or '-', safe='')} {row['bytes']} 811 130480"
    )


def _percent(text: str | None) -> str:
    return "-" if text is None else quote(text, safe="/:;(),?=&")


def cloudfront_line(row: Row) -> str:
    path, query = (re.sub("%", "%25", part) for part in _split(row["target"]))
    said = {
        "date": _utc(row, "%Y-%m-%d"), "time": _utc(row, "%H:%M:%S"), "sc-bytes": row["bytes"],
        "c-ip": row["address"], "cs-method": row["method"], "cs-uri-stem": path,
        "sc-status": row["status"] or "000", "cs(Referer)": _percent(row["referrer"]),
        "cs(User-Agent)": _percent(row["agent"]), "cs-uri-query": query,
        "x-host-header": _raw(row["host"]), "cs(Host)": "d111111abcdef8.cloudfront.net",
    }  # fmt: skip
    return "\t".join(str(said.get(name, "-")) for name in cloudfront.FIELDS.split())


WRITERS: Final[dict[str, tuple[Callable[[Row], str], frozenset[str]]]] = {
    "combined": (combined, frozenset({"host"})),
    "traefik": (traefik, frozenset({"host"})),
    "icecast": (icecast, frozenset({"host"})),
    "varnish": (varnish, frozenset()),
    "alb": (alb, frozenset({"referrer"})),
    "elb": (elb, frozenset({"referrer"})),
    "s3": (s3, frozenset()),
    "haproxy": (haproxy, frozenset()),
    "haproxy_https": (haproxy_https, frozenset()),
    "w3c": (w3c, frozenset()),
    "iis": (iis, frozenset({"host", "bytes"})),
    "netscaler": (netscaler, frozenset({"host"})),
    "shoutcast": (shoutcast, frozenset({"host", "referrer", "method"})),
    "cloudfront": (cloudfront_line, frozenset()),
}
"""Format → how a row is written, and the fields that its line does not say."""
DIRECTIVES: Final = {"w3c": W3C}
