"""What the key service lends out. Nothing here shows a secret when printed."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

KEY_BYTES: Final = 32
TOKEN_BYTES: Final = 16
_MAPPED: Final = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The public half of a day's sealing key, and the day's token key.

    ``day`` counts days since 1970-01-01 UTC; ``public`` is a raw X25519 public key (32 bytes);
    ``expires`` (seconds since 1970 UTC) is when to ask for the next day's.
    """

    key_id: str
    day: int
    public: bytes
    token_key: bytes = field(repr=False)
    expires: int


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """The key of one ingest and day: 32 random bytes, and when (seconds) it must be forgotten."""

    key: bytes = field(repr=False)
    expires: int


class Tokeniser:
    """Makes look-up tokens under one day's token key; keeps a keyed state, no address.

    A token holds for one site and one day of the events. Were it one for all, it would join what
    the pseudonyms keep apart: an address over sites, over agents' days, over a backfill's years.
    """

    __slots__ = ("_keyed",)

    def __init__(self, token_key: bytes) -> None:
        """Take the day's token key, KEY_BYTES random bytes."""
        self._keyed = hashlib.blake2b(
            digest_size=TOKEN_BYTES, key=token_key, person=b"partywall token"
        )

    def of(self, site: str, day: int | None) -> Callable[[str], bytes]:
        """Return what makes the 16-byte token of an address there: keyed BLAKE2b (RFC 7693).

        ``day`` counts from 1970-01-01 UTC and is the line's own, None for a line without a time.
        """
        begun = self._keyed.copy()
        begun.update(_frame(site, day))
        copy = begun.copy

        def token(address: str) -> bytes:
            state = copy()
            state.update(canonical_address(address))
            return state.digest()

        return token

    def __call__(self, site: str, day: int | None, address: str) -> bytes:
        """Return the token of one address on a site and day."""
        return self.of(site, day)(address)


def _frame(site: str, day: int | None) -> bytes:
    """Return site and day so that no two pairs, and no address behind them, read alike."""
    named = site.encode("utf-8", "surrogatepass")
    return b"%d:%b%b:" % (len(named), named, b"-" if day is None else b"%d" % day)


def canonical_address(address: str) -> bytes:
    """Return the bytes that every spelling of an address shares: packed, 4 or 16 of them.

    An IPv4 address mapped into IPv6 counts as IPv4; text that is no address stands for itself.
    """
    try:
        if ":" not in address:
            return socket.inet_pton(socket.AF_INET, address)
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):
        return b"text " + address.encode("utf-8", "surrogatepass")
    return packed[12:] if packed.startswith(_MAPPED) else packed
