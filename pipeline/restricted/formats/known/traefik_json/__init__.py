"""Traefik's JSON access log: https://doc.traefik.io/traefik/observe/logs-and-access-logs/.

``ClientAddr`` is who connected, with its port; ``ClientHost`` is its address too, or else the whole
``X-Forwarded-For`` where one came along, so that it is read as that header.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["ClientAddr"],
        "time": ["StartUTC", "StartLocal", "time"],
        "method": ["RequestMethod"],
        "target": ["RequestPath"],
        "status": ["DownstreamStatus"],
        "bytes": ["DownstreamContentSize"],
        "referrer": ["request_Referer"],
        "agent": ["request_User-Agent"],
        "response_ns": ["Duration"],
        "host": ["RequestHost", "RequestAddr"],
        "forwarded_for": ["ClientHost"],
        "forwarded": ["request_Forwarded"],
        "real_ip": ["request_X-Real-Ip"],
        "cf_connecting_ip": ["request_Cf-Connecting-Ip"],
        "true_client_ip": ["request_True-Client-Ip"],
    }
)

FORMAT: Final = Format("traefik_json", "Traefik JSON access log", MAP.read)
