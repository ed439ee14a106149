"""Finds the declarations under ``schemas/``, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_CANDIDATES = (Path(__file__).parent / "_schemas", Path(__file__).parent.parent / "schemas")


@cache
def folder() -> Path:
    """Return the folder that holds ``topics/``, ``events/``, ``policy/`` and ``clickhouse/``."""
    return next(path for path in _CANDIDATES if path.is_dir())


def load(name: str) -> Any:  # noqa: ANN401 -- YAML has no type before it is checked
    """Return the YAML document ``schemas/<name>``, parsed."""
    return yaml.safe_load((folder() / name).read_text(encoding="utf-8"))
