"""Golden lines of every format: a line in, every field of its event out.

``python -m tests.golden.formats`` writes the events anew beneath the lines that stand in the files;
look at the difference before you commit it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import yaml

import pipeline.restricted.formats as package
from pipeline.restricted import Splitter
from tests.support import door

FILES: Final = sorted(Path(package.__file__).parent.glob("*/*/golden.yaml"))
"""One in every format's folder, and one in every wrapper's."""

_OURS: Final = ("offset", "line", "policy", "visitor")
"""Fields of an event that do not come from the line."""


def read(file: Path) -> dict[str, Any]:
    """Return a golden file: what the lines are labelled with, and each line with its event."""
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def through(document: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Return the event of each line of a golden file, None where it has none."""
    splitter: Splitter = door.splitter(trusted_proxies=document.get("trusted_proxies", []))
    headers = [
        (name, str(document[name]).encode())
        for name in ("format", "zone", "fields")
        if name in document
    ]
    made: list[dict[str, Any] | None] = []
    lines = [entry["line"] for entry in document["lines"]]
    value = "\n".join(lines).encode()
    rows = door.rows(door.carry(splitter, door.messages([value], [[("site", b"shop"), *headers]])))
    events = {row["line"]: row for row in rows.to_dicts()}
    for at in range(len(lines)):
        row = events.get(at)
        made.append(None if row is None else {k: v for k, v in row.items() if k not in _OURS})
    return made


def _write(file: Path) -> None:
    document = read(file)
    for entry, event in zip(document["lines"], through(document), strict=True):
        entry["event"] = event
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for path in FILES:
        _write(path)
        sys.stdout.write(f"{path.parent.name}\n")
