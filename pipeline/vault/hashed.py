"""JSON that holds its own SHA-256, so that a file nothing comes after can be checked by itself."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def encode(version: int, values: dict[str, Any]) -> bytes:
    """Return the one way these values are written: sorted keys, ``version`` and ``sha256`` too."""
    return _written({"version": version, **values})


def decode(version: int, data: bytes) -> dict[str, Any]:
    """Return the values of a file; raises ValueError where it is not as it was written.

    KeyError or TypeError where it was never written by :func:`encode`.
    """
    values: dict[str, Any] = orjson.loads(data)
    del values["sha256"]
    if _written(values) != data or values.pop("version") != version:
        raise ValueError(version)
    return values


def _written(values: dict[str, Any]) -> bytes:
    sha256 = hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return orjson.dumps({**values, "sha256": sha256}, option=orjson.OPT_SORT_KEYS)
