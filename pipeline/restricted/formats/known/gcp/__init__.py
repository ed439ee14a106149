"""Log entries of Google Cloud's HTTP(S) load balancers and of Cloud CDN.

https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring, the request as in
https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["httpRequest.remoteIp", "jsonPayload.remoteIp"],
        "time": ["timestamp"],
        "method": ["httpRequest.requestMethod"],
        "url": ["httpRequest.requestUrl"],
        "status": ["httpRequest.status"],
        "bytes": ["httpRequest.responseSize"],
        "referrer": ["httpRequest.referer"],
        "agent": ["httpRequest.userAgent"],
        "response_s": ["httpRequest.latency"],
    }
)

FORMAT: Final = Format("gcp", "Google Cloud load balancer log entries, one a line", MAP.read)
