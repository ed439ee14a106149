"""The settings that a data folder was filled with, whether a group runs in it or not."""

from __future__ import annotations

from pathlib import Path

from pipeline.apps.folder import places
from pipeline.apps.left import left_settings
from pipeline.cli.place import running
from pipeline.settings import Investigations, Kafka, Keys, Settings, goals_of, windows_of


def terms(settings: Settings, folder: Path) -> Settings:
    """Return ``settings`` with the policy, k, windows and goals of the folder's own group.

    Whoever asks has settings of his own, and they say nothing of what lies there. Raises
    SettingsError where the folder's windows or goals cannot be read.
    """
    left = left_settings(folder)
    if left is None:
        return settings
    k, path = left.get("k"), left.get("policy")
    return settings.model_copy(
        update={
            "policy": None if path is None else Path(str(path)),
            "k": k if isinstance(k, int) else None,
            "lower_k": left.get("lower_k") is True,
            "windows": windows_of(left.get("windows") or {}),
            "goals": goals_of(left.get("goals", {})),
        }
    )


def embedded(settings: Settings, folder: Path) -> Settings:
    """Return the settings for the group that runs in a folder; raises UsageError.

    Its formats are those that its split knows, whatever others ``settings`` have.
    """
    place, owned = running(folder), places(folder.resolve())
    own = ((left_settings(folder) or {}).get("split") or {}).get("formats") or {}
    return terms(settings, folder).model_copy(
        update={
            "kafka": Kafka(bootstrap=place.bootstrap, idempotence=False),
            "split": settings.split.model_copy(update={"formats": own}),
            "vault": settings.vault.model_copy(update={"url": str(folder / "vault")}),
            "keys": Keys(**owned["keys"]),
            "investigations": Investigations(**owned["investigations"]),
            "state_dir": folder / "state",
        }
    )
