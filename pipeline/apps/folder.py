"""The data folder of an embedded group: which of its places holds what.

::

    keys/        the key store, its key-encryption key, tokens, signing keys
    vault/       sealed segments
    audit/       the audit log, and nothing else; witness/ a copy of its checkpoints
    auditors/    the key that opens what the log seals: not for who investigates
    cases/       the case store; evidence/ the bundles that cases have exported
    people.yaml  who there is, for investigations
    console/     the key of the analysts' console, and the word its link signs in with
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pipeline.apps.left import left_settings
from pipeline.errors import UsageError
from pipeline.settings import Settings

_LONGEST_SOCKET: Final = 107
"""Bytes of a socket's path, as in unix(7)."""


def places(folder: Path) -> dict[str, Any]:
    """Return the settings that say where a group keeps what; raises UsageError."""
    keys = folder / "keys"
    return {
        "keys": {
            "url": f"unix://{socket_in(folder)}",
            "token_file": str(keys / "split.token"),
            "investigations_token_file": str(keys / "investigations.token"),
            "store": str(keys / "keys.sqlite"),
            "kek_file": str(keys / "kek"),
            "signing_key": str(keys / "service.key"),
            "verifier": str(keys / "service.vkey"),
        },
        "audit": {
            "folder": str(folder / "audit"),
            "key": str(keys / "audit.key"),
            "vkey": str(keys / "audit.vkey"),
            "witness": str(folder / "witness" / "checkpoints"),
            "auditor_key": str(folder / "auditors" / "auditor.key"),
            "auditor_public": str(folder / "auditors" / "auditor.pub"),
        },
        "investigations": {
            "store": str(folder / "cases" / "cases.sqlite"),
            "kek_file": str(keys / "cases.kek"),
            "evidence": str(folder / "evidence"),
            "evidence_key": str(keys / "evidence.key"),
            "people": str(folder / "people.yaml"),
        },
        "console": {
            "key_file": str(folder / "console" / "key"),
            "word_file": str(folder / "console" / "word"),
        },
        "vault": {"url": str(folder / "vault")},
    }


def settings_of(folder: Path) -> Settings:
    """Return the settings of the group that keeps its data there; raises UsageError."""
    whole = folder.resolve()
    tree = left_settings(whole)
    if tree is None or not (whole / "keys").is_dir():
        raise UsageError(
            f"there is no data of a group in {folder}: name the folder of `partywall up` or of "
            "`partywall report --data` with --data"
        )
    for name, branch in places(whole).items():
        tree[name] = {**tree.get(name, {}), **branch}
    try:
        return Settings(**tree)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"settings of {folder}, {where}: {first['msg']}") from None


def socket_in(folder: Path, name: str = "service.sock") -> Path:
    """Return where the key service of a folder listens; raises UsageError for too long a path."""
    path = folder / "keys" / name
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise UsageError(f"data folder {folder}: its path is too long; choose a shorter one")
    return path
