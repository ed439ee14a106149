r"""nginx's JSON, as a ``log_format`` with ``escape=json`` writes it.

The keys are the names of nginx's own variables
(https://nginx.org/en/docs/http/ngx_http_log_module.html); others are ignored. Without
``escape=json`` nginx writes ``\x22``, which is no JSON.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["remote_addr"],
        "time": ["time_iso8601", "time_local", "msec"],
        "request": ["request"],
        "method": ["request_method"],
        "target": ["request_uri"],
        "status": ["status"],
        "bytes": ["body_bytes_sent", "bytes_sent"],
        "referrer": ["http_referer"],
        "agent": ["http_user_agent"],
        "host": ["host"],
        "response_s": ["request_time"],
        "response_times": ["upstream_response_time"],
        "forwarded_for": ["http_x_forwarded_for"],
        "forwarded": ["http_forwarded"],
        "real_ip": ["http_x_real_ip"],
        "cf_connecting_ip": ["http_cf_connecting_ip"],
        "true_client_ip": ["http_true_client_ip"],
        "proxy_address": ["proxy_protocol_addr"],
    }
)

FORMAT: Final = Format("nginx_json", "nginx JSON with its own variable names as keys", MAP.read)
