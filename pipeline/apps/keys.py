"""The key service as a process: its store, its tokens, its address."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

from pipeline import policy
from pipeline.clock import system_clock
from pipeline.errors import SettingsError
from pipeline.keys.rules import Rules
from pipeline.keys.service import SPLIT, KeyService
from pipeline.keys.store import Store
from pipeline.settings import Settings


async def run(settings: Settings, listening: asyncio.Event) -> None:
    """Serve until cancelled, having set ``listening``; raises SettingsError."""
    keys = settings.keys
    store = Store(keys.store, keys.kek_file, Rules.of(policy.load(settings.policy)), system_clock)
    service = KeyService(store, {SPLIT: token(keys.token_file)})
    try:
        await service.start(keys.url)
        listening.set()
        await asyncio.Event().wait()
    finally:
        await service.stop()
        store.close()


def token(path: Path) -> str:
    """Return the token in the file, making both at the first start; raises SettingsError.

    A file of our own that others may read is refused. A mounted secret is another's, and whoever
    mounts it says who sees it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            status = path.stat()
            if status.st_uid == os.geteuid() and status.st_mode & 0o077:
                raise SettingsError(
                    f"setting keys.token_file {path}: others may read it; run chmod 600 on it"
                ) from None
            return path.read_text(encoding="utf-8").strip()
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"setting keys.token_file: {error.strerror}") from None
