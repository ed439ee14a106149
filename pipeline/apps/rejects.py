"""The reject limit: a source most of whose lines are rejected is shipped under the wrong format.

Counted for each source of each site by itself. Over all together, the rejects of one would stop
everybody, or vanish among the lines of a larger one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MOST_SOURCES: Final = 1_000
"""Sources remembered; the one not heard of for longest is forgotten for a new one."""

Tally = Mapping[tuple[str, str], tuple[int, int]]
"""(site, source) → (lines, rejected lines)."""


@dataclass(slots=True)
class _Window:
    batches: deque[tuple[int, int]] = field(default_factory=deque)
    lines: int = 0
    rejected: int = 0

    def take(self, lines: int, rejected: int, size: int) -> None:
        """Add a batch, and drop the oldest that the newest ``size`` lines do without."""
        self.batches.append((lines, rejected))
        self.lines += lines
        self.rejected += rejected
        while self.lines - self.batches[0][0] >= size:
            old, bad = self.batches.popleft()
            self.lines -= old
            self.rejected -= bad


class RejectLimit:
    """Tells when too large a share of a source's newest lines is rejected."""

    def __init__(self, share: float, window: int) -> None:
        """``share`` of the last ``window`` lines; a full window is awaited first."""
        self._share = share
        self._size = window
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def excess(self, tally: Tally) -> str | None:
        """Take note of a batch; return what to say of the sources that are over the limit, if any.

        Their windows start afresh, so that the same is said again only after another window.
        """
        over = []
        for source, (lines, rejected) in tally.items():
            window = self._windows.setdefault(source, _Window())
            self._windows.move_to_end(source)
            window.take(lines, rejected, self._size)
            if window.lines >= self._size and window.rejected > self._share * window.lines:
                over.append((source, window))
                del self._windows[source]
        while len(self._windows) > MOST_SOURCES:
            self._windows.popitem(last=False)
        if not over:
            return None
        (site, name), worst = max(over, key=lambda each: each[1].rejected)
        others = f" (and {len(over) - 1} other sources)" if len(over) > 1 else ""
        return (
            f"site {site}, source {name}{others}: {worst.rejected} of the last {worst.lines} lines "
            f"were rejected, more than split.reject_limit {self._share} allows: "
            "is the format right?"
        )
