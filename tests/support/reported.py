"""A report whose kept data can be asked as the console asks."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline import analytics
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import Reader
from pipeline.clock import system_clock

SAMPLE: Final = Path(__file__).parents[3] / "shared/data/apache_logs.gz"
needs_sample: Final = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no sample at {SAMPLE}")
Numbers = dict[tuple[str, ...], dict[str, Any]]
Ask = Callable[..., Numbers]


@dataclass(frozen=True, slots=True)
class Reported:
    """The folder with the logs, and one report of all of them."""

    folder: Path
    document: dict[str, Any]

    def lines(self, site: str) -> list[str]:
        """Return the lines of a web server."""
        if site == "sample":
            with gzip.open(SAMPLE, "rt", encoding="utf-8") as file:
                return list(file)
        text = (self.folder / f"logs/{site}/combined.log").read_text(encoding="utf-8")
        return text.splitlines()


def of_site(reported: Reported, site: str) -> list[dict[str, Any]]:
    """Return the daily traffic of a site."""
    return [row for row in reported.document["traffic_daily"] if row["site"] == site]


@contextmanager
def asking(reported: Reported) -> Iterator[Ask]:
    """Ask as the console does; answers come back by row, rates that are of nothing left as None."""
    with closing(Reader.open(Engine(path=reported.folder / "kept/clickhouse"))) as reader:

        def asked(site: str, metrics: list[str], *dimensions: str, **words: object) -> Numbers:
            days = [row["window_start"][:10] for row in of_site(reported, site)]
            query = analytics.read({
                "site": site, "metrics": metrics, "dimensions": dimensions and list(dimensions),
                "date_range": [min(days), max(days)], "limit": 10_000, **words,
            })  # fmt: skip
            answer = analytics.ask(
                reader.rows,
                query,
                clock=system_clock,
                k=1,
                retention_days=36_500,
            )
            assert answer.next is None
            lines = answer.lines if dimensions else (answer.totals,)
            assert {cell.state for line in lines for cell in line.cells} <= {"value", "zero"}
            return {
                line.dimensions: {
                    name: cell.number for name, cell in zip(metrics, line.cells, strict=True)
                }
                for line in lines
            }

        yield asked
