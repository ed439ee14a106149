"""Cloudflare's Logpush data set ``http_requests``.

https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/; times are
RFC 3339, seconds or nanoseconds, as the job's ``timestamp_format`` says.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["ClientIP"],
        "time": ["EdgeStartTimestamp", "EdgeEndTimestamp"],
        "method": ["ClientRequestMethod"],
        "target": ["ClientRequestURI", "ClientRequestPath"],
        "status": ["EdgeResponseStatus"],
        "bytes": ["EdgeResponseBytes"],
        "referrer": ["ClientRequestReferer"],
        "agent": ["ClientRequestUserAgent"],
        "response_ms": ["EdgeTimeToFirstByteMs"],
        "host": ["ClientRequestHost"],
    }
)

FORMAT: Final = Format("cloudflare", "Cloudflare Logpush http_requests", MAP.read)
