"""JSON of Google Cloud, Azure Front Door, Fastly and Cloudflare.

- Google: LogEntry with ``httpRequest`` of an external Application Load Balancer
  (https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring).
- Azure: category FrontDoorAccessLog (https://learn.microsoft.com/azure/frontdoor/front-door-diagnostics).
- Fastly: its recommended JSON format (https://www.fastly.com/documentation/guides/integrations/logging/useful-log-formats/).
- Cloudflare: Logpush, dataset http_requests, timestamps as RFC 3339
  (https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.simulate.formats.objects import escaped, fixed, obj, text
from pipeline.simulate.formats.spec import NO_BROKEN, Format
from pipeline.simulate.formats.text import path, seconds
from pipeline.simulate.formats.times import ISO, iso, stamps

_PROJECT: Final = "projects/example-project"


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _padded(digits: int) -> pl.Expr:
    return _number("serial").str.zfill(digits)


def _gcp_lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests)
    request = {
        "requestMethod": text("method"),
        "requestUrl": text(pl.format("https://{}{}", "host", "target")),
        "requestSize": text((pl.col("port") % 700 + 300).cast(pl.String)),
        "status": pl.col("status"),
        "responseSize": text(_number("bytes")),
        "userAgent": text("agent"),
        "remoteIp": text("address"),
        "referer": text("referrer"),
        "serverIp": fixed("10.0.0.7"),
        "latency": text(pl.format("{}s", seconds("duration", 6))),
        "protocol": text("protocol"),
    }
    payload = {
        "@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",
        "statusDetails": "response_sent_by_backend",
    }
    labels = {"project_id": "example-project", "forwarding_rule_name": "web", "zone": "global"}
    members = {
        "httpRequest": obj(request),
        "insertId": text(pl.format("a{}", _padded(12))),
        "jsonPayload": fixed(payload),
        "logName": fixed(f"{_PROJECT}/logs/requests"),
        "receiveTimestamp": text(pl.lit(iso(frame, 9, of="arrival"))),
        "resource": fixed({"type": "http_load_balancer", "labels": labels}),
        "severity": fixed("INFO"),
        "spanId": text(_padded(16)),
        "timestamp": text(pl.lit(iso(frame, 6))),
        "trace": text(pl.format("projects/example-project/traces/{}", _padded(32))),
    }
    return frame.select(obj(members)).to_series()


def _azure_lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests)
    properties = {
        "trackingReference": text(pl.format("0{}", _padded(40))),
        "httpMethod": text("method"),
        "httpVersion": text(pl.format("{}.0.0", pl.col("protocol").str.slice(5))),
        "requestUri": text(pl.format("https://{}:443{}", "host", "target")),
        "sni": text("host"),
        "requestBytes": text((pl.col("port") % 700 + 300).cast(pl.String)),
        "responseBytes": text(_number("bytes")),
        "userAgent": text("agent", nothing='""'),
        "clientIp": text("address"),
        "clientPort": text(_number("port")),
        "socketIp": text("address"),
        "timeTaken": text(seconds("duration", 3)),
        "timeToFirstByte": text(seconds("duration", 3)),
        "requestProtocol": fixed("HTTPS"),
        "securityProtocol": fixed("TLS 1.3"),
        "rulesEngineMatchNames": fixed([]),
        "httpStatusCode": text(_number("status")),
        "httpStatusDetails": text(_number("status")),
        "pop": fixed("FRA"),
        "cacheStatus": fixed("CONFIG_NOCACHE"),
        "errorInfo": fixed("NoError"),
        "ErrorInfo": fixed("NoError"),
        "result": fixed("N/A"),
        "endpoint": fixed("web.z01.azurefd.net"),
        "routingRuleName": fixed("web"),
        "hostName": text("host"),
        "originUrl": text(pl.format("https://origin.example:443{}", "target")),
        "originIp": fixed("10.0.0.7:443"),
        "originName": fixed("origin.example:443"),
        "referer": text("referrer", nothing='""'),
        "clientCountry": fixed("Germany"),
        "domain": text(pl.format("{}:443", "host")),
        "securityCipher": text("cipher"),
    }
    resource = (
        "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/WEB/PROVIDERS/"
        "MICROSOFT.CDN/PROFILES/WEB"
    )
    members = {
        "time": text(pl.lit(iso(frame, 7))),
        "resourceId": fixed(resource),
        "category": fixed("FrontDoorAccessLog"),
        "operationName": fixed("Microsoft.Cdn/Profiles/AccessLog/Write"),
        "properties": obj(properties),
    }
    return frame.select(obj(members)).to_series()


def _fastly_lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests)
    members = {
        "timestamp": text(pl.lit(stamps(frame, f"{ISO}+0000"))),
        "client_ip": text("address"),
        "geo_country": fixed("germany"),
        "geo_city": fixed("berlin"),
        "host": text("host"),
        "url": text("target"),
        "request_method": text("method"),
        "request_protocol": text("protocol"),
        "request_referer": text("referrer", nothing='""'),
        "request_user_agent": text("agent", nothing='""'),
        "response_state": fixed("MISS"),
        "response_status": pl.col("status"),
        "response_reason": fixed("OK"),
        "response_body_size": pl.col("bytes"),
        "fastly_server": fixed("cache-fra-eddf8230042-FRA"),
        "fastly_is_edge": fixed(value=True),
    }
    return frame.select(obj(members)).to_series()


def _cloudflare_lines(requests: pl.DataFrame) -> pl.Series:
    frame = escaped(requests)
    frame = frame.with_columns(done=pl.col("time") + pl.col("duration"))
    members = {
        "CacheCacheStatus": fixed("dynamic"),
        "ClientCountry": fixed("de"),
        "ClientIP": text("address"),
        "ClientRequestBytes": pl.col("port") % 700 + 300,
        "ClientRequestHost": text("host"),
        "ClientRequestMethod": text("method"),
        "ClientRequestPath": text(path()),
        "ClientRequestProtocol": text(pl.col("protocol").str.replace("2.0", "2", literal=True)),
        "ClientRequestReferer": text("referrer", nothing='""'),
        "ClientRequestScheme": fixed("https"),
        "ClientRequestURI": text("target"),
        "ClientRequestUserAgent": text("agent", nothing='""'),
        "ClientSSLCipher": text("cipher"),
        "ClientSSLProtocol": text("tls"),
        "ClientSrcPort": pl.col("port"),
        "EdgeColoCode": fixed("FRA"),
        "EdgeEndTimestamp": text(pl.lit(iso(frame, 6, of="done"))),
        "EdgeResponseBodyBytes": pl.col("bytes"),
        "EdgeResponseBytes": pl.col("bytes"),
        "EdgeResponseStatus": pl.col("status"),
        "EdgeStartTimestamp": text(pl.lit(iso(frame, 6))),
        "OriginResponseStatus": pl.col("status"),
        "RayID": text(_padded(16)),
        "ZoneName": text("host"),
    }
    return frame.select(obj(members)).to_series()


_NOTHING: Final = frozenset({NO_BROKEN})
FORMATS = (
    Format("gcp", _gcp_lines, _NOTHING),
    Format("azure_frontdoor", _azure_lines, _NOTHING),
    Format("fastly", _fastly_lines, _NOTHING),
    Format("cloudflare", _cloudflare_lines, _NOTHING),
)
