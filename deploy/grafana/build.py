"""Makes the dashboards: ``python -m deploy.grafana.build`` writes ``dashboards/*.json`` anew.

The files are what Grafana provisions; they are never written by hand. Grafana's own library gives
each object its type.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, dashboard, stat, table, text, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.text import TextMode

from deploy.grafana.boards import health, overview, release, sources, widget
from deploy.grafana.panel import Board, Panel

FOLDER: Final = Path(__file__).with_name("dashboards")
BOARDS: Final = tuple(m.BOARD for m in (overview, sources, health, widget, release))
SOURCE: Final = model.DataSourceRef(type_val="grafana-clickhouse-datasource", uid="partywall")
_COLUMNS: Final = 24
_FORMATS: Final = {"timeseries": 0}  # the plugin's numbers: a series, else a table (1)


class _Query(Dataquery):
    """A query of the ClickHouse plugin, in the plugin's own words."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def to_json(self) -> dict[str, object]:
        series = self._panel.kind == "timeseries"
        return {
            "refId": "A",
            "datasource": SOURCE,
            "editorType": "sql",
            "queryType": "timeseries" if series else "table",
            "format": _FORMATS.get(self._panel.kind, 1),
            "rawSql": self._panel.sql.strip(),
        }

    def build(self) -> Dataquery:
        return self


def built(board: Board) -> str:
    """Return a dashboard as the text of its file."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"partywall-{board.name}")
        .description(board.about)
        .tags(["partywall"])
        .timezone("utc")  # what a site's clock shows is stored as if it stood in UTC
        .time("now-30d/d", "now")
        .refresh("")
        .link(
            dashboard.DashboardLink("Partywall")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["partywall"])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )
    if board.sites is not None:
        made.with_variable(
            dashboard.QueryVariable("site")
            .label("Site")
            .query(board.sites)
            .datasource(SOURCE)
            .refresh(model.VariableRefresh.ON_DASHBOARD_LOAD)
        )
    x = y = tallest = 0
    for number, panel in enumerate(board.panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        made.with_panel(_panel(panel, number, model.GridPos(panel.height, panel.width, x, y)))
        x, tallest = x + panel.width, max(tallest, panel.height)
    whole = made.build()
    for variable in whole.templating.list_val or []:
        # what the library sets of variables of another kind
        variable.auto = variable.auto_min = variable.auto_count = None
    return JSONEncoder(sort_keys=True, indent=2).encode(whole) + "\n"


def _panel(panel: Panel, number: int, place: model.GridPos) -> Builder[model.Panel]:
    if panel.kind == "text":
        return (
            text.Panel()
            .id(number)
            .title(panel.title)
            .grid_pos(place)
            .mode(TextMode.MARKDOWN)
            .content(panel.about)
        )
    made: Any = _KINDS[panel.kind](panel)
    made.id(number).title(panel.title).description(panel.about).grid_pos(place)
    made.datasource(SOURCE).with_target(_Query(panel)).unit(panel.unit)
    made.no_value("not shown")
    for column, unit in panel.units:
        made.override_by_name(column, [model.DynamicConfigValue("unit", unit)])
    return made  # type: ignore[no-any-return]


def _stat(_: Panel) -> object:
    last = ReduceDataOptions().calcs(["lastNotNull"])
    return stat.Panel().graph_mode(common.BigValueGraphMode.NONE).reduce_options(last)


def _series(panel: Panel) -> object:
    mode = common.StackingMode.NORMAL if panel.stacked else common.StackingMode.NONE
    return (
        timeseries.Panel()
        .draw_style(common.GraphDrawStyle.BARS if panel.stacked else common.GraphDrawStyle.LINE)
        .fill_opacity(70 if panel.stacked else 0)
        .stacking(StackingConfig().mode(mode).group("A"))
        .show_points(common.VisibilityMode.ALWAYS)
        .span_nulls(False)  # a day that is not shown stays a gap
        .legend(
            VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .min(0)
    )


def _table(_: Panel) -> object:
    return table.Panel()


def _bars(_: Panel) -> object:
    return (
        bargauge.Panel()
        .orientation(common.VizOrientation.HORIZONTAL)
        .reduce_options(ReduceDataOptions().values(True).calcs([]).fields(""))
        .min(0)
    )


_KINDS: Final = {"stat": _stat, "timeseries": _series, "table": _table, "bargauge": _bars}


def main() -> None:
    """Write every file."""
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(built(board), encoding="utf-8")


if __name__ == "__main__":
    main()
