"""Grafana's dashboards: of Grafana's shape, and every query answers on the engine.

No Grafana runs here: its macros and variables are filled in as its ClickHouse plugin does
(pkg/macros/macros.go of grafana/clickhouse-datasource).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.boards.widget import STEPS
from deploy.grafana.build import BOARDS, FOLDER, SOURCE, built
from deploy.grafana.panel import Board, Panel
from pipeline import declarations
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import Reader, Row
from tests.support.released import Released, roles

PROVISIONING = FOLDER.with_name("provisioning")
DAYS = [dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in range(2, 6)]
FROM, TO = DAYS[0], DAYS[-1] + dt.timedelta(hours=18)
PANELS = [
    pytest.param(board.name, panel, id=f"{board.name}: {panel.title}")
    for board in BOARDS
    for panel in board.panels
    if panel.sql
]


def expanded(sql: str, site: str) -> str:
    """Fill in what Grafana and its plugin fill in."""
    low, high = int(FROM.timestamp()), int(TO.timestamp())
    within = rf"\1 >= toDateTime({low}) AND \1 <= toDateTime({high})"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", within, sql)
    quoted = site.replace("'", "''")
    sql = sql.replace("${site:sqlstring}", f"'{quoted}'")
    assert "$" not in sql
    return sql


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    engine = Engine(path=tmp_path_factory.mktemp("engine"))
    with closing(connect(engine)) as client:
        migrate(client, rollups_days=1100)
        _shop(Released(client))
        _chat(Released(client, "shop.widget"))
        with closing(Reader.open(engine)) as opened:
            yield opened


def _shop(rows: Released) -> None:
    """Four days; the third's entries are hidden under (other)."""
    for number, day in enumerate(DAYS):
        rows.segments(day, view=200, failed=40, request=400, bot=100)
        hour = day + dt.timedelta(hours=9)
        rows.segments(hour, hourly=True, view=100, failed=20, bot=50)
        rows.step(hour, 4, "view", "2xx", 60)
        rows.step(hour + dt.timedelta(minutes=4), 1, "view", "2xx", 40)
        rows.step_times(hour, 4, "view", "2xx", {"0-0.1 s": 40, "from 0.1 s": 20})
        for dimension in (
            "country", "place", "device", "browser", "system", "provider", "page",
        ):  # fmt: skip
            rows.breakdown(day, "view", dimension, {"one": 160, "(other)": 40})
        rows.breakdown(day, "bot", "bot", {"search": 100})
        rows.breakdown(day, "bot", "suspicion", {"rate": 100})
        rows.breakdown(day, "bot", "status", {"200": 100})
        for dimension in ("page", "status", "referrer"):
            rows.breakdown(day, "failed", dimension, {"404": 40})
        rows.breakdown(day, "request", "page", {"/a.css": 400})
        times = {"(none)": 100, "0.005-0.01 s": 200, "from 10 s": 60, "(other)": 40}
        rows.breakdown(day, "request", "response_time", times)
        known = {"bounce": 30, "entry": 50, "between": 70, "exit": 50}
        hidden = {"bounce": 30, "(other)": 170}
        shown = hidden if number == 2 else known
        rows.pairs(day, "view", "segment", "role", roles(shown), seconds=1000)
        for dimension in ("page", "referrer_kind", "referrer", "campaign"):
            cells = {("one", role): hits for role, hits in shown.items()}
            rows.pairs(day, "view", dimension, "role", cells, seconds=1000)
        moves = {("/a", "/b"): 60, ("/a", "(other)"): 20}
        rows.pairs(day, "view", "page", "next_page", moves)
        rows.pairs(day, "view", "page", "referrer_kind", {("/a", "search"): 60})
        lengths = {("view", "30+ min"): 20, ("view", "0-10 s"): 30}
        rows.pairs(day, "view", "segment", "visit_length", lengths)
    rows.write()


def _chat(rows: Released) -> None:
    for day in DAYS:
        rows.segments(day, request=300)
        funnel = {step: 300 - 40 * number for number, step in enumerate(STEPS)}
        rows.breakdown(day, "request", "event", funnel)
        for dimension in ("detail", "widget_version", "screen"):
            rows.breakdown(day, "request", dimension, {"one": 300})
        for across in ("page", "referrer_kind", "country", "locale"):
            rows.pairs(day, "request", "event", across, {("opened", "one"): 100})
    rows.write()


def answered(reader: Reader, board: str, title: str) -> list[Row]:
    (panel,) = (p for b in BOARDS if b.name == board for p in b.panels if p.title == title)
    return reader.rows(expanded(panel.sql, "shop.widget" if board == "widget" else "shop"))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_file_is_what_the_code_makes(board: Board) -> None:
    """Else: ``python -m deploy.grafana.build``."""
    assert (FOLDER / f"{board.name}.json").read_text(encoding="utf-8") == built(board)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_a_dashboard_to_grafana_s_own_types_and_loses_nothing_to_them(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(data)))
    for variable in again["templating"]["list"]:
        for setting in ("auto", "auto_min", "auto_count"):  # of variables of another kind
            del variable[setting]
    assert again == data
    assert data["uid"] == f"partywall-{path.stem}"
    ids = [panel["id"] for panel in data["panels"]]
    assert len(set(ids)) == len(ids)


def test_there_is_a_file_for_each_board_and_no_other() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {board.name for board in BOARDS}


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_every_query_finds_the_rows_that_it_is_there_for(
    board: str, panel: Panel, reader: Reader
) -> None:
    rows = answered(reader, board, panel.title)
    assert rows
    if panel.kind == "timeseries":
        assert next(iter(rows[0])) == "time"
        assert [row["time"] for row in rows] == sorted(str(row["time"]) for row in rows)
    if panel.kind == "stat":
        assert [list(row) for row in rows] == [["value"]]
        assert rows[0]["value"] is not None
    assert {name for name, _ in panel.units} <= set(rows[0])


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_site_s_name_stays_a_value(board: str, panel: Panel, reader: Reader) -> None:
    """Nothing is found under a name that would be more than one if it were pasted in."""
    rows = reader.rows(expanded(panel.sql, "' OR 1 = 1 --"))
    counts = ("Days closed", "Days with visits")
    dateless = ("How fresh it is",)
    if panel.title in counts:
        assert [str(row["value"]) for row in rows] == ["0"]
    elif panel.kind == "stat":
        assert rows == [{"value": None}], "no number, and not zero"
    elif panel.title not in dateless:
        assert rows == [], board


def test_visits_are_those_of_the_days_that_show_them(reader: Reader) -> None:
    """Three days of 30 bounces and 50 entries; the fourth hides its entries, and so counts not."""
    visits = [str(row["value"]) for row in answered(reader, "overview", "Visits")]
    assert visits == [str(3 * 80)]
    assert answered(reader, "overview", "Bounce rate") == [{"value": 90 / 240}]
    assert answered(reader, "overview", "Page views a visit") == [{"value": 200 / 80}]
    days = answered(reader, "overview", "Visits by day")
    assert [str(row["time"])[:10] for row in days] == ["2026-11-02", "2026-11-03", "2026-11-05"]
    (channel,) = answered(reader, "sources", "Channels")
    assert channel["bounce rate"] is None
    assert int(str(channel["visits"])) == 3 * 80 + 30


def test_a_share_is_of_all_that_people_asked_for(reader: Reader) -> None:
    shares = answered(reader, "health", "Failed share of people's requests")
    assert [row["failed share"] for row in shares] == [40 / 640] * 4


def test_a_step_is_told_by_the_minute(reader: Reader) -> None:
    """Else a step of four minutes would look like four times the traffic."""
    rows = answered(reader, "health", "Live: requests a minute by class of answer")
    assert [row["requests"] for row in rows] == [15, 40] * 4
    assert {row["what"] for row in rows} == {"view 2xx"}


def test_the_funnel_s_steps_are_events_of_the_widget_in_their_order(reader: Reader) -> None:
    declared = {path.stem for path in (declarations.folder() / "widget/v1").glob("*.json")}
    assert set(STEPS) < declared
    assert tuple(row["event"] for row in answered(reader, "widget", "Funnel")) == STEPS


def test_the_choice_of_sites_is_a_query_that_answers(reader: Reader) -> None:
    def sites(name: str) -> list[object]:
        (board,) = (board for board in BOARDS if board.name == name)
        return [row["site"] for row in reader.rows(str(board.sites))]

    assert sites("overview") == ["shop"]
    assert sites("widget") == ["shop.widget"]
    assert sites("release") == ["shop", "shop.widget"]


def test_the_data_source_is_the_one_the_panels_ask_and_its_user_only_looks() -> None:
    text = (PROVISIONING / "datasources/partywall.yaml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    assert (source["type"], source["uid"]) == (SOURCE.type_val, SOURCE.uid)
    assert source["jsonData"]["username"] == "analyst"
    assert source["secureJsonData"] == {"password": "$__file{/run/secrets/clickhouse_analyst}"}
    assert not source["editable"]
