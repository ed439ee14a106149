"""Labels that an operator gives: sites, sources, ingests.

They cross the wall, so their shape is closed, and the same wherever one is set, typed or read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LONGEST: Final = 64
"""Characters of the longest label."""
PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""A regular expression for the whole of a label, which is plain ASCII."""

LIVE: Final = "live"
"""The ingest of what is shipped as it happens; every other name is a backfill, and ends."""

WIDGET_SUFFIX: Final = ".widget"
"""Ends the name under which a site's widget is counted, beside the site itself.

Split puts it there, so that page views and widget events are never added up; nobody may give a
site a name that ends so.
"""

KEYED: Final = ("site", "source", "format", "ingest")
"""What the parts of a message's key are, behind KEY and in this order, where it has no headers."""
KEY: Final = b"partywall"
"""How such a key begins: any other is somebody's own, and may be anybody's address."""

_LONGEST_KEY: Final = 300


@lru_cache(maxsize=1_000)
def of_key(key: bytes | None) -> tuple[tuple[str, bytes], ...]:
    """Return the headers that a key such as ``partywall/shop/web-1/nginx`` stands for.

    Some shippers can set a message's key and no headers. An empty part is not said; what is no such
    key (another shape, too long) says nothing.
    """
    first, *parts = (key or b"").split(b"/")
    if first != KEY or len(key or b"") > _LONGEST_KEY or len(parts) > len(KEYED):
        return ()
    return tuple((name, part) for name, part in zip(KEYED, parts, strict=False) if part)
