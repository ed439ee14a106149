"""Things taken several at a time, by what they weigh together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_T = TypeVar("_T")


def chunks(items: Iterable[_T], size: Callable[[_T], int], most: int) -> Iterator[list[_T]]:
    """Yield the items in their order, in lists of a ``size`` of ``most`` or of one item."""
    chunk: list[_T] = []
    room = most
    for item in items:
        cost = size(item)
        if chunk and cost > room:
            yield chunk
            chunk, room = [], most
        chunk.append(item)
        room -= cost
    if chunk:
        yield chunk
