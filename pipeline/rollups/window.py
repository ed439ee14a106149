"""Watermarks: what is known of how far an ingest has come, over all its source partitions."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.clock import EVER
from pipeline.rows import HOUR, MINUTE


@dataclass(slots=True)
class Marks:
    """Watermarks (seconds since 1970) of one ingest; a source not heard of holds all back.

    ``topics`` are those that the ingest has said it comes on.
    """

    by_source: dict[str, int] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)

    def advance(self, source: str, watermark: int | None, *, end: bool) -> None:
        """Take note of one source; a watermark never goes back."""
        new = EVER if end else watermark
        if new is not None:
            self.by_source[source] = max(new, self.by_source.get(source, new))

    def announce(self, topics: tuple[str, ...]) -> None:
        """Take note of topics that the ingest comes on."""
        if not set(topics) <= set(self.topics):
            self.topics = sorted({*self.topics, *topics})

    def combined(self, expected: tuple[str, ...]) -> int | None:
        """Return the oldest watermark of the expected sources, None while one is unknown."""
        if any(source not in self.by_source for source in expected):
            return None
        return min(self.by_source[source] for source in expected)


def topic_of(source: str) -> str:
    """Return the topic of a source partition (``topic:partition``)."""
    return source.rpartition(":")[0]


def hour(moment: int) -> int:
    """Return the start of the hour that ``moment`` is in: every hour before it is over."""
    return moment // HOUR * HOUR


def minute(moment: int) -> int:
    """Return the start of the minute that ``moment`` is in: every minute before it is over."""
    return moment // MINUTE * MINUTE
