"""Bytes into chunks of whole lines, each small enough for one message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pipeline.shipping import journal

CHUNK_BYTES: Final = 256 * 1024
LONGEST_LINE: Final = 512 * 1024
"""A line longer than this is cut: split rejects one of an eighth already, and a message of the raw
topic (1 MiB) must hold it together with the block that was read with its end."""
MOST_ALONE: Final = 500
"""Lines of a chunk that is sent line by line: they are one batch of the broker's."""

_DIRECTIVE: Final = b"#Fields:"
_DIRECTIVES: Final = re.compile(rb"^#Fields:([^\r\n]*)", re.MULTILINE)
_FIELDS: Final = re.compile(rb"[A-Za-z0-9() _.:-]{1,2000}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines.

    ``end`` is the offset behind them in the stream, ``first`` the number of the first line from
    1, ``lines`` how many there are. ``source`` are the bytes they were made of where those are
    not the lines themselves. ``fields`` is the directive in force before the first line.
    """

    value: bytes = field(repr=False)
    first: int
    lines: int
    end: int
    fields: bytes | None = field(default=None, repr=False)
    source: bytes | None = field(default=None, repr=False)

    @property
    def read(self) -> bytes:
        """The bytes of the stream that the chunk was made of."""
        return self.value if self.source is None else self.source

    @property
    def start(self) -> int:
        """The offset before them."""
        return self.end - len(self.read)


Cut = Callable[..., tuple[bytes, int, int]]
"""Takes bytes and ``final`` (no more come); returns lines, how many bytes they took, how many."""


def cut_lines(data: bytes, *, final: bool, most: int | None = None) -> tuple[bytes, int, int]:
    """Return the whole lines of ``data``, at most ``most``: a Cut."""
    end = data.rfind(b"\n") + 1
    if final or (not end and len(data) > LONGEST_LINE):
        end = len(data)
    value = data[:end]
    count = value.count(b"\n") + (bool(value) and not value.endswith(b"\n"))
    if most is not None and count > most:
        end = 0
        for _ in range(most):
            end = value.index(b"\n", end) + 1
        value, count = value[:end], most
    return value, end, count


def cutter(start: bytes, *, alone: bool) -> Cut:
    """Return the Cut for a stream that begins with ``start``; ``alone`` for a line a message."""
    if journal.is_export(start):
        return partial(journal.cut, most=1 if alone else CHUNK_BYTES)
    return partial(cut_lines, most=MOST_ALONE if alone else None)


def chunks(
    read: Callable[[int], bytes],
    *,
    offset: int,
    lines: int,
    size: int = CHUNK_BYTES,
    cut: Cut = cut_lines,
    whole: bool = True,
) -> Iterator[Chunk]:
    """Yield the stream's lines from ``offset`` (behind ``lines`` lines) on, in chunks of ``size``.

    A last line without an end counts as a line where the stream is ``whole``; else it is left for
    the next time. ``read`` returns up to as many bytes as asked.
    """
    data = b""
    over = False
    while not over:
        block = read(size)
        over = not block
        data += block
        while data:
            value, used, count = cut(data, final=over and whole)
            if not used:
                break
            offset += used
            if count:
                source = None if value is data or value == data[:used] else data[:used]
                yield Chunk(value, lines + 1, count, offset, source=source)
            data = data[used:]
            lines += count


def single(chunk: Chunk) -> Iterator[Chunk]:
    """Yield a chunk's lines one by one, for those who want one line a message."""
    value = chunk.value[:-1] if chunk.value.endswith(b"\n") else chunk.value
    end = chunk.end - len(chunk.value)
    fields = chunk.fields
    for number, line in enumerate(value.split(b"\n")):
        end += len(line) + 1
        yield Chunk(line, chunk.first + number, 1, min(end, chunk.end), fields)
        if line.startswith(_DIRECTIVE):
            fields = in_force(line, fields)


def in_force(data: bytes, before: bytes | None) -> bytes | None:
    """Return the fields that the last ``#Fields:`` line of ``data`` names, or those before it.

    None where they are no plain names: they would be shown to nobody who does not know them.
    """
    if _DIRECTIVE not in data:
        return before
    found = _DIRECTIVES.findall(data)
    if not found:
        return before
    names = found[-1].strip()
    return names if _FIELDS.fullmatch(names) else None
