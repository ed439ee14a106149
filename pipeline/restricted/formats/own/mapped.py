"""JSON lines of one's own: a map of fields to paths, from the settings.

``{address: client.ip, time: {path: ts, form: '%Y-%m-%d %H:%M:%S'}, target: [req.url, req.path]}``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.formats.fieldmaps import MAPPED, FieldMap
from pipeline.restricted.formats.fields import Read
from pipeline.restricted.formats.own.forms import form

_TIMED: Final = frozenset({"path", "form"})


def reader(said: object) -> Read:
    """Return what reads lines by a map; raises SettingsError where it could give no event."""
    if not isinstance(said, Mapping):
        raise SettingsError(f"json takes a map of fields to paths: {', '.join(MAPPED)}")
    unknown = sorted(str(name) for name in said if name not in MAPPED)
    if unknown:
        raise SettingsError(f"json: there is no field {unknown[0]}: {', '.join(MAPPED)}")
    if said.keys().isdisjoint(("address", "forwarded_for")):
        raise SettingsError("json needs the client's address")
    if "time" not in said:
        raise SettingsError("json needs a time")
    places: dict[str, list[str]] = {}
    forms: dict[str, str] = {}
    for field, value in said.items():
        for entry in value if isinstance(value, list) else [value]:
            where = entry
            if field == "time" and isinstance(entry, Mapping) and entry.keys() == _TIMED:
                where = entry["path"]
                forms[str(where)] = form(entry["form"])
            if not isinstance(where, str):
                timed = ", or {path: …, form: …}" if field == "time" else ""
                raise SettingsError(f"json: {field} takes a path, or a list of paths{timed}")
            places.setdefault(field, []).append(where)
        if field not in places:
            raise SettingsError(f"json: {field} has no path")
    return FieldMap(places, forms).read
