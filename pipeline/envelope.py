"""The header of a sealed batch: what is said in the open, and what everything else is bound to.

Apart from ``sealed``, so that the key service can judge a batch without ever loading what handles
records.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, fields
from typing import Final

import orjson

from pipeline.errors import IntegrityError

MAGIC: Final = b"PWSEAL\x00\x02"
"""First bytes of every sealed message; the last is the version of the layout."""

TAG_BYTES: Final = 16
ENCAPSULATED_BYTES: Final = 32 + 32 + TAG_BYTES
"""Length of the HPKE message that holds the content key: X25519 share, AES-256 key, tag."""

HOUR: Final = 3600
_BATCH: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Header:
    """What is said in the open about a sealed batch, and vouched for by every frame.

    The batch holds every line of ``source`` (``topic:partition``) from ``first`` to ``last``, each
    an offset and a line within its message. ``hour`` is the start of the hour of sealing, in
    seconds since 1970 UTC. ``spans`` gives the first and last hour of the lines of each site that
    have a time, ``untimed`` the sites with lines that have none: by these two the key service
    judges whether a batch lies within a case's scope. ``frames`` gives each frame's ciphertext
    bytes and records; ``batch`` is random.
    """

    batch: str
    key_id: str
    source: str
    first: tuple[int, int]
    last: tuple[int, int]
    records: int
    hour: int
    spans: dict[str, tuple[int, int]]
    untimed: tuple[str, ...]
    index_bytes: int
    index_sha256: str
    frames: tuple[tuple[int, int], ...]


def digest_of(head: bytes) -> bytes:
    """Return the SHA-256 that stands for a header wherever something is bound to it."""
    return hashlib.sha256(MAGIC + struct.pack("<I", len(head)) + head).digest()


def info(digest: bytes) -> bytes:
    """Return the HPKE ``info`` that ties an encapsulated key to its header."""
    return b"partywall sealed batch 2\x00" + digest


def encode_header(header: Header) -> bytes:
    """Return the canonical JSON of a header: sorted keys, no blanks, UTF-8."""
    return orjson.dumps(
        {f.name: getattr(header, f.name) for f in fields(Header)}, option=orjson.OPT_SORT_KEYS
    )


def decode_header(head: bytes) -> Header:
    """Return the header; anything but its canonical bytes raises IntegrityError."""
    try:
        values = orjson.loads(head)
        values["frames"] = tuple((size, count) for size, count in values["frames"])
        for name in ("first", "last"):
            offset, line = values[name]
            values[name] = (offset, line)
        values["spans"] = {site: (a, b) for site, (a, b) in values["spans"].items()}
        values["untimed"] = tuple(values["untimed"])
        header = Header(**values)
        valid = encode_header(header) == head and _consistent(header)
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise IntegrityError("header of a sealed message is damaged") from error
    if not valid:
        raise IntegrityError("header of a sealed message is damaged")
    return header


def _consistent(header: Header) -> bool:
    """Tell whether the numbers of a header are numbers and add up."""
    texts = (header.batch, header.key_id, header.source, header.index_sha256, *header.untimed)
    numbers = (*header.first, *header.last, header.records, header.index_bytes)
    flat = [number for frame in header.frames for number in frame]
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(number) is int and number >= 0 for number in (*numbers, *flat))
        and bool(_BATCH.fullmatch(header.batch))
        and _whole(header.hour)
        and all(_whole(a) and _whole(b) and a <= b for a, b in header.spans.values())
        and header.first <= header.last
        and header.records == sum(count for _, count in header.frames)
        and all(size >= TAG_BYTES and count > 0 for size, count in header.frames)
        and bool(header.frames)
    )


def _whole(hour: int) -> bool:
    """Tell whether a number is the start of an hour."""
    return type(hour) is int and hour % HOUR == 0
