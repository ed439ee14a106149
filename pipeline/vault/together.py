"""Does the same with many files, several at a time: most of it is waiting for a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

AT_ONCE: Final = 8


def together(act: Callable[[A], B], values: Iterable[A]) -> Iterator[B]:
    """Yield what ``act`` makes of each value, in order; ``act`` runs in threads.

    Raises what ``act`` raises, once what was begun has ended; nothing new is begun then.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(act, values)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
