"""Countries of the map: what their codes stand for, and which of five shades each is given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

_SHADES: Final = 5


@cache
def _known() -> dict[str, Any]:
    """Return what `deploy/console/build.mjs` wrote."""
    found: dict[str, Any] = orjson.loads(Path(__file__).with_name("countries.json").read_bytes())
    return found


def name(code: str) -> str:
    """Return a country's English name; the code itself where it is nobody's."""
    return str(_known()["names"].get(code, code))


def shades(numbers: Mapping[str, float]) -> list[tuple[str, int]]:
    """Return the countries that the map can show, each with a shade from 1 to 5.

    Shades go by the share of the largest, each step half of the one above it: what many countries
    have a little of stays apart from nothing.
    """
    drawn = set(_known()["drawn"])
    shown = {code: number for code, number in numbers.items() if code in drawn and number > 0}
    most = max(shown.values(), default=0)
    found = []
    for code, number in sorted(shown.items()):
        shade = _SHADES
        while shade > 1 and number * 2 ** (_SHADES - shade + 1) <= most:
            shade -= 1
        found.append((code, shade))
    return found
