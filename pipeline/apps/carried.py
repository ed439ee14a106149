"""What an embedded group takes over of the settings, and what it must have of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.errors import SettingsError
from pipeline.settings import Settings

OWN: Final = frozenset(
    {"kafka", "keys", "audit", "clickhouse", "vault.url", "vault.log", "collect.port",
     "metrics_host", "metrics_port", "state_dir", "investigations.store",
     "investigations.store_password_file", "investigations.kek_file", "investigations.evidence",
     "investigations.evidence_key", "investigations.people", "investigations.oidc",
     "console.username", "console.password_file", "console.key_file", "console.word_file"}
)  # fmt: skip
"""Branches and settings of a group itself: broker, key service, engine, folders and ports."""

_DROPPED: Final = OWN | {"split.delete_after_commit"}
"""The embedded broker deletes no records, and ends with those it has."""


def carried(settings: Settings, written: Mapping[str, object]) -> dict[str, Any]:
    """Return what was set and holds for a group too, as the overrides that it is started with.

    ``written`` is what the settings file says. Raises SettingsError where it sets what is the
    group's own to something else than the default; an environment variable of that kind tells of
    the machine's stages, and is passed over. Paths are whole: a group's settings are read from
    other folders too.
    """
    given = settings.model_dump(exclude_unset=True)
    said, usual = _flat(given), _flat(Settings.model_construct().model_dump())
    for name in _flat(written):
        own = not OWN.isdisjoint((name, name.partition(".")[0]))
        if own and said.get(name) != usual.get(name):
            raise SettingsError(
                f"setting {name}: a group has its own; leave it out of the file that `partywall "
                "up` is given"
            )
    return {name: _whole(value, name) for name, value in given.items() if name not in _DROPPED}


def _flat(tree: Mapping[str, object], above: str = "") -> dict[str, object]:
    """Return the leaves of a tree by their dotted names."""
    leaves: dict[str, object] = {}
    for key, value in tree.items():
        name = f"{above}{key}"
        leaves |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return leaves


def _whole(value: object, name: str = "") -> object:
    """Return a value with paths as text that holds from any folder, without what is dropped."""
    if isinstance(value, Mapping):
        inner = {key: f"{name}.{key}" for key in value}
        return {key: _whole(value[key], at) for key, at in inner.items() if at not in _DROPPED}
    if isinstance(value, list | tuple):
        return [_whole(entry) for entry in value]
    return str(value.absolute()) if isinstance(value, Path) else value
