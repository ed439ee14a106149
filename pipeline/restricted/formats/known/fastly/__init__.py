"""Fastly's JSON, in the log format that its documentation gives as the example.

https://www.fastly.com/documentation/guides/integrations/logging/
"""

from __future__ import annotations

from typing import Final

from pipeline.restricted.formats.fieldmaps import FieldMap
from pipeline.restricted.formats.fields import Format

MAP: Final = FieldMap(
    {
        "address": ["client_ip"],
        "time": ["timestamp"],
        "method": ["request_method"],
        "url": ["url"],
        "status": ["response_status"],
        "bytes": ["response_body_size"],
        "referrer": ["request_referer"],
        "agent": ["request_user_agent"],
        "response_us": ["time_elapsed"],
        "host": ["host"],
    }
)

FORMAT: Final = Format("fastly", "Fastly JSON in the example log format of its guides", MAP.read)
