"""What a data folder holds, whether a group runs in it or not: released numbers, and their k."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from pipeline.apps.folder import places
from pipeline.apps.left import left_settings
from pipeline.cli.place import running
from pipeline.clickhouse.client import Engine, connect, taming
from pipeline.errors import UsageError
from pipeline.settings import Investigations, Kafka, Keys, Settings

_RELEASED: Final = """
SELECT (SELECT count() FROM analytics.ingests)
     + (SELECT count() FROM analytics.traffic_hourly_revisions)
     + (SELECT count() FROM analytics.traffic_daily_revisions)
     + (SELECT count() FROM analytics.breakdown_hourly_revisions)
     + (SELECT count() FROM analytics.breakdown_daily_revisions)
"""


def terms(settings: Settings, folder: Path) -> Settings:
    """Return ``settings`` with the policy and the k of the folder's own group.

    Whoever asks has settings of his own, and they say nothing of what lies there.
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


def refuse_released(folder: Path) -> None:
    """Raise UsageError where numbers were released into a folder before.

    A second report is mostly of the same lines, under an ingest of its own: the release protects
    neither count against the other, and one less the other may be a single visitor.
    """
    if _released(folder / "clickhouse"):
        raise UsageError(
            f"data folder {folder} holds released numbers already, and a second count of the same "
            f"lines would give away what the first one hides: ask it with `partywall query --data "
            f"{folder}`, or choose an empty folder with --data"
        )


def _released(tables: Path) -> bool:
    if not tables.is_dir():
        return False
    with (
        contextlib.closing(connect(Engine(path=tables), read_only=True)) as client,
        taming("looking"),
    ):
        # A group that was killed while it started has left an engine without tables.
        made = client.query("EXISTS VIEW analytics.breakdown_daily").result_rows
        return made == [(1,)] and client.query(_RELEASED).result_rows != [(0,)]
