"""Bytes into chunks of whole lines, each small enough for one message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

CHUNK_BYTES: Final = 256 * 1024
LONGEST_LINE: Final = 512 * 1024
"""A line longer than this is cut: split rejects one of an eighth already, and a message of the raw
topic (1 MiB) must hold it together with the block that was read with its end."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines.

    ``end`` is the offset behind them in the stream, ``first`` the number of the first line from
    1, ``lines`` how many there are.
    """

    value: bytes = field(repr=False)
    first: int
    lines: int
    end: int


def chunks(
    read: Callable[[int], bytes], *, offset: int, lines: int, size: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Yield the stream's lines from ``offset`` (behind ``lines`` lines) on, in chunks of ``size``.

    A last line without an end counts as a line. ``read`` returns up to as many bytes as asked.
    """
    rest = b""
    while True:
        block = read(size)
        data = rest + block
        cut = data.rfind(b"\n") + 1
        if not block or len(data) > LONGEST_LINE:
            cut = cut or len(data)
            if not block:
                cut = len(data)
        if cut:
            value, rest = data[:cut], data[cut:]
            count = value.count(b"\n") + (not value.endswith(b"\n"))
            offset += cut
            yield Chunk(value, lines + 1, count, offset)
            lines += count
        else:
            rest = data
        if not block:
            return


def single(chunk: Chunk) -> Iterator[Chunk]:
    """Yield a chunk's lines one by one, for those who want one line a message."""
    value = chunk.value[:-1] if chunk.value.endswith(b"\n") else chunk.value
    end = chunk.end - len(chunk.value)
    for number, line in enumerate(value.split(b"\n")):
        end += len(line) + 1
        yield Chunk(line, chunk.first + number, 1, min(end, chunk.end))
