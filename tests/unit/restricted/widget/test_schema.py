"""The schemas say what crosses, and a schema that says it wrongly stops the start."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import declarations, events, policy
from pipeline.errors import SettingsError
from pipeline.restricted import open_splitter
from pipeline.restricted.widget import read, schema
from pipeline.restricted.widget.coarsen import COARSENINGS
from pipeline.settings import Split

FOLDER = declarations.folder() / "widget"
Json = dict[str, Any]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "widget")
    return tmp_path / "widget"


def change(copy: Path, name: str, edit: Callable[[Json], object]) -> None:
    path = copy / "v1" / name
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_every_event_is_found_without_a_list_in_code() -> None:
    """The index names each file of an event, and each event is called as its file."""
    found = schema.load()
    about = {"common", "envelope", "index"}
    files = {path.stem for path in (FOLDER / "v1").glob("*.json")} - about
    assert {event.name for event in found.events} == files
    assert files == {
        "loaded", "shown", "opened", "chat_requested", "chat_started", "message_sent",
        "offline_form", "transcript_mailed", "rated", "closed", "error", "outbound",
    }  # fmt: skip


def test_a_new_event_is_counted_once_it_is_declared(copy: Path) -> None:
    (copy / "v1/minimised.json").write_text(
        (copy / "v1/opened.json").read_text(encoding="utf-8").replace('"opened"', '"minimised"')
    )
    change(copy, "index.json", lambda index: index["oneOf"].append({"$ref": "minimised.json"}))
    assert "minimised" in {event.name for event in schema.load(copy).events}


def test_what_was_said_and_who_said_it_never_crosses() -> None:
    """Almost nothing crosses: this is all of it."""
    crossing = {name for event in schema.load().events for name in event.crossing}
    assert crossing == {
        "event", "time", "page", "referrer", "widget_version", "locale", "screen", "by", "length",
        "waited", "rating", "code", "target",
    }  # fmt: skip
    declared = {name for event in schema.load().events for name in event.shapes}
    assert declared - crossing == {
        "site", "chat_id", "visitor_name", "visitor_email", "custom", "text", "agent_id",
        "recipient",
    }  # fmt: skip


def test_every_coarsening_makes_a_field_of_the_allow_list() -> None:
    assert {way.field for way in COARSENINGS.values()} <= set(events.SCHEMA)


def door_of(name: str, door: object) -> Callable[[Json], object]:
    return lambda common: common["$defs"][name].update({"x-door": door})


def spec_of(name: str, **more: object) -> Callable[[Json], object]:
    return lambda common: common["$defs"][name].update(more)


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("common.json", door_of("text", {"crosses": "detail"}), "nothing crosses as it is"),
        ("common.json", door_of("text", "crosses"), "nothing crosses as it is"),
        ("common.json", door_of("text", None), "nothing crosses as it is"),
        ("common.json", door_of("text", {"crosses": "detail", "as": None}), "no such coarsening"),
        ("common.json", door_of("text", {"crosses": "detail", "as": "text"}), "no such coarsening"),
        ("common.json", door_of("text", {"crosses": "page", "as": "page"}), "not made for such"),
        ("common.json", door_of("text", {"crosses": "detail", "as": "length"}), "not made for"),
        ("common.json", door_of("text", {"crosses": "event", "as": "author"}), "not made for such"),
        ("common.json", door_of("text", {"crosses": "page", "as": "locale"}), "makes locale"),
        ("common.json", door_of("text", {"crosses": "text", "as": "locale"}), "makes locale"),
        ("common.json", door_of("text", {"crosses": "detail", "as": "error"}), "as another does"),
        ("common.json", door_of("locale", {"crosses": "screen", "as": "screen"}), "as another"),
        ("common.json", door_of("event", "raw"), "no property crosses as event"),
        ("common.json", spec_of("text", minLength=1), "minLength is not checked"),
        ("common.json", spec_of("text", pattern="a"), "pattern is not checked"),
        ("common.json", spec_of("text", type="string"), "is null or required"),
        ("common.json", spec_of("rating", type=["integer", "null"]), "is null or required"),
        ("common.json", spec_of("custom", type=["object", "string", "null"]), "object with null"),
        ("common.json", spec_of("rating", maximum=500), "not made for such a property"),
        ("opened.json", lambda s: s["properties"].update(page={"type": ["string", "null"]}), "two"),
        ("opened.json", lambda s: s.update(additionalProperties=False), "and no more"),
        ("opened.json", lambda s: s["properties"]["event"].update(const="closed"), "file's name"),
        ("opened.json", lambda s: s["properties"]["page"].update({"$ref": "x"}), "must begin with"),
        ("index.json", lambda s: s["oneOf"].append({"$ref": "opened.json"}), "declared twice"),
        ("index.json", lambda s: s["oneOf"].append({"$ref": "none.json"}), "is not there"),
        ("index.json", lambda s: s.pop("oneOf"), "not a JSON Schema of the kind"),
    ],
)
def test_a_schema_that_is_not_understood_whole_is_refused(
    copy: Path, file: str, edit: Callable[[Json], object], said: str
) -> None:
    change(copy, file, edit)
    with pytest.raises(SettingsError, match=said):
        schema.load(copy)


def test_split_does_not_start_where_a_message_would_cross(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema's own word is what is enforced, at the start and not at the first message."""
    change(copy, "common.json", door_of("text", {"crosses": "detail"}))
    (copy.parent / "scrub").symlink_to(declarations.folder() / "scrub")
    monkeypatch.setattr(declarations, "folder", lambda: copy.parent)
    read.packaged.cache_clear()
    try:
        with pytest.raises(SettingsError, match=r"property text: x-door must be raw, or name"):
            open_splitter(Split(), policy.load(FOLDER.parent / "policy" / "default.yaml"), 4)
    finally:
        monkeypatch.undo()
        read.packaged.cache_clear()
    open_splitter(Split(), policy.load(), 4)


@pytest.mark.parametrize("name", ["visitor_name", "page"])
def test_a_property_without_a_word_about_the_door_is_raw(copy: Path, name: str) -> None:
    change(copy, "common.json", lambda common: common["$defs"][name].pop("x-door"))
    assert all(name not in event.crossing for event in schema.load(copy).events)


@pytest.mark.parametrize("settings", [{"site": "shop.widget"}, {"sites": ["shop.widget"]}])
def test_no_site_is_set_to_a_widgets_name(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="given by split"):
        open_splitter(Split(**settings), policy.load(), 4)
