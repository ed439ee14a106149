"""Batches that were seen before: a page that missed an answer sends the same events again.

The name of a batch is random, is drawn anew for each, and does not leave the collector. So it tells
two sendings of one batch apart from two batches, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

_REMEMBERED: Final = 50_000


class Repeats:
    """The delivery of each batch of late, by site and name."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], asyncio.Task[bool]] = OrderedDict()

    def find(self, site: str, batch: str) -> asyncio.Task[bool] | None:
        """Return the delivery of a batch that was taken or still may be, None where it is new."""
        found = self._known.get((site, batch))
        return None if found is not None and _failed(found) else found

    def add(self, site: str, batch: str, delivery: asyncio.Task[bool]) -> None:
        """Remember a batch."""
        self._known[site, batch] = delivery
        self._known.move_to_end((site, batch))
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _failed(delivery: asyncio.Task[bool]) -> bool:
    return delivery.done() and (delivery.cancelled() or not delivery.result())
