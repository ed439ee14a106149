"""A compacted topic of one partition, in memory."""

from __future__ import annotations


class MemoryStore:
    """What ``pipeline.kafka.runs.Store`` promises."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    async def read(self, partition: int) -> dict[bytes, bytes]:
        """Return all there is."""
        del partition
        return dict(self.held)

    async def put(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Write a value, or delete it."""
        del partition
        if value is None:
            self.held.pop(key, None)
        else:
            self.held[key] = value
