"""How far a file was shipped, and what of it is on its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Point:
    """How far a file was shipped; ``number`` is 0 until it is noted.

    ``offset`` counts decompressed bytes, ``lines`` the lines before it. ``head`` and ``tail`` are
    digests of the first and the last bytes before the offset, ``head_bytes`` says how many the
    first are. ``stamp`` tells the stored bytes that were read to their end. ``ingest`` is the one
    that had the last lines.
    """

    number: int = 0
    folder: str = ""
    base: str = ""
    path: str = ""
    device: int = 0
    inode: int = 0
    head_bytes: int = 0
    head: str = ""
    tail: str = ""
    offset: int = 0
    lines: int = 0
    ingest: str = ""
    stamp: str = ""


UNKNOWN: Final = 0
ARRIVED: Final = 1
VACANT: Final = 2
"""States of what is pending: not asked yet; in the topic; never to be there under its number."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch that may have arrived: bytes ``start`` to ``end`` of the file ``point``.

    ``producer``, ``epoch`` and ``sequence`` are those it was sent with, ``records`` how many
    messages it has (one, or one a line). ``broker`` tells the cluster, ``mark`` the batch where
    sequences are not kept, ``after`` the offset that it has to come after: of what was ours before
    where there is a mark, else that of what was sent in its place.
    ``tags`` are the headers' values as JSON, ``state`` says what became of it.
    """

    number: int
    point: int
    start: int
    end: int
    digest: str
    first: int
    lines: int
    alone: bool
    partition: int
    records: int
    producer: int
    epoch: int
    sequence: int
    broker: str
    mark: str
    after: int
    tags: str
    state: int = 0
