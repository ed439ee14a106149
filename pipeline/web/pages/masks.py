"""What a page shows of a value that nobody has clicked: what kind it is, and about how long.

Fields of our own words and numbers are shown as they are, since without them nobody finds what to
look at: when, at which site, from which source, and what became of it. All others are masked.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

OPEN: Final = frozenset({"time", "site", "source", "status", "bytes", "outcome", "reason"})
"""Fields without a mask: numbers, and words that an operator or we have given."""

_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
_KINDS: Final = {
    "target": "target", "referrer": "referrer", "agent": "user agent", "host": "host name",
    "chat": "chat id", "event": "event", "method": "method", "raw": "whole line",
}  # fmt: skip
_LENGTHS: Final = ((16, "up to 16"), (64, "17 to 64"), (256, "65 to 256"))


def is_open(field: str, value: object) -> bool:
    """Tell whether a value is shown without a click."""
    return value is None or field in OPEN or (field == "method" and value in _METHODS)


def mask(field: str, value: object) -> str:
    """Return a value's kind, and its length as one of four classes."""
    text = str(value)
    if field == "address":
        try:
            return f"IPv{ip_address(text).version} address"
        except ValueError:
            return "address"
    length = next((said for most, said in _LENGTHS if len(text) <= most), "over 256")
    return f"{_KINDS.get(field, field)}, {length}"
