"""Messages of cells and rollups in one go; the stages pack rows and frame them elsewhere."""

from __future__ import annotations

import polars as pl

from pipeline.rows import CellsHeader, RollupsHeader, framed, pack_cells, pack_rollups


def encode_cells(header: CellsHeader, rows: pl.DataFrame) -> bytes:
    """Return the message; columns other than those of CELLS raise IntegrityError."""
    return framed(header, pack_cells(rows))


def encode_rollups(header: RollupsHeader, rows: pl.DataFrame) -> bytes:
    """Return the message; ``rows`` has the table's columns and ``revision``."""
    return framed(header, pack_rollups(header.table, rows))
