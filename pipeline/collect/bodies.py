"""Request bodies into memory: read and unpacked within bounds, whatever the sender says of them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import zstandard
from aiohttp import web

from pipeline.collect.refusals import RefusedError

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZSTD_WINDOW: Final = 8 * 2**20
_STEP: Final = 64
"""Bytes unpacked at a time: four of them may stand for a block of 128 KiB (RFC 8878)."""
_MOST_PARTS: Final = 1_000
"""Members or frames in one body."""
"""RFC 8878 asks a decoder to support windows of 8 MiB; a larger one would be memory for a frame
that may be a few bytes long."""


class Budget:
    """Bytes that all requests together may hold at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Hold bytes for one request; all are given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.size

    def take(self, size: int) -> None:
        """Hold so many more; raises RefusedError where they are not to be had."""
        if self.held + size > self._limit:
            raise RefusedError("busy")
        self.held += size


@dataclass(slots=True)
class Share:
    """What one request holds of the budget."""

    budget: Budget
    size: int = 0

    def take(self, size: int) -> None:
        """Hold so many more; raises RefusedError."""
        self.budget.take(size)
        self.size += size

    def give(self, size: int) -> None:
        """Give so many back before the end."""
        self.budget.held -= size
        self.size -= size


async def read(request: web.BaseRequest, limit: int, seconds: float, share: Share) -> bytes:
    """Return the body as it was sent, of ``limit`` bytes at most; raises RefusedError."""
    if (request.content_length or 0) > limit:
        raise RefusedError("too_large")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for block in request.content.iter_any():
                if len(body) + len(block) > limit:
                    raise RefusedError("too_large")
                share.take(len(block))
                body += block
    except TimeoutError:
        raise RefusedError("slow") from None
    except (ConnectionError, web.RequestPayloadError):
        raise RefusedError("incomplete") from None
    return bytes(body)


def unpack(body: bytes, encoding: str, limit: int, share: Share) -> bytes:
    """Return the body behind its ``Content-Encoding``, of ``limit`` bytes; raises RefusedError."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        if len(body) > limit:
            raise RefusedError("too_large")
        return body
    if name not in _UNPACKERS:
        raise RefusedError("encoding")
    share.take(limit)
    plain = _UNPACKERS[name](body, limit)
    share.give(limit - len(plain))
    return plain


def _gunzip(body: bytes, limit: int) -> bytes:
    """Unpack one member after the other: RFC 1952 allows several."""
    plain = bytearray()
    rest = body
    for _ in range(_MOST_PARTS):
        if not rest:
            return bytes(plain)
        member = zlib.decompressobj(_GZIP)
        try:
            plain += member.decompress(rest, limit + 1 - len(plain))
        except zlib.error:
            raise RefusedError("damaged") from None
        if len(plain) > limit:
            raise RefusedError("too_large")
        if not member.eof:
            raise RefusedError("damaged")
        rest = member.unused_data
    raise RefusedError("damaged")


def _unzstd(body: bytes, limit: int) -> bytes:
    """Unpack one frame after the other: RFC 8878 allows several."""
    plain = bytearray()
    rest = body
    for _ in range(_MOST_PARTS):
        if not rest:
            return bytes(plain)
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        try:
            for at in range(0, len(rest), _STEP):
                plain += frame.decompress(rest[at : at + _STEP])
                if len(plain) > limit:
                    raise RefusedError("too_large")
                if frame.eof:
                    rest = frame.unused_data + rest[at + _STEP :]
                    break
            else:
                raise RefusedError("damaged")  # cut short
        except zstandard.ZstdError:
            raise RefusedError("damaged") from None
    raise RefusedError("damaged")


_UNPACKERS: Final = {"gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd}
