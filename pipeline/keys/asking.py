"""What is asked of the key service for a case, and what it answers. No key is made or kept here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pipeline.errors import UsageError
from pipeline.scope import Scope

MOST_BATCHES: Final = 256
"""Batches in one question for content keys."""
MOST_ADDRESSES: Final = 1_024
"""Of a network whose addresses are looked up one by one; a larger one is searched by time."""

Kind = Literal["normal", "emergency"]
"""How a grant came about: by approvals, or by one person for the policy's minutes."""


class TooManyError(UsageError):
    """More was asked for at once than is answered; ask in parts."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved, by sign-in name, and when (seconds since 1970 UTC)."""

    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a case may reach from ``opened`` to ``expires`` (seconds since 1970 UTC).

    ``number`` counts the grants of a case, from 1; 0 before it is stored.
    """

    case: str
    kind: Kind
    category: str
    scope: Scope = field(repr=False)
    requester: str
    approvals: tuple[Approval, ...]
    opened: int
    expires: int
    number: int = 0
    revoked: int | None = None

    def alive(self, now: int) -> bool:
        """Tell whether it still lets anybody in."""
        return self.revoked is None and now < self.expires


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tokens asked for: of which sealing key or hold, and for lines of which site and days.

    Days count from 1970-01-01 UTC, both included; ``untimed`` adds lines without a time.
    """

    key_id: str
    site: str
    first_day: int
    last_day: int
    untimed: bool = False

    def days(self) -> list[int | None]:
        """Return the days, None for lines without one."""
        return [*range(self.first_day, self.last_day + 1), *([None] if self.untimed else [])]


@dataclass(frozen=True, slots=True)
class Asked:
    """A batch whose content key is asked for: its header's bytes, and the encapsulated key."""

    head: bytes = field(repr=False)
    encapsulated: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseSession:
    """A session's token, of which case, and when (seconds since 1970 UTC) it ends."""

    case: str
    token: str = field(repr=False)
    expires: int


@dataclass(frozen=True, slots=True)
class Sought:
    """Tokens to look for among what ``key_id`` sealed, of a site and day (None: without a time).

    ``addresses`` gives the address of each token (16 bytes).
    """

    key_id: str
    site: str
    day: int | None
    addresses: Mapping[bytes, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A legal hold that has a key: its name, its case, and when (seconds) it was made."""

    hold: str
    case: str
    made: int
