"""nginx's ``log_format`` strings as layouts.

Variables after https://nginx.org/en/docs/http/ngx_http_log_module.html and
https://nginx.org/en/docs/http/ngx_http_core_module.html#variables; any other is passed over.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.restricted.formats.layouts import Layout, Slot, joined
from pipeline.restricted.proxies import HEADER_COLUMNS

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_HOLDS: Final = {
    "remote_addr": "address", "time_local": "clf", "time_iso8601": "iso", "msec": "epoch",
    "request": "request", "request_method": "method", "request_uri": "target", "uri": "path",
    "document_uri": "path", "args": "query", "query_string": "query", "status": "status",
    "body_bytes_sent": "size", "bytes_sent": "size", "http_referer": "referrer",
    "http_user_agent": "agent", "host": "host", "http_host": "host", "server_name": "host",
    "request_time": "response_s", "upstream_response_time": "response_times",
    "proxy_add_x_forwarded_for": "forwarded_for", "proxy_protocol_addr": "proxy_address",
    **{f"http_{name.replace('-', '_')}": column for name, column in HEADER_COLUMNS.items()},
}  # fmt: skip


def layout(text: str) -> Layout:
    """Return the layout of a ``log_format`` string, its pieces already joined into one."""
    # The question mark and what follows it, where there is something.
    text = text.replace("$is_args$args", "$args").replace("${is_args}${args}", "$args")
    made: list[str | Slot] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        if found.start() > at:
            made.append(text[at : found.start()])
        name = found[1] or found[2]
        # Every upstream that was tried has its value: "a, b : c".
        made.append(Slot(_HOLDS.get(name, "many" if name.startswith("upstream_") else None)))
        at = found.end()
    if at < len(text):
        made.append(text[at:])
    return joined(made)
