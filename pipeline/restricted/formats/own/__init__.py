"""Formats of one's own, under a name from the settings.

An Apache or nginx format string, the ``#Fields:`` line of a W3C extended log, a map for JSON lines,
or a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipeline.errors import SettingsError
from pipeline.restricted.formats import extended
from pipeline.restricted.formats.fields import Format, Read
from pipeline.restricted.formats.layouts import reader
from pipeline.restricted.formats.own import apache, mapped, nginx, pattern
from pipeline.settings import OwnFormat

_VARIABLE: Final = re.compile(r"\$\{?[a-z]")
_FIELDS: Final = re.compile(r"#\s*Fields:\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"%[^ ]*[A-Za-z]")


def compiled(name: str, said: OwnFormat) -> Format:
    """Return the format of what ``split.formats`` says under ``name``.

    That is a ``LogFormat`` (Apache, with ``%``), a ``log_format`` (nginx, with ``$``), ``#Fields:``
    and field names (W3C extended; these are in force where a file says none, and times without an
    offset are of the log's zone), or a mapping of ``json`` (fields to paths) or of ``regex`` and
    perhaps ``form``. Raises SettingsError, which
    names the setting and what is wrong with it.
    """
    try:
        about, read = _text(said) if isinstance(said, str) else _mapping(said)
    except SettingsError as error:
        raise SettingsError(f"setting split.formats.{name}: {error}") from None
    return Format(name, f"{about} of your own", read)


def _text(text: str) -> tuple[str, Read]:
    if _FIELDS.match(text):
        return "W3C extended fields", _extended(_FIELDS.sub("", text))
    if _VARIABLE.search(text):
        return "nginx log_format", reader(nginx.layout(text))
    if _DIRECTIVE.search(text):
        return "Apache LogFormat", reader(apache.layout(text))
    raise SettingsError(
        "this is neither an Apache LogFormat (%h %t …) nor an nginx log_format ($remote_addr "
        "$time_local …) nor a W3C directive (#Fields: date time c-ip …)"
    )


def _extended(fields: str) -> Read:
    if not extended.named(fields):
        raise SettingsError(
            "a #Fields: line needs the client (c-ip or x-forwarded-for) and date and time"
        )
    return extended.reader(extended.Dialect(fields=fields, zoned=True))


def _mapping(said: Mapping[str, object]) -> tuple[str, Read]:
    if said.keys() == {"json"}:
        return "JSON lines", mapped.reader(said["json"])
    if "regex" in said and said.keys() <= {"regex", "form"}:
        return "regular expression", pattern.reader(said["regex"], said.get("form"))
    raise SettingsError("give a format string, {json: {…}}, or {regex: …} with a form or without")
