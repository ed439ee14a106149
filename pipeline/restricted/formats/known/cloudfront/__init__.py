"""CloudFront's standard logs: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html.

Values are parted by tabs, times are UTC, referrers and agents percent-encoded, some of them twice.
Where no ``#Fields:`` line is known, the fields are the 33 documented ones; later ones may follow.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.extended import Dialect, reader, speaks
from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.pieces import unquoted

FIELDS: Final = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start "
    "sc-range-end"
)
_TWICE: Final = "%25([0-9A-Fa-f]{2})"
_OWN: Final = "(?i)^#fields:.* x-edge-"


def _once(targets: pl.Series) -> pl.Series:
    """Return targets as they were asked for: CloudFront encodes the percent signs in them."""
    return targets.str.replace_all(_TWICE, "%$1")


def _tells(lines: pl.Series) -> bool:
    return speaks(lines, _OWN)


FORMAT: Final = Format(
    "cloudfront",
    "CloudFront standard log",
    reader(Dialect(fields=FIELDS, more=True, tabs=True, texts=unquoted, targets=_once)),
    _tells,
)
