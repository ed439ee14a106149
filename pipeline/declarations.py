"""Finds the declarations under ``schemas/``, in a checkout and in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

# Ours are many and read at each start; where libyaml is there it is eight times as fast.
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_CANDIDATES = (Path(__file__).parent / "_schemas", Path(__file__).parent.parent / "schemas")


@cache
def folder() -> Path:
    """Return the folder that holds ``topics/``, ``events/``, ``policy/`` and ``clickhouse/``."""
    return next(path for path in _CANDIDATES if path.is_dir())


def load(name: str) -> Any:  # noqa: ANN401 -- YAML has no type before it is checked
    """Return the YAML document ``schemas/<name>``, parsed."""
    return yaml.load((folder() / name).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 -- a safe one
