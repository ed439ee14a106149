"""What a run of the benchmark came to: one JSON object, or a table of ratios for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rich.table import Table

Rate = float | None
"""Lines a second; None where the program is not installed or was not run."""

_NAMES: Final = {
    "end_to_end": "Partywall, end to end",
    "end_to_end_unsealed": "the same without sealing",
    "polars_parse": "Polars extract_groups, parsing only",
    "faust_per_event": "Faust agent, one event a line, counting only",
    "goaccess": "GoAccess, report only",
    "rsyslog_mmanon": "rsyslog mmanon, zeroing an octet only",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates in lines a second, ``lines`` lines each; ``parity`` is true or there are no figures.

    ``peak_memory`` is in bytes by process, ``stages`` in seconds of work by stage. ``machine``
    says where they were measured: compare ratios, not rates, across machines.
    """

    lines: int
    parity: bool
    end_to_end: Rate
    end_to_end_unsealed: Rate = None
    polars_parse: Rate = None
    faust_per_event: Rate = None
    goaccess: Rate = None
    rsyslog_mmanon: Rate = None
    peak_memory: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    machine: str = ""

    def rates(self) -> dict[str, Rate]:
        """Return lines a second by name, in the order shown."""
        return {name: getattr(self, name) for name in _NAMES}

    def ratios(self) -> dict[str, float]:
        """Return how many times as fast the whole way is, by what it is compared with."""
        own = self.end_to_end
        return {
            name: own / rate
            for name, rate in self.rates().items()
            if own and rate and name != "end_to_end"
        }

    @property
    def privacy_tax(self) -> float | None:
        """Share of the time that sealing takes, or None where it was not left out once."""
        if not self.end_to_end or not self.end_to_end_unsealed:
            return None
        return 1 - self.end_to_end / self.end_to_end_unsealed

    def document(self) -> dict[str, object]:
        """Return what ``--json`` prints; a rate is ``{"lines_per_second": n}`` or null."""
        rates = {
            name: None if rate is None else {"lines_per_second": round(rate)}
            for name, rate in self.rates().items()
        }
        tax = self.privacy_tax
        return {
            "lines": self.lines,
            "parity": self.parity,
            **rates,
            "ratios": {name: round(ratio, 2) for name, ratio in self.ratios().items()},
            "privacy_tax": None if tax is None else round(tax, 3),
            "peak_memory_bytes": dict(self.peak_memory),
            "stage_seconds": {name: round(seconds, 2) for name, seconds in self.stages.items()},
            "machine": self.machine,
        }

    def tables(self) -> list[Table]:
        """Return the tables shown in a terminal."""
        speed = Table(title=f"{self.lines:,} lines, equal to the reference cell by cell")
        speed.add_column("")
        speed.add_column("lines/s", justify="right")
        speed.add_column("Partywall is", justify="right")
        ratios = self.ratios()
        for name, rate in self.rates().items():
            ratio = f"{ratios[name]:.2f} x" if name in ratios else ""
            speed.add_row(_NAMES[name], "not run" if rate is None else f"{rate:,.0f}", ratio)
        if self.privacy_tax is not None:
            speed.caption = f"privacy tax: sealing takes {self.privacy_tax:.0%} of the time"
        return [speed, *self._details()]

    def _details(self) -> list[Table]:
        work = Table("process", title="Where the time and the memory went")
        work.add_column("seconds of work", justify="right")
        work.add_column("peak memory, MiB", justify="right")
        for name in {**self.stages, **self.peak_memory}:
            seconds, memory = self.stages.get(name), self.peak_memory.get(name)
            work.add_row(
                name,
                "" if seconds is None else f"{seconds:.1f}",
                "" if memory is None else f"{memory / 2**20:,.0f}",
            )
        return [work] if work.row_count else []
