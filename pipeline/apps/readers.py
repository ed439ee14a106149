"""A few read-only connections to a ClickHouse server, for those who ask at the same time."""

from __future__ import annotations

import contextlib
import queue
from typing import Final

from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader, Row

_MOST: Final = 4


class Readers:
    """Opens a connection when one is needed first; each answers one at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: queue.LifoQueue[Reader | None] = queue.LifoQueue()
        for _ in range(_MOST):
            self._free.put(None)

    def rows(self, statement: str) -> list[Row]:
        """Return the rows of a statement; raises as ``Reader`` does."""
        reader = self._free.get()
        try:
            reader = reader or Reader.open(self._engine)
            return reader.rows(statement)
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """Close those that are not in use."""
        with contextlib.suppress(queue.Empty):
            while True:
                reader = self._free.get_nowait()
                if reader is not None:
                    reader.close()
