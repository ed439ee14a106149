"""A site's clock, in columns and alone, shows what a clock of its zone shows at every moment."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import zones
from pipeline.errors import SettingsError
from pipeline.shown import is_zone, shown
from pipeline.zones import Zones

PLACES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
          "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]  # fmt: skip
MOMENTS = st.integers(1_600_000_000, 1_800_000_000)


def by_python(moment: int, zone: str) -> int:
    there = dt.datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=dt.UTC)
    return int(there.timestamp())


@given(moments=st.lists(MOMENTS, min_size=1), zone=st.sampled_from(PLACES))
def test_a_column_and_a_moment_show_what_python_shows(moments: list[int], zone: str) -> None:
    expected = [by_python(moment, zone) for moment in moments]
    column = pl.DataFrame({"time": moments}, schema={"time": pl.Int64()})
    assert column.select(shown(pl.col("time"), zone)).to_series().to_list() == expected
    assert [zones.reading(moment, zone) for moment in moments] == expected


@given(first=MOMENTS, span=st.integers(0, 300_000), zone=st.sampled_from(PLACES))
def test_days_between_are_those_that_a_clock_shows(first: int, span: int, zone: str) -> None:
    found = zones.days(first, first + span, zone)
    shown = {by_python(first + second, zone) // 86_400 for second in (*range(0, span, 1800), span)}
    assert set(found) == shown


def test_offsets_are_those_of_summer_and_of_winter() -> None:
    now = int(dt.datetime(2026, 11, 30, tzinfo=dt.UTC).timestamp())
    assert zones.offsets(["Europe/Berlin"], now) == (3600, 7200)
    assert zones.offsets(["America/New_York", "Asia/Kolkata"], now) == (-5 * 3600, 19_800)


def test_a_widget_stands_on_its_sites_clock() -> None:
    known = Zones.named("Europe/Berlin", {"shop": "Asia/Tokyo"})
    assert [known.of(site) for site in ("shop", "shop.widget", "blog", "blog.widget")] == [
        "Asia/Tokyo", "Asia/Tokyo", "Europe/Berlin", "Europe/Berlin",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("usual", "by_site", "word"),
    [
        ("Europe/Bonn", {}, "windows.zone: Europe/Bonn is no time zone"),
        ("UTC", {"shop": "here"}, "windows.zones.shop: here is no time zone"),
        ("UTC", {"shop.widget": "UTC"}, "put it under shop"),
    ],
)
def test_a_strange_zone_is_refused_by_its_setting(
    usual: str, by_site: dict[str, str], word: str
) -> None:
    with pytest.raises(SettingsError, match=word):
        Zones.named(usual, by_site)


def test_a_zone_is_one_that_lines_can_be_read_with() -> None:
    """Python and Polars do not know the same ones: what only one knows would end the stage."""
    assert all(is_zone(name) for name in available_timezones() - {"Factory", "localtime"})
    for name in ("localtime", "posixrules", "posix/Europe/Berlin", "Europe/", "", "../UTC", "\0"):
        assert not is_zone(name)
