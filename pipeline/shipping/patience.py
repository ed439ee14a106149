"""Waiting for a broker that is away."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumber

from pipeline.errors import UnavailableError
from pipeline.logs import get

_LONGEST_PAUSE: Final = 5.0
_log = get("ship")


class Patience:
    """Growing pauses for what passes; raises UnavailableError for what does not."""

    def __init__(self, error: KafkaError | None) -> None:
        self._pause = 0.1
        if error is not None:
            self.meet(error)

    def meet(self, error: KafkaError) -> None:
        """Say that something went wrong."""
        passes = error.retriable or isinstance(error, KafkaTimeoutError | OutOfOrderSequenceNumber)
        if not passes:
            raise refused(error) from None
        _log.warning("waiting for the broker", error=error)

    async def pause(self) -> None:
        """Wait a little longer than the last time."""
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def refused(error: KafkaError) -> UnavailableError:
    """Return the error for what the broker will not do, however often it is asked."""
    return UnavailableError(f"the broker refuses: {type(error).__name__}")
