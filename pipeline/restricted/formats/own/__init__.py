"""Formats of one's own, under a name from the settings.

An Apache or nginx format string, or the ``#Fields:`` line of a W3C extended log.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.formats import extended
from pipeline.restricted.formats.fields import Format
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache, nginx

_VARIABLE: Final = re.compile(r"\$\{?[a-z]")
_FIELDS: Final = re.compile(r"#\s*Fields:\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"%[^ ]*[A-Za-z]")


def compiled(name: str, text: str) -> Format:
    """Return the format of a ``LogFormat`` (Apache, with ``%``) or ``log_format`` (nginx, ``$``).

    Or of ``#Fields:`` and field names (W3C extended): these are in force where a file says none,
    and times without an offset are of the log's zone.
    Raises SettingsError, which names the setting and what is wrong with it.
    """
    try:
        if _FIELDS.match(text):
            return _extended(name, _FIELDS.sub("", text))
        if _VARIABLE.search(text):
            return Format(name, "nginx log_format of your own", reader(nginx.layout(text)))
        if _DIRECTIVE.search(text):
            return Format(name, "Apache LogFormat of your own", reader(apache.layout(text)))
    except SettingsError as error:
        raise SettingsError(f"setting split.formats.{name}: {error}") from None
    raise SettingsError(
        f"setting split.formats.{name}: this is neither an Apache LogFormat (%h %t …) nor an nginx "
        "log_format ($remote_addr $time_local …) nor a W3C directive (#Fields: date time c-ip …)"
    )


def _extended(name: str, fields: str) -> Format:
    if not extended.named(fields):
        raise SettingsError(
            "a #Fields: line needs the client (c-ip or x-forwarded-for) and date and time"
        )
    dialect = extended.Dialect(fields=fields, zoned=True)
    return Format(name, "W3C extended fields of your own", extended.reader(dialect))
