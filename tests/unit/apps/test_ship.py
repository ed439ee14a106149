"""What a file's name says of its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.apps import ship
from pipeline.clock import system_clock

LINE = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "Mozilla/5.0"\n'


@pytest.mark.parametrize(
    ("name", "source", "label"),
    [
        ("access.log", None, "access.log"),
        ("shop one.log", None, "shop-one.log"),
        ("alice@example.com.log", None, "file"),
        ("alice@example.com.log", "mail", "mail"),
        ("...", None, "file"),
    ],
)
def test_a_source_is_a_files_name_unless_it_looks_like_an_address(
    tmp_path: Path, name: str, source: str | None, label: str
) -> None:
    (tmp_path / name).write_text(LINE)
    [plan] = ship.plan([str(tmp_path / name)], "s", source, "combined", "b1", system_clock)
    assert plan.tags.source == label


def test_a_rotated_set_goes_oldest_first_under_the_name_of_its_log(tmp_path: Path) -> None:
    """By the times in it where there are some; two sets by their oldest."""
    for name, day in (("access.log", 20), ("access.log.1", 19), ("access.log.2", 18),
                      ("access.log.10", 10), ("access.log-20150517", 17), ("b.log", 12),
                      ("b.log.1", 11)):  # fmt: skip
        (tmp_path / name).write_text(LINE.replace("17/May", f"{day}/May"))
    plans = ship.plan([str(tmp_path)], "s", None, "combined", "b1", system_clock)
    assert [Path(plan.name).name for plan in plans] == [
        "access.log.10", "access.log-20150517", "access.log.2", "access.log.1", "access.log",
        "b.log.1", "b.log",
    ]  # fmt: skip
    assert {plan.tags.source for plan in plans} == {"access.log", "b.log"}


def test_numbered_parts_go_by_their_times_and_not_by_their_numbers(tmp_path: Path) -> None:
    """What split(1) or an export makes counts the other way."""
    for number in range(1, 4):
        (tmp_path / f"part.{number}").write_text(LINE.replace("17/May", f"{number + 10}/May"))
    plans = ship.plan([str(tmp_path)], "s", None, "combined", "b1", system_clock)
    assert [Path(plan.name).name for plan in plans] == ["part.1", "part.2", "part.3"]


def test_a_set_whose_times_are_not_read_goes_by_its_names(tmp_path: Path) -> None:
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a.log.11"):
        (tmp_path / name).write_text("no time\n")
    plans = ship.plan([f"{tmp_path}/*"], "s", None, "combined", "b1", system_clock)
    assert [Path(plan.name).name for plan in plans] == [
        "a.log.11",
        "a.log.2.gz",
        "a.log.1",
        "a.log",
    ]


@pytest.mark.parametrize("ingest", ["live", "b1"])
def test_only_a_live_log_that_is_written_to_may_end_in_half_a_line(
    tmp_path: Path, ingest: str
) -> None:
    for name in ("a.log", "a.log.1"):
        (tmp_path / name).write_text(LINE)
    plans = ship.plan(
        [str(tmp_path)], "s", None, "combined", ingest, system_clock, begun=lambda _: True
    )
    assert {Path(plan.name).name: plan.whole for plan in plans} == {
        "a.log": ingest != "live",
        "a.log.1": True,
    }


def test_a_zone_and_what_a_format_needs_go_with_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE)
    [plan] = ship.plan(
        [str(tmp_path / "a.log")], "s", None, "combined", "b1", system_clock, zone="Europe/Berlin"
    )
    assert ("zone", b"Europe/Berlin") in plan.tags.headers()
    assert not plan.directives
    assert {"w3c", "iis"} <= ship.DIRECTED
