"""Bearer tokens of teams and programs: whose it is, and which sites it reaches."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pipeline.console.signing import Viewer
from pipeline.errors import SettingsError
from pipeline.settings import ConsoleToken

_TOKEN: Final = re.compile(r"[\x21-\x7e]{32,512}", re.ASCII)


class Tokens:
    """Who may ask. Digests alone are held, and each of them is compared in constant time."""

    def __init__(self, tokens: Mapping[str, ConsoleToken]) -> None:
        """Read the tokens' files; raises SettingsError."""
        self._viewers = {
            _digest(_read(name, made.token_file)): Viewer(name, frozenset(made.sites))
            for name, made in tokens.items()
        }
        if len(self._viewers) < len(tokens):
            raise SettingsError("setting console.tokens: two share a token; give each its own")

    def of(self, token: str) -> Viewer | None:
        """Return whose token it is, None for nobody's."""
        given = _digest(token)
        found = [
            viewer
            for digest, viewer in self._viewers.items()
            if secrets.compare_digest(digest, given)
        ]
        return found[0] if found else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _read(name: str, path: Path) -> str:
    setting = f"setting console.tokens.{name}.token_file"
    try:
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingsError(f"{setting}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        token = ""
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"{setting}: put a token of 32 to 512 letters, digits and signs there, as "
            "`openssl rand -hex 32` makes one"
        )
    return token
