"""Reads ``schemas/widget`` and refuses what is not understood whole.

An event's schema is JSON Schema 2020-12 (https://json-schema.org/draft/2020-12). Of it a closed
part is used, so that a line can be held against it column by column; a keyword outside that part
would be one nobody checks. ``x-door`` beside a property says what becomes of it: ``raw``, or
``{"crosses": field of an event, "as": a coarsening}``. Without it a property is raw, as is every
property that no schema names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import declarations, events
from pipeline.errors import SettingsError
from pipeline.restricted.widget.coarsen import COARSENINGS, Coarsening

Json = Mapping[str, object]

_COMMON: Final = "common.json#/$defs/"
_ABOUT: Final = frozenset({"$ref", "title", "description", "format", "x-door"})
_CHECKED: Final = frozenset({"type", "enum", "maxLength", "minimum", "maximum"})
_WHOLE: Final = frozenset({"$schema", "$id", "title", "description", "type", "properties"})
_TYPES: Final = frozenset({"string", "integer", "object", "null"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What values of a property fit its schema; ``limit`` is of a text's characters.

    ``types`` is without ``null``: every property may be missing, or null, unless it is required.
    """

    types: frozenset[str]
    limit: int | None = None
    least: int | None = None
    most: int | None = None
    enum: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one version: ``crossing`` is property → coarsening, of the declared ones."""

    version: int
    name: str
    shapes: Mapping[str, Shape]
    required: frozenset[str]
    crossing: Mapping[str, Coarsening]


@dataclass(frozen=True, slots=True)
class Schemas:
    """All events, and the shapes of what the collector puts around them."""

    events: tuple[Event, ...]
    envelope: Mapping[str, Shape]


def load(folder: Path | None = None) -> Schemas:
    """Read every version's folder (``v1``, …); raises SettingsError for what is not understood."""
    top = folder or declarations.folder() / "widget"
    found: list[Event] = []
    envelope: dict[str, Shape] = {}
    for place in sorted(top.glob("v*")):
        where = f"schemas/widget/{place.name}"
        common = _object(_read(place / "common.json", where).get("$defs"), where)
        for entry in _list(_read(place / "index.json", where).get("oneOf"), where):
            name = str(_object(entry, where).get("$ref"))
            found.append(_event(_read(place / name, where), common, f"{where}/{name}"))
        document = _read(place / "envelope.json", where)
        envelope = {
            name: _shape(_object(spec, where), f"{where}/envelope.json: property {name}")
            for name, spec in _object(document.get("properties"), where).items()
            if name != "event"
        }
    _check_shapes(found)
    return Schemas(tuple(found), envelope)


def _event(document: Json, common: Json, where: str) -> Event:
    name = Path(where).stem
    if document.keys() - _WHOLE != {"required"} or document.get("type") != "object":
        raise SettingsError(f"{where}: takes {', '.join(sorted(_WHOLE))}, required, and no more")
    crossing: dict[str, Coarsening] = {}
    shapes: dict[str, Shape] = {}
    specs = _object(document.get("properties"), where)
    required = frozenset(str(entry) for entry in _list(document.get("required"), where))
    for key, given in specs.items():
        at = f"{where}: property {key}"
        spec = _resolved(_object(given, at), common, at)
        if key not in {"event", "v"}:
            shapes[key] = _shape(spec, at, required=key in required)
        door = _door(spec, at)
        if door is not None:
            if door.field in {other.field for other in crossing.values()}:
                raise SettingsError(f"{at} crosses as {door.field}, as another does: make one raw")
            crossing[key] = door
    version = _resolved(_object(specs.get("v"), where), common, where).get("const")
    if _object(specs.get("event"), where).get("const") != name or type(version) is not int:
        raise SettingsError(f"{where}: event must be the file's name, and v a number, as const")
    if "event" not in {door.field for door in crossing.values()}:
        raise SettingsError(f"{where}: no property crosses as event, so it could not be counted")
    return Event(version, name, shapes, required - {"event", "v"}, crossing)


def _door(spec: Json, where: str) -> Coarsening | None:
    """Return the coarsening that a property crosses by, None where it is raw."""
    door = spec.get("x-door", "raw")
    if door == "raw":
        return None
    if not isinstance(door, dict) or door.keys() != {"crosses", "as"}:
        raise SettingsError(
            f"{where}: x-door must be raw, or name a field and a coarsening as "
            '{"crosses": …, "as": …}: nothing crosses as it is'
        )
    coarsening = COARSENINGS.get(door["as"]) if isinstance(door["as"], str) else None
    if coarsening is None:
        raise SettingsError(f"{where}: there is no such coarsening: {', '.join(COARSENINGS)}")
    if door["crosses"] != coarsening.field or coarsening.field not in events.SCHEMA:
        raise SettingsError(f"{where}: this coarsening makes {coarsening.field}, and nothing else")
    if coarsening.type not in _types(spec) or any(
        spec.get(name) != value for name, value in coarsening.wants.items()
    ):
        raise SettingsError(f"{where}: this coarsening is not made for such a property")
    return coarsening


def _shape(spec: Json, where: str, *, required: bool | None = None) -> Shape:
    unknown = spec.keys() - _ABOUT - _CHECKED
    if unknown:
        raise SettingsError(f"{where}: {', '.join(sorted(unknown))} is not checked: remove it")
    enum = spec.get("enum")
    if isinstance(enum, list):
        texts = frozenset(entry for entry in enum if isinstance(entry, str))
        return Shape(frozenset({"string"}), enum=texts)
    types = _types(spec)
    if not types or types - _TYPES or ("object" in types and types - {"object", "null"}):
        raise SettingsError(
            f"{where}: type must be of {', '.join(sorted(_TYPES))}, and object with null alone"
        )
    # Null and missing are the same to whoever reads a line, so they must be to the schema.
    if required is not None and ("null" in types) == required:
        raise SettingsError(f"{where}: is null or required: one of the two, and not both")
    return Shape(
        types - {"null"},
        _number(spec.get("maxLength")),
        _number(spec.get("minimum")),
        _number(spec.get("maximum")),
    )


def _check_shapes(found: list[Event]) -> None:
    """Raise SettingsError where a property is declared in two ways: a column has one shape."""
    seen: dict[str, Shape] = {}
    named: set[tuple[int, str]] = set()
    for entry in found:
        if (entry.version, entry.name) in named:
            raise SettingsError(f"schemas/widget: {entry.name} is declared twice in one version")
        named.add((entry.version, entry.name))
        for name, shape in entry.shapes.items():
            if seen.setdefault(name, shape) != shape:
                raise SettingsError(f"schemas/widget: {name} is declared in two ways: make it one")


def _resolved(spec: Json, common: Json, where: str) -> Json:
    """Return a property with what it takes from ``common.json``; what stands beside it wins."""
    reference = spec.get("$ref")
    if reference is None:
        return spec
    if not isinstance(reference, str) or not reference.startswith(_COMMON):
        raise SettingsError(f"{where}: $ref must begin with {_COMMON}")
    return {**_object(common.get(reference.removeprefix(_COMMON)), where), **spec}


def _types(spec: Json) -> frozenset[str]:
    """Return the names of the types that a property may have."""
    given = spec.get("type", "string" if "const" in spec or "enum" in spec else None)
    return frozenset(str(entry) for entry in (given if isinstance(given, list) else [given]))


def _read(path: Path, where: str) -> Json:
    try:
        return _object(json.loads(path.read_text(encoding="utf-8")), where)
    except (OSError, ValueError):
        raise SettingsError(f"{where}/{path.name}: is not there, or is no JSON") from None


def _object(value: object, where: str) -> Json:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: is not a JSON Schema of the kind that is read here")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise SettingsError(f"{where}: is not a JSON Schema of the kind that is read here")
    return value


def _number(value: object) -> int | None:
    return value if type(value) is int else None
