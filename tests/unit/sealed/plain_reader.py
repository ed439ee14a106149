"""A second reader of sealed messages, slow and plain: docs/vault-format.md, step by step.

It shares no code with ours and imports nothing of ``pipeline``: what it does stands on that page.
"""

from __future__ import annotations

import hashlib
import json
import struct
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Json = Any
Rows = list[dict[str, Any]]

_STRING: Final = ("string", "large_string", "string_view")
_COLUMNS: Final = {
    "offset": ("uint64",),
    "line": ("uint32",),
    "site": _STRING,
    "label": _STRING,
    "ingest": _STRING,
    "format": _STRING,
    "outcome": _STRING,
    "reason": _STRING,
    "policy": ("uint16",),
    "hour": ("int64",),
    "token": ("binary", "large_binary", "binary_view"),
}
_MAY_BE_NULL: Final = ("reason", "hour", "token")
_FIELDS: Final = (
    "batch first frames hour index_bytes index_sha256 key_id last records source spans untimed"
).split()


class Refused(Exception):  # noqa: N818 - the page's word
    """``part`` is one of the names of the page; ``frame`` the frame's number where it is one."""

    def __init__(self, part: str, frame: int | None = None) -> None:
        super().__init__(part)
        self.part = part
        self.frame = frame


def open_message(private: bytes, message: bytes) -> list[bytes]:
    """Return the lines of a message, or raise Refused with the first part that is wrong."""
    if len(message) < 44:
        raise Refused("prologue")
    if message[:8] != b"PWSEAL\x00\x02":
        raise Refused("version")
    (length,) = struct.unpack("<I", message[8:12])
    if len(message) < 44 + length:
        raise Refused("length")
    digest, head = message[12:44], message[44 : 44 + length]
    if hashlib.sha256(message[:12] + head).digest() != digest:
        raise Refused("header")
    header = _header(head)
    rest = message[44 + length :]
    sizes = [size for size, _ in header["frames"]]
    if len(rest) != header["index_bytes"] + 80 + sum(sizes):
        raise Refused("length")
    index, rest = rest[: header["index_bytes"]], rest[header["index_bytes"] :]
    _check_index(index, header)
    encapsulated, rest = rest[:80], rest[80:]
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        content = suite.decrypt(encapsulated, key, info=b"partywall sealed batch 2\x00" + digest)
    except InvalidTag:
        raise Refused("key") from None
    lines: list[bytes] = []
    for number, (size, count) in enumerate(header["frames"]):
        frame, rest = rest[:size], rest[size:]
        aad = digest + struct.pack("<II", number, len(sizes))
        try:
            packed = AESGCM(content).decrypt(number.to_bytes(12, "big"), frame, aad)
        except InvalidTag:
            raise Refused("frame", number) from None
        found = _lines(packed)
        if found is None or len(found) != count:
            raise Refused("content", number)
        lines += found
    return lines


def _header(head: bytes) -> Json:
    try:
        header = json.loads(head)
        again = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        canonical = again.encode() == head
    except (ValueError, RecursionError):
        raise Refused("header") from None
    if not canonical or not isinstance(header, dict) or sorted(header) != _FIELDS:
        raise Refused("header")
    if not _is_sound(header):
        raise Refused("header")
    return header


def _has_types(header: Json) -> bool:
    frames, spans, untimed = header["frames"], header["spans"], header["untimed"]
    texts = [header[name] for name in ("batch", "key_id", "source", "index_sha256")]
    lists = isinstance(frames, list) and isinstance(untimed, list) and isinstance(spans, dict)
    return (
        lists
        and all(isinstance(text, str) for text in (*texts, *untimed))
        and all(_is_pair(pair) for pair in (*frames, *spans.values()))
        and all(_is_pair(header[name]) for name in ("first", "last"))
        and all(_is_number(header[name]) for name in ("records", "hour", "index_bytes"))
    )


def _is_sound(header: Json) -> bool:
    if not _has_types(header):
        return False
    frames, spans, batch = header["frames"], header["spans"], header["batch"]
    hours = [header["hour"], *(hour for span in spans.values() for hour in span)]
    numbers = [*header["first"], *header["last"], header["index_bytes"]]
    return (
        len(batch) == 32
        and set(batch) <= set("0123456789abcdef")
        and min(numbers) >= 0
        and header["first"] <= header["last"]
        and len(frames) > 0
        and all(size >= 16 and count >= 1 for size, count in frames)
        and header["records"] == sum(count for _, count in frames)
        and all(first <= last for first, last in spans.values())
        and all(hour % 3600 == 0 for hour in hours)
    )


def _is_number(value: Json) -> bool:
    return type(value) is int and -(2**63) <= value < 2**64


def _is_pair(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _check_index(index: bytes, header: Json) -> None:
    if hashlib.sha256(index).hexdigest() != header["index_sha256"]:
        raise Refused("index")
    try:
        source = pa.BufferReader(index)
        stream = pa.ipc.open_stream(source)
        types = [(field.name, str(field.type)) for field in stream.schema]
        if [name for name, _ in types] != list(_COLUMNS):
            raise Refused("index")
        if not all(kind in _COLUMNS[name] for name, kind in types):
            raise Refused("index")
        table = stream.read_all()
        table.validate(full=True)
        rows: Rows = table.to_pylist()
        end = source.tell()
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        raise Refused("index") from None
    if end != len(index) or len(rows) != header["records"] or not _agrees(rows, header):
        raise Refused("index")


def _agrees(rows: Rows, header: Json) -> bool:
    if any(row[name] is None for row in rows for name in row if name not in _MAY_BE_NULL):
        return False
    places = [[row["offset"], row["line"]] for row in rows]
    if [places[0], places[-1]] != [header["first"], header["last"]]:
        return False
    if any(after <= before for before, after in pairwise(places)):
        return False
    spans: dict[str, list[int]] = {}
    for row in rows:
        if row["token"] is not None and len(row["token"]) != 16:
            return False
        if row["hour"] is not None:
            if row["hour"] % 3600:
                return False
            first, last = spans.get(row["site"], (row["hour"], row["hour"]))
            spans[row["site"]] = [min(first, row["hour"]), max(last, row["hour"])]
    untimed = sorted({row["site"] for row in rows if row["hour"] is None})
    return bool(spans == header["spans"] and untimed == header["untimed"])


def _lines(packed: bytes) -> list[bytes] | None:
    """Return the lines in one zstd frame, None where it holds something else."""
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= 64 * 1024 * 1024:
            return None
        plain = zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError:
        return None
    if len(plain) < 4:
        return None
    (count,) = struct.unpack("<I", plain[:4])
    if len(plain) < 4 + 4 * count:
        return None
    lengths = struct.unpack(f"<{count}I", plain[4 : 4 + 4 * count])
    at = 4 + 4 * count
    if len(plain) != at + sum(lengths):
        return None
    lines = []
    for length in lengths:
        lines.append(plain[at : at + length])
        at += length
    return lines
