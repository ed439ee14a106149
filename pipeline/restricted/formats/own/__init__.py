"""Formats of one's own: an Apache or nginx format string, under a name from the settings."""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache, nginx

_VARIABLE: Final = re.compile(r"\$\{?[a-z]")
_DIRECTIVE: Final = re.compile(r"%[^ ]*[A-Za-z]")


def compiled(name: str, text: str) -> Format:
    """Return the format of a ``LogFormat`` (Apache, with ``%``) or ``log_format`` (nginx, ``$``).

    Raises SettingsError, which names the setting and what is wrong with it.
    """
    try:
        if _VARIABLE.search(text):
            return Format(name, "nginx log_format of your own", reader(nginx.layout(text)))
        if _DIRECTIVE.search(text):
            return Format(name, "Apache LogFormat of your own", reader(apache.layout(text)))
    except SettingsError as error:
        raise SettingsError(f"setting split.formats.{name}: {error}") from None
    raise SettingsError(
        f"setting split.formats.{name}: this is neither an Apache LogFormat (%h %t …) nor an nginx "
        "log_format ($remote_addr $time_local …)"
    )
