"""``docs/widget.md`` says of each event and property what its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline import declarations
from pipeline.restricted.widget import coarsen, read, schema

FOLDER: Final = declarations.folder() / "widget/v1"
TEXT: Final = (Path(__file__).parents[4] / "docs/widget.md").read_text(encoding="utf-8")
ABOUT: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")
}
COMMON: Final = ABOUT["common"]["$defs"]
EVENTS: Final = schema.load().events


REQUIRED: Final[set[str]] = set.intersection(*({*ABOUT[e.name]["required"]} for e in EVENTS))
"""Properties that no event may lack."""


def of_all() -> set[str]:
    """Properties that every event may have."""
    return set.intersection(*({*event.shapes} for event in EVENTS))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_each_event_stands_in_the_table(event: schema.Event) -> None:
    own = [name for name in COMMON if name in set(event.shapes) - of_all()]
    named = [f"`{name}`{' (required)' if name in event.required else ''}" for name in own]
    about = ABOUT[event.name]["description"]
    assert f"| `{event.name}` | {about} | {', '.join(named) or '–'} |" in TEXT.splitlines()


@pytest.mark.parametrize("name", COMMON)
def test_each_property_stands_in_the_table_with_what_crosses(name: str) -> None:
    door = COMMON[name]["x-door"]
    crosses = "nothing" if door == "raw" else f"`{door['crosses']}`, as {door['as']}"
    marked = f"`{name}`{' (required)' if name in REQUIRED else ''}"
    assert f"| {marked} | {COMMON[name]['description']} | {crosses} |" in TEXT.splitlines()


def test_each_coarsening_and_each_reason_is_explained() -> None:
    lines = TEXT.splitlines()
    for name in coarsen.COARSENINGS:
        assert any(line.startswith(f"| {name} | ") for line in lines), name
    for reason, about in read.REASONS.items():
        assert f"| `{reason}` | {about} |" in lines


def test_the_example_is_an_event() -> None:
    block = TEXT.partition("```json\n")[2].partition("```")[0]
    found = json.loads(block)
    assert set(found) == set(ABOUT["envelope"]["properties"])
    assert found["event"]["event"] in {event.name for event in EVENTS}
