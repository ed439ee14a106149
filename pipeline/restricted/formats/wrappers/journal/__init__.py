"""systemd's journal, one JSON object an entry: ``journalctl -o json``.

https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format. ``MESSAGE`` is a text, or a list of
its bytes where it is not printable UTF-8, or null where it is longer than 4 KiB and ``--all`` was
not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.restricted.formats.jsonlines import Picked, table
from pipeline.restricted.formats.wrappers.wrapper import Wrapper


def _pick(line: Mapping[str, object]) -> Picked:
    message = line.get("MESSAGE")
    return (_text(message) if isinstance(message, list) else message,)


def _text(message: list[object]) -> str | None:
    """Return the text of a list of bytes; None for a list of texts (a field that came twice)."""
    octets = [value for value in message if type(value) is int and 0 <= value <= 255]  # noqa: PLR2004 -- a byte
    return bytes(octets).decode("utf-8", "replace") if len(octets) == len(message) else None


def _unwrap(lines: pl.Series) -> pl.Series:
    return table(lines, ("MESSAGE",), _pick)["MESSAGE"]


WRAPPER: Final = Wrapper("journal", "systemd's journal as JSON", _unwrap)
