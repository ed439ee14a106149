"""The key service as a process: its store, its tokens, its keys, its audit log, its address."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, assert_never

from pipeline import policy
from pipeline.audit.log import AuditLog
from pipeline.audit.places import Places
from pipeline.audit.signing import Signer, make_signer, read_signer, read_vkey, write_vkey
from pipeline.clock import Clock, system_clock
from pipeline.configuration import parts
from pipeline.configuration.told import Told
from pipeline.database import Database
from pipeline.errors import SettingsError
from pipeline.keys.access import INVESTIGATIONS, SPLIT
from pipeline.keys.kek import FileKek, Kek, named_by
from pipeline.keys.rules import Rules, seconds
from pipeline.keys.service import KeyService
from pipeline.keys.store import Store
from pipeline.keys.tables import key_configuration
from pipeline.settings import Audit, Settings
from pipeline.settings import Kek as KekSettings

NAME: Final = "partywall/keys"
"""Name of the service's signing key."""


async def run(
    settings: Settings, listening: asyncio.Event, *, idle: bool = False, url: str | None = None
) -> None:
    """Serve until cancelled, having set ``listening``; raises SettingsError.

    ``idle``: nobody seals to these keys meanwhile. ``url``: where, in the place of ``keys.url``.
    """
    keys = settings.keys
    tokens = {
        SPLIT: token(keys.token_file),
        INVESTIGATIONS: token(keys.investigations_token_file, "investigations_token_file"),
    }
    log = audit_log(settings.audit, system_clock)
    store, made = _opened(settings, log, system_clock)
    try:
        rules = made.current.investigations
        own = signer(keys.signing_key)
        give_out(own, keys.verifier)
        zones = settings.windows.clocks()
        service = KeyService(store, tokens, rules, system_clock, own, log, idle=idle, zones=zones)
        try:
            await service.start(url or keys.url)
            listening.set()
            await asyncio.Event().wait()
        finally:
            await service.stop()
    finally:
        store.close()


def open_store(settings: Settings, log: AuditLog, clock: Clock) -> Store:
    """Open the key store that the settings name; raises SettingsError, UnavailableError.

    The audit log knows of the configuration before the store is anybody's.
    """
    return _opened(settings, log, clock)[0]


def _opened(settings: Settings, log: AuditLog, clock: Clock) -> tuple[Store, policy.Policy]:
    """Return the key store, and the policy that it keeps to."""
    keys = settings.keys
    made, policy_file = policy.read(settings.policy, clock)
    key = kek(keys.kek, keys.kek_file)
    own = signer(keys.signing_key)
    zones = settings.windows.clocks()
    rules = Rules.of(made, zones, seconds(clock()))
    database = Database(keys.store, "key store", keys.store_password_file)
    store = Store(database, key, rules, clock, own, log)
    vkeys = {"audit": str(read_vkey(settings.audit.vkey)), "service": str(own.verifier)}
    try:
        Told(database, key_configuration, log, clock, "keys").tell(
            [
                parts.policy(made, policy_file),
                parts.settings(
                    {
                        "keys": keys,
                        "audit": settings.audit,
                        "policy": settings.policy,
                        # By them the days of pseudonyms begin, and so the lives of keys.
                        "windows.zone": settings.windows.zone,
                        "windows.zones": settings.windows.zones,
                    }
                ),
                parts.public_keys(vkeys),
            ]
        )
    except BaseException:
        store.close()
        raise
    return store, made


def audit_log(settings: Audit, clock: Clock) -> AuditLog:
    """Open the audit log, its keys made where they are missing; raises SettingsError."""
    places = places_of(settings)
    with _alone(places.key.parent):
        return places.make(clock)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder of keys, so that of two processes that start one makes what is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise SettingsError(f"keys folder {folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def places_of(settings: Audit) -> Places:
    """Return where the audit log, its keys and its witness are."""
    return Places(
        folder=settings.folder,
        key=settings.key,
        vkey=settings.vkey,
        witness=settings.witness,
        auditor=settings.auditor_key,
        auditor_public=settings.auditor_public,
    )


def kek(settings: KekSettings, file: Path) -> Kek:
    """Return the key-encryption key of the kind that is set; raises SettingsError."""
    match settings.kind:
        case "file" | "mounted":
            return FileKek(file, ours=settings.kind == "file")
        case "variable":
            if settings.variable is None:
                raise SettingsError(
                    "setting keys.kek.variable: name the variable that names the file"
                )
            return named_by(settings.variable)
        case "aws-kms":
            return _aws_kms(settings)
        case other:
            assert_never(other)


def _aws_kms(settings: KekSettings) -> Kek:
    if settings.key is None:
        raise SettingsError("setting keys.kek.key: name the key by its id, ARN or alias")
    try:
        from pipeline.keys.kms import AwsKms  # noqa: PLC0415 -- an extra, slow to import
    except ModuleNotFoundError:
        raise SettingsError(
            "setting keys.kek.kind: aws-kms needs boto3; install partywall[kms]"
        ) from None
    return AwsKms(settings.key, settings.region, settings.endpoint)


def signer(path: Path) -> Signer:
    """Return the service's signing key, made with its vkey beside it at the first start."""
    with _alone(path.parent):
        return _signer(path)


def _signer(path: Path) -> Signer:
    vkey = vkey_of(path)
    if not path.exists():
        if vkey.exists():
            raise SettingsError(f"signing key {path}: is gone, and its vkey was given out")
        make_signer(path, NAME)
    found = read_signer(path)
    if not vkey.exists():
        write_vkey(vkey, found.verifier)
    return found


def give_out(own: Signer, path: Path | None) -> None:
    """Write the vkey where ``keys.verifier`` has split look for it; raises SettingsError.

    Another vkey that lies there is not replaced: splits have pinned it.
    """
    if path is None:
        return
    if not path.exists():
        write_vkey(path, own.verifier)
    elif read_vkey(path) != own.verifier:
        raise SettingsError(
            f"setting keys.verifier {path}: is another key's than keys.signing_key; where that one "
            "was replaced on purpose, remove the file"
        )


def vkey_of(path: Path) -> Path:
    """Return where the vkey of a signing key lies."""
    return path.with_suffix(".vkey")


def token(path: Path, setting: str = "token_file") -> str:
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
                    f"setting keys.{setting} {path}: others may read it; run chmod 600 on it"
                ) from None
            return path.read_text(encoding="utf-8").strip()
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"setting keys.{setting}: {error.strerror}") from None
