"""Where every request went: begun = ended by outcome + still here, and what became of the lines.

Sites are in these accounts and not in the metrics: they stay on this machine, in a file of the
operator's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline import metrics
from pipeline.collect.refusals import OUTCOMES


@dataclass(slots=True)
class Accounts:
    """Counts since the start of the process."""

    received: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By site (empty where none of ours was named) and outcome."""
    lines: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By topic, site, and ``acknowledged`` or ``failed``."""

    def begin(self) -> None:
        """Count a request with events or lines."""
        self.received += 1
        metrics.COLLECT_RECEIVED.inc()

    def end(self, site: str, outcome: str) -> None:
        """Count its end."""
        self.outcomes[site, outcome] += 1
        metrics.COLLECT_OUTCOMES.labels(outcome).inc()

    def settle(self, topic: str, site: str, count: int, *, acknowledged: bool) -> None:
        """Count lines that the broker has taken, or will not have."""
        word = "acknowledged" if acknowledged else "failed"
        self.lines[topic, site, word] += count
        metrics.COLLECT_LINES.labels(word).inc(count)

    def report(self) -> dict[str, Any]:
        """Return everything as JSON: what ``partywall status`` shows."""
        return {
            "received": self.received,
            "in_flight": self.received - self.outcomes.total(),
            "outcomes": {
                name: count
                for name in OUTCOMES
                if (count := sum(n for (_, o), n in self.outcomes.items() if o == name))
            },
            "sites": [
                {"site": site or None, "outcome": outcome, "requests": count}
                for (site, outcome), count in sorted(self.outcomes.items())
            ],
            "lines": [
                {"topic": topic, "site": site, "outcome": outcome, "lines": count}
                for (topic, site, outcome), count in sorted(self.lines.items())
            ],
        }
