"""The systemd journal's export format, an entry after another, as a line of JSON each.

Export: https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-export-format. JSON as ``journalctl -o
json`` writes it, https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format: texts as strings,
what is no printable UTF-8 as an array of bytes, a field that comes more than once as an array.
"""

from __future__ import annotations

import re
import struct
from typing import Final

import orjson

from pipeline.errors import InputError

LONGEST_ENTRY: Final = 8 * 2**20
"""An entry of more bytes than these is an error: it would not stay in a bounded memory."""

_START: Final = b"__CURSOR="
_NAME: Final = re.compile(rb"[A-Za-z0-9_]{1,256}")
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONG_FIELD: Final = 64 * 1024
_SHORT_FIELD: Final = 4 * 1024
_LONGEST_LINE: Final = 256 * 1024
Value = str | list[int] | None


class _Cut(Exception):  # noqa: N818 -- no error: the rest of the entry has not come yet
    """The data end within an entry."""


def is_export(start: bytes) -> bool:
    """Tell whether a stream begins as ``journalctl -o export`` does."""
    return start.startswith(_START)


def cut(data: bytes, *, final: bool, most: int) -> tuple[bytes, int, int]:
    """Return whole entries as lines of JSON, how many bytes of ``data`` they were, and how many.

    Stops once the lines have ``most`` bytes. With ``final`` no more data come, and what is left of
    an entry counts as one. Raises InputError for what is no export.
    """
    lines: list[bytes] = []
    length = used = 0
    while used < len(data) and length < most:
        if data[used : used + 1] == b"\n":
            used += 1
            continue
        try:
            fields, end = _entry(data, used, final=final)
        except _Cut:
            break
        lines.append(_line(fields))
        length += len(lines[-1])
        used = end
    if not lines:
        if len(data) > LONGEST_ENTRY:
            raise InputError("an entry of the journal is larger than 8 MiB: leave it out")
        return b"", 0, 0
    return b"".join(lines), used, len(lines)


def _entry(data: bytes, at: int, *, final: bool) -> tuple[dict[str, list[bytes]], int]:
    fields: dict[str, list[bytes]] = {}
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            if not final:
                raise _Cut
            end = len(data)
        line = data[at:end]
        if not line:
            return fields, min(end + 1, len(data))
        name, equals, value = line.partition(b"=")
        if not _NAME.fullmatch(name):
            raise InputError("the journal export has a line that is no field: export it again")
        at = end + 1
        if not equals:
            if at + 8 > len(data):
                return fields, _missing(data, final=final)
            (length,) = struct.unpack_from("<Q", data, at)
            at += 8
            if at + length + 1 > len(data):
                return fields, _missing(data, final=final)
            value = data[at : at + length]
            at += length + 1
        fields.setdefault(name.decode(), []).append(value)
        if at >= len(data):
            return fields, _missing(data, final=final)


def _missing(data: bytes, *, final: bool) -> int:
    """Return the end of what has come, where no more comes."""
    if not final:
        raise _Cut
    return len(data)


def _line(fields: dict[str, list[bytes]]) -> bytes:
    line = b""
    for longest in (_LONG_FIELD, _SHORT_FIELD):
        made = {
            name: _value(values[0], longest)
            if len(values) == 1
            else [_value(value, longest) for value in values]
            for name, values in fields.items()
        }
        line = orjson.dumps(made) + b"\n"
        if len(line) <= _LONGEST_LINE:
            return line
    return line[: _LONGEST_LINE - 1] + b"\n"


def _value(value: bytes, longest: int) -> Value:
    """Return a value's JSON; too long a one is null, as for journalctl without ``--all``."""
    if len(value) > longest:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return list(value)
    return list(value) if _UNPRINTABLE.search(text) else text
