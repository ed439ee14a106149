"""All quirks there are a fixture of: every file in the folder, without a list of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

FILES: Final = sorted((Path(__file__).parent / "fixtures").glob("*.yaml"))
QUIRKS: Final[list[dict[str, Any]]] = [
    quirk for file in FILES for quirk in yaml.safe_load(file.read_text(encoding="utf-8"))
]
