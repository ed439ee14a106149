"""Amazon's four: CloudFront, Application and Classic Load Balancer, S3.

- CloudFront's standard log: directives, 33 fields parted by tabs, times in UTC, ``-`` for
  nothing; spaces and signs that are no URL's are percent-encoded
  (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html).
- ALB: ``time`` is when the line was written; an IPv6 client stands in brackets before its port
  (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html).
- Classic: https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
- S3 server access: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html, time
  always ``+0000``.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.simulate.formats.spec import NO_BROKEN, NO_REFERRER, Format
from pipeline.simulate.formats.text import (
    apache,
    changed,
    in_quotes,
    or_dash,
    path,
    percent,
    query,
    request_line,
    seconds,
    size_or_dash,
)
from pipeline.simulate.formats.times import CLF, iso, stamps

_FIELDS: Final = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start "
    "sc-range-end"
)
_ARN: Final = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
_CIPHER: Final = "TLS_AES_128_GCM_SHA256"
_OWNER: Final = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"


def _cloudfront_lines(requests: pl.DataFrame) -> pl.Series:
    unsafe = r"[^!$&(-;=?-Z_a-z]"
    frame = requests.with_columns(
        changed(requests[name], unsafe, percent) for name in ("referrer", "agent")
    )
    columns = [
        pl.lit(stamps(frame, "%Y-%m-%d\t%H:%M:%S")), pl.lit("FRA56-P4"), pl.col("bytes"),
        pl.col("address"), pl.col("method"), pl.lit("d111111abcdef8.cloudfront.net"), path(),
        pl.col("status"), or_dash("referrer"), or_dash("agent"), query().fill_null("-"),
        pl.lit("-"), pl.lit("Miss"), _identity("serial"), pl.col("host"), pl.lit("https"),
        pl.col("port") % 700 + 300, seconds("duration", 3), pl.lit("-"), pl.col("tls"),
        pl.col("cipher"), pl.lit("Miss"), pl.col("protocol"), pl.lit("-\t-"), pl.col("port"),
        seconds("duration", 3), pl.lit("Miss"), pl.lit("text/html"), pl.col("bytes"),
        pl.lit("-\t-"),
    ]  # fmt: skip
    return frame.select(pl.concat_str(columns, separator="\t")).to_series()


def _identity(name: str) -> pl.Expr:
    digits = pl.col(name).cast(pl.String).str.zfill(21)
    return pl.format("SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4{}==", digits)


def _directives(_: int) -> list[str]:
    return ["#Version: 1.0", f"#Fields: {_FIELDS}"]


def _client() -> pl.Expr:
    v6 = pl.col("address").str.contains(":", literal=True)
    address = pl.when(v6).then(pl.format("[{}]", "address")).otherwise("address")
    return pl.format("{}:{}", address, "port")


def _absolute() -> pl.Expr:
    return pl.format("{} https://{}:443{} {}", "method", "host", "target", "protocol")


def _alb_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    began = iso(frame.with_columns(pl.col("time") - pl.col("duration")), 6)
    h2 = pl.col("protocol") == "HTTP/2.0"
    trace = pl.format(
        "Root=1-{}-{}", pl.col("time") // 1_000_000, pl.col("serial").cast(pl.String).str.zfill(24)
    )
    line = pl.format(
        "{} {} app/web/50dc6c495c0c9188 {} 10.0.0.7:8080 0.001 {} 0.000 {} {} {} {} "
        '"{}" "{}" {} {} {}:targetgroup/web/73e2d6bc24d8a067 "{}" "{}" '
        '"arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" '
        '0 {} "forward" "-" "-" "10.0.0.7:8080" "{}" "-" "-" TID_{}',
        pl.when(h2).then(pl.lit("h2")).otherwise(pl.lit("https")), iso(frame, 6), _client(),
        seconds("duration", 3), "status", "status", pl.col("port") % 700 + 300, "bytes",
        _absolute(), or_dash("agent"), pl.lit(_CIPHER), "tls", pl.lit(_ARN), trace, "host", began,
        "status", pl.col("serial").cast(pl.String).str.zfill(32),
    )  # fmt: skip
    return frame.select(line).to_series()


def _elb_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    line = pl.format(
        '{} web {} 10.0.0.7:8080 0.000073 {} 0.000057 {} {} {} {} "{}" "{}" {} {}',
        iso(frame, 6), _client(), seconds("duration", 6), "status", "status",
        pl.col("port") % 700, "bytes", _absolute(), or_dash("agent"), pl.lit(_CIPHER), "tls",
    )  # fmt: skip
    return frame.select(line).to_series()


def _s3_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    line = pl.format(
        "{} {} [{}] {} - {} WEBSITE.{}.OBJECT {} "
        '"{}" {} - {} {} {} {} "{}" "{}" - {}= - {} - {} {} - -',
        pl.lit(_OWNER), "host", stamps(frame, CLF), "address",
        pl.col("serial").cast(pl.String).str.zfill(16), "method",
        path().str.slice(1).replace("", "-"), request_line(), "status",
        size_or_dash(), size_or_dash(), pl.col("duration") // 1000,
        pl.col("duration") // 1100, or_dash("referrer"), or_dash("agent"),
        pl.col("serial").cast(pl.String).str.zfill(43), pl.lit(_CIPHER), "host", "tls",
    )  # fmt: skip
    return frame.select(line).to_series()


_NOTHING: Final = frozenset({NO_BROKEN})
FORMATS = (
    Format("cloudfront", _cloudfront_lines, _NOTHING, _directives),
    Format("alb", _alb_lines, _NOTHING | {NO_REFERRER}),
    Format("elb", _elb_lines, _NOTHING | {NO_REFERRER}),
    Format("s3", _s3_lines, _NOTHING, clf=True),
)
