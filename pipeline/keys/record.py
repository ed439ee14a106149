"""What keys write into the audit log, before the act."""

from __future__ import annotations

from typing import Final, Protocol

from pipeline.audit.entry import Entry
from pipeline.audit.log import Written

ACTOR: Final = "keys"
"""Who acts where no person does."""


class Recording(Protocol):
    """The audit log, as far as keys know it."""

    def append(self, entry: Entry) -> Written:
        """Write an entry; it is durable at the return. Raises UnavailableError."""
