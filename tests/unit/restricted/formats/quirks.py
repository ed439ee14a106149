"""All quirks there are: the file ``quirks.yaml`` of every format's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

import pipeline.restricted.formats as package

HOME: Final = Path(package.__file__).parent
"""Where the formats live."""

QUIRKS: Final[list[dict[str, Any]]] = [
    {"format": file.parent.name, **quirk}
    for file in sorted(HOME.glob("known/*/quirks.yaml"))
    for quirk in yaml.safe_load(file.read_text(encoding="utf-8"))
]
