"""The service's vkey as its clients know it: given by a setting, or kept from the first meeting."""

from __future__ import annotations

from pathlib import Path

import structlog

from pipeline.audit.signing import Verifier, parse_vkey, read_vkey, write_vkey
from pipeline.errors import IntegrityError, SettingsError

_log = structlog.get_logger(__name__)


class Pin:
    """One file with a vkey. ``given`` says that somebody put it there: it is never made then."""

    def __init__(self, path: Path, *, given: bool) -> None:
        self._path = path
        self._given = given
        self._verifier: Verifier | None = None

    @staticmethod
    def of(verifier: Path | None, token_file: Path) -> Pin:
        """Return the pin of the settings ``keys.verifier`` and ``keys.token_file``."""
        if verifier is not None:
            return Pin(verifier, given=True)
        return Pin(token_file.with_suffix(".vkey"), given=False)

    def known(self) -> Verifier | None:
        """Return the vkey, None where none was given or met yet; raises SettingsError."""
        if self._verifier is None and (self._given or self._path.exists()):
            self._verifier = read_vkey(self._path)
        return self._verifier

    def meet(self, text: str) -> Verifier:
        """Keep the vkey that the service says at the first meeting, and say so in the log.

        Raises SettingsError where it cannot be kept, IntegrityError where it is none.
        """
        try:
            verifier = parse_vkey(text)
        except SettingsError as error:
            raise IntegrityError(f"key service: {error}") from None
        try:
            write_vkey(self._path, verifier)
        except SettingsError as error:
            if not self._path.exists():
                raise SettingsError(
                    f"{error}: where nothing can be kept beside keys.token_file, name the key "
                    "service's vkey with keys.verifier"
                ) from None
            # Another worker met it a moment before: what that one kept is what counts.
            self._verifier = read_vkey(self._path)
            return self._verifier
        self._verifier = verifier
        _log.warning(
            "trusting the key service at first sight: compare its vkey, or set keys.verifier",
            vkey=str(verifier),
            kept=str(self._path),
        )
        return verifier
