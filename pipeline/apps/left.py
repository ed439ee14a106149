"""What processes leave in files for others: a group its settings, a collector its accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

NAME: Final = "settings.yaml"
ACCOUNTS: Final = "collect.json"
"""In ``state_dir``."""


def left_settings(folder: Path) -> dict[str, Any] | None:
    """Return the settings of the folder's last group, None where there are none to be read."""
    try:
        found = yaml.safe_load((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None
