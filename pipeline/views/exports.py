"""What a page shows as files: the same questions at the API, in each of its formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode

import orjson

from pipeline.views.cards import Tab
from pipeline.views.chart import Chart
from pipeline.views.view import View

Exports = tuple[tuple[str, str], ...]
"""What a format is called, and where it is; none of a shared page."""

_FORMATS: Final = (("CSV", "csv"), ("JSON", "json"), ("Arrow", "arrow"))
_ROWS: Final = 10_000


def of_tab(view: View, tab: Tab) -> Exports:
    """Return all that a tab's question comes to."""
    filters = [*view.query_filters(), *tab.only]
    order = f"{tab.metrics[0]}:desc"
    return _of(view, tab.dimensions, tab.metrics, filters, order)


def of_chart(view: View, chart: Chart, metrics: Sequence[str]) -> Exports:
    """Return the line with the other ``metrics`` of the view beside it; hours have no visits."""
    shown = [m for m in metrics if chart.unit != "hour" or m in {"visitors", "pageviews"}]
    time = f"time:{chart.unit}"
    return _of(view, (time,), shown, view.query_filters(), f"{time}:asc")


def _of(
    view: View,
    dimensions: Sequence[str],
    metrics: Sequence[str],
    filters: list[list[object]],
    order: str,
) -> Exports:
    if view.base:
        return ()
    asked = view.date_range()
    parameters = {
        "site": view.site,
        "metrics": ",".join(metrics),
        "dimensions": ",".join(dimensions),
        "date_range": asked if isinstance(asked, str) else ",".join(asked),
        "filters": orjson.dumps(filters).decode(),
        "order": order,
        "limit": str(_ROWS),
    }
    return tuple(
        (told, f"/v1/query?{urlencode({**parameters, 'format': name}, quote_via=quote)}")
        for told, name in _FORMATS
    )
