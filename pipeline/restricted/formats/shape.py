"""What a line looks like, in words that say nothing of what stands in it."""

from __future__ import annotations

import re
from typing import Final

_PARTS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\S+')
_ADDRESS: Final = re.compile(
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"
)
_MANY: Final = 999


def shape(line: str | None) -> str:
    """Return how many parts a line has and of what kind: counts and kinds, never a character."""
    line = (line or "").strip()
    if line.startswith("{"):
        end = "and ends with one" if line.endswith("}") else "but does not end with one"
        return f"a curly bracket in front {end}"
    tabs = line.count("\t")
    parts = _PARTS.findall(line)
    quoted = sum(part.startswith('"') for part in parts)
    bracketed = sum(part.startswith("[") for part in parts)
    address = next((n for n, part in enumerate(parts, 1) if _ADDRESS.fullmatch(part)), None)
    said = [
        f"{min(len(parts), _MANY)} parts",
        f"{min(tabs, _MANY)} tabs" if tabs else "",
        f"{min(quoted, _MANY)} of them in quotes" if quoted else "none in quotes",
        f"{min(bracketed, _MANY)} in square brackets" if bracketed else "none in square brackets",
        "no address alone" if address is None else f"an address as number {min(address, _MANY)}",
    ]
    return ", ".join(part for part in said if part)
