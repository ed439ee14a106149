"""What a request was: somebody's page view, what else a person's client sent, or a bot's.

Pages, files and failures are counted apart, since an analyst asks for one of them at a time: most
of what browsers fetch is files, and what failed was seen by nobody.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline import declarations
from pipeline.events import BOT, VIEW

REQUEST: Final = "request"
FAILED: Final = "failed"

_SEEN: Final = r"^(?:2\d\d|304|\(none\))$"
_REFUSED: Final = r"^[45]"


class Segments:
    """Knows the endings of files and which methods ask for pages (``schemas/behaviour.yaml``)."""

    __slots__ = ("_file", "_methods", "asset")

    def __init__(self) -> None:
        document = declarations.load("behaviour.yaml")
        self.asset: Final = _ending(document["assets"])
        """A pattern of raw targets that browsers fetch by themselves for a page."""
        self._file: Final = _ending(document["assets"] + document["downloads"])
        self._methods: Final = list(document["methods"])

    def of(self, described: pl.DataFrame, target: pl.Series) -> pl.Series:
        """Return the segment of each row.

        ``described`` has audience, status, method and page of each request, ``target`` the raw one.
        A request without a status counts as answered.
        """
        asks = pl.col("method").is_in(self._methods) & (pl.col("page") != "(none)")
        file = pl.lit(target).str.contains(self._file).fill_null(value=False)
        said = (
            pl.when(pl.col("audience") == "bot")
            .then(pl.lit(BOT))
            .when(pl.col("status").str.contains(_REFUSED))
            .then(pl.lit(FAILED))
            .when(asks & ~file & pl.col("status").str.contains(_SEEN))
            .then(pl.lit(VIEW))
            .otherwise(pl.lit(REQUEST))
        )
        return described.select(said.alias("segment")).to_series()


def _ending(endings: list[str]) -> str:
    """Return a pattern of raw targets whose path ends so."""
    return rf"(?i)^[^?#]*\.(?:{'|'.join(endings)})(?:[?#;]|$)"


def of_widget(described: pl.DataFrame) -> pl.Series:
    """Return the segment of a widget's events, which are no views of pages."""
    said = pl.when(pl.col("audience") == "bot").then(pl.lit(BOT)).otherwise(pl.lit(REQUEST))
    return described.select(said.alias("segment")).to_series()
