"""The runs of a cells partition's state: one for each message, from which it is built up again.

A run is a line of JSON, the base and what the ledgers were told, and behind it the message itself
as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from pipeline.errors import IntegrityError
from pipeline.release.homes import Stays
from pipeline.rows import DAY
from pipeline.zones import UTC

SPENT: Final = orjson.dumps({"fed": None}) + b"\n"
"""A run in the place of some that nothing needs any more."""


@dataclass(frozen=True, slots=True)
class Fed:
    """What the ledgers were told with an input, kept so that they are told the same again."""

    clocks: dict[str, int]
    """Zone → what its clock shows at the watermark; empty where there is none."""
    end: bool
    skip: int = 0
    """Rows at the front of the message that another message had brought before."""

    @classmethod
    def read(cls, saved: tuple[dict[str, int] | int | None, bool, int]) -> Self:
        """Read it from a run."""
        clocks, end, skip = saved
        if isinstance(clocks, int):  # before there were zones
            clocks = {UTC: clocks}
        return cls(clocks or {}, end, skip)


def encode(base: Mapping[str, Any], fed: Fed | None, message: bytes) -> bytes:
    """Return the run of a message; ``fed`` is None where the ledgers were told nothing new."""
    told = None if fed is None else [fed.clocks, fed.end, fed.skip]
    return orjson.dumps({**base, "fed": told}) + b"\n" + message


def decode(value: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the JSON and the message of a run; raises IntegrityError where it is damaged."""
    head, newline, message = value.partition(b"\n")
    try:
        base = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise IntegrityError("a run of the release's state is damaged") from error
    if not newline or not isinstance(base, dict):
        raise IntegrityError("a run of the release's state is damaged")
    return base, message


def homes_before_zones(ingests: dict[str, Any]) -> dict[str, dict[str, Stays]]:
    """Return where the days before the floors were, of a run from before there were zones."""
    return {
        name: {site: [(saved["floor"] - DAY, UTC)] for site in saved["accounts"]}
        for name, saved in ingests.items()
        if saved["floor"] is not None
    }
