"""Reads the file that a setting names: a secret is never a setting."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SettingsError


def secret(name: str, path: Path | None) -> str:
    """Return what is in a file, "" where none is named; raises SettingsError with the setting."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"setting {name}: cannot be read ({type(error).__name__})") from None
