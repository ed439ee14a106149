"""What a search needs of the key service, for one case and a few minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from pipeline import envelope
from pipeline.investigations.lookup import Found, Wanted

AT_ONCE: Final = 64
"""Frames held while their keys are asked for."""


class Lender(Protocol):
    """A case's session with the key service; every method raises RefusedError once it has ended."""

    def tokens(self, wanted: Sequence[Wanted], addresses: Sequence[str]) -> dict[str, set[bytes]]:
        """Return by sealing key the tokens of these addresses, which must lie in the scope."""

    def content_keys(self, batches: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
        """Return the key of each batch (head, encapsulated), None where it is destroyed."""

    def pseudonym_keys(self) -> dict[tuple[str, int], bytes]:
        """Return the living pseudonym keys of the scope's days, by ingest and day."""


def with_keys(found: Iterable[Found], lender: Lender) -> Iterator[tuple[Found, bytes | None]]:
    """Yield each frame with its batch's key, None where that is destroyed.

    Keys are asked for by the handful, and each batch's once.
    """
    known: dict[bytes, bytes | None] = {}
    held: list[Found] = []
    for frame in found:
        held.append(frame)
        if len(held) == AT_ONCE:
            yield from _lent(held, lender, known)
            held.clear()
    yield from _lent(held, lender, known)


def _lent(
    held: list[Found], lender: Lender, known: dict[bytes, bytes | None]
) -> Iterator[tuple[Found, bytes | None]]:
    digests = [envelope.digest_of(frame.head) for frame in held]
    missing = {
        digest: (frame.head, frame.encapsulated)
        for digest, frame in zip(digests, held, strict=True)
        if digest not in known
    }
    if missing:
        known.update(zip(missing, lender.content_keys([*missing.values()]), strict=True))
    for digest, frame in zip(digests, held, strict=True):
        yield frame, known[digest]
