"""Azure Front Door's access log: https://learn.microsoft.com/azure/frontdoor/monitor-front-door.

``socketIp`` is who connected; ``clientIp`` comes from ``X-Forwarded-For`` where the request had
one, so that it is read as that header.
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["properties.socketIp", "properties.clientIp"],
        "time": ["time"],
        "method": ["properties.httpMethod"],
        "url": ["properties.requestUri"],
        "status": ["properties.httpStatusCode"],
        "bytes": ["properties.responseBytes"],
        "referrer": ["properties.referer"],
        "agent": ["properties.userAgent"],
        "response_s": ["properties.timeTaken"],
        "host": ["properties.hostName"],
        "forwarded_for": ["properties.clientIp"],
    }
)

FORMAT: Final = Format("azure_frontdoor", "Azure FrontDoorAccessLog records, one a line", MAP.read)
