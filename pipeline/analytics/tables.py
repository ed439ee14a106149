"""An answer as a table, for files and programs: CSV, Arrow, Parquet.

A column for each dimension; for each metric its number, ``METRIC_state``, and where something is
compared ``METRIC_before`` and ``METRIC_before_state``. A quantile has its range besides, in
``METRIC_from`` and ``METRIC_to``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.analytics import words
from pipeline.analytics.answer import Answer, Cell
from pipeline.errors import UsageError

_REAL: Final = frozenset(words.RATES)


def frame(answer: Answer) -> pl.DataFrame:
    """Return the rows as a frame; counts are Int64, rates Float64, null where there is none."""
    columns: dict[str, pl.Series] = {
        name: pl.Series([line.dimensions[at] for line in answer.lines], dtype=pl.String)
        for at, name in enumerate(answer.dimensions)
    }
    for at, name in enumerate(answer.metrics):
        columns |= _columns(name, [line.cells[at] for line in answer.lines])
        if answer.before is not None:
            before = [(line.compare or line.cells)[at] for line in answer.lines]
            columns |= _columns(f"{name}_before", before)
    return pl.DataFrame(columns)


def _columns(name: str, cells: list[Cell]) -> dict[str, pl.Series]:
    own = name.removesuffix("_before")
    real = words.METRIC_ALIASES.get(own, own) in _REAL
    numbers = [cell.number for cell in cells]
    kind = pl.Float64() if real else pl.Int64()
    found = {
        name: pl.Series(numbers, dtype=kind),
        f"{name}_state": pl.Series([cell.state for cell in cells], dtype=pl.String),
    }
    if own in words.QUANTILES:
        spans = [cell.span or (None, None) for cell in cells]
        for at, end in enumerate(("from", "to")):
            found[f"{name}_{end}"] = pl.Series([span[at] for span in spans], dtype=pl.Int64)
    return found


def csv(answer: Answer) -> bytes:
    """Return the rows as CSV (RFC 4180) with a head; no number where there is none."""
    return frame(answer).write_csv(line_terminator="\r\n").encode()


def arrow(answer: Answer) -> bytes:
    """Return the rows as an Arrow IPC stream that readers of before string views take, too."""
    stream = io.BytesIO()
    frame(answer).write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
    return stream.getvalue()


def parquet(answer: Answer, path: Path) -> None:
    """Write the rows to a file; raises UsageError where it cannot be written."""
    try:
        frame(answer).write_parquet(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another") from None
