"""A new purpose applies only to what was collected after it was announced: promised, and kept.

Version 2 brings the purpose ``research``; a line written under version 1 refuses it: in a batch, on
its way through door 1, and once more where the rollup counts breakdowns.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from pipeline import events
from pipeline.errors import SettingsError
from pipeline.events import DIMENSION_PURPOSES, PURPOSES, EventsHeader
from pipeline.investigations.open import open_batch
from pipeline.policy import Policy, Retention, Version
from pipeline.purposes import NOT_COLLECTED, Refusals
from pipeline.rollups.rollup import Rollup
from tests.support import door

RETENTION = Retention(24, 48, 90, 1100)
BASE = frozenset({"operation", "statistics"})
HOUR = 1_799_989_200
CHANGE = HOUR + 1800
"""Version 2 is in force from here on, in seconds since 1970."""


def a_policy(*later: frozenset[str], first: frozenset[str] = BASE) -> Policy:
    purposes = (first, *later)
    return Policy(
        tuple(
            Version(n + 1, moment, named, 10, RETENTION)
            for n, (moment, named) in enumerate(
                zip([_at(0), _at(CHANGE), _at(CHANGE + 900)], purposes, strict=False)
            )
        )
    )


def _at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


RESEARCH = a_policy(BASE | {"research"})


def line(second: int) -> bytes:
    stamp = _at(second).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return (
        f'192.0.2.{second % 50 + 1} - - [{stamp}] "GET /p HTTP/1.1" 200 7 '
        '"https://www.google.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Firefox/126.0"'
    ).encode()


LINES = [line(second) for second in (HOUR, CHANGE - 1, CHANGE, CHANGE + 1)]


def batch(*versions: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"policy": versions, "page": "/p", "bytes": 7, "status": "200"},
        schema={"policy": pl.UInt16, "page": pl.String, "bytes": pl.UInt64, "status": pl.String},
    )


def test_a_batch() -> None:
    refusals = Refusals(RESEARCH, {"page": "research", "bytes": "research", "status": "statistics"})
    found = refusals.apply(batch(1, 2, 1, 2))
    assert found["page"].to_list() == [NOT_COLLECTED, "/p", NOT_COLLECTED, "/p"]
    assert found["bytes"].to_list() == [0, 7, 0, 7]
    assert found["status"].to_list() == ["200"] * 4
    assert found.schema == batch(1).schema


def test_nothing_is_refused_where_all_is_new_enough() -> None:
    refusals = Refusals(RESEARCH, {"page": "research"})
    assert refusals.apply(batch(2, 2)).equals(batch(2, 2))
    assert refusals.apply(batch()).equals(batch())


def test_a_purpose_nobody_names_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"page: .* research"):
        Refusals(a_policy(), {"page": "research"})
    with pytest.raises(SettingsError, match="page"):
        Refusals(a_policy(BASE | {"research"}, BASE), {"page": "research"})


def test_a_field_of_a_new_purpose_does_not_cross_for_an_older_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Door 1, end to end: the page and the bytes are declared to serve research."""
    monkeypatch.setitem(PURPOSES, "page", "research")
    monkeypatch.setitem(PURPOSES, "bytes", "research")
    crossing = door.carry(door.splitter(RESEARCH), door.messages(LINES))
    rows = door.rows(crossing)
    assert rows["policy"].to_list() == [1, 1, 2, 2]
    assert rows["page"].to_list() == [NOT_COLLECTED, NOT_COLLECTED, "/p", "/p"]
    assert rows["bytes"].to_list() == [0, 0, 7, 7]
    assert rows["status"].to_list() == ["200"] * 4
    # What is sealed says under which version it was collected, too.
    [records] = [open_batch(door.DAY.private, message) for message in crossing.sealed]
    assert records["policy"].to_list() == [1, 1, 2, 2]
    assert records["raw"].to_list() == LINES


def test_without_a_new_purpose_all_of_it_crosses() -> None:
    rows = door.rows(door.carry(door.splitter(RESEARCH), door.messages(LINES)))
    assert rows["page"].to_list() == ["/p"] * 4
    assert rows["bytes"].to_list() == [7] * 4


def test_lines_from_before_statistics_was_a_purpose_make_no_event() -> None:
    """They are sealed and counted as ignored, with the reason."""
    made = a_policy(BASE, first=frozenset({"operation"}))
    crossing = door.carry(door.splitter(made), door.messages(LINES))
    assert door.rows(crossing)["policy"].to_list() == [2, 2]
    assert crossing.outcomes == {
        ("default", "event", ""): 2,
        ("default", "ignored", "no_purpose"): 2,
    }
    assert sum(open_batch(door.DAY.private, m).height for m in crossing.sealed) == 4


def test_lines_from_before_any_policy_make_no_event() -> None:
    made = Policy(RESEARCH.versions[1:])
    crossing = door.carry(door.splitter(made), door.messages(LINES))
    assert door.rows(crossing)["policy"].to_list() == [2, 2]
    assert crossing.outcomes[("default", "ignored", "no_policy")] == 2


def test_a_breakdown_of_a_new_purpose_refuses_older_rows() -> None:
    """The rollup, end to end: the events crossed for statistics, the breakdown is for research."""
    crossing = door.carry(door.splitter(RESEARCH), door.messages(LINES))
    wanted = {**DIMENSION_PURPOSES, "page": "research", "browser": "research"}
    counted = {}
    for where, message in crossing.events:
        rollup = Rollup((door.SOURCE,), 0, Refusals(RESEARCH, wanted))
        rollup.apply(0, message)
        end = EventsHeader(door.SOURCE, len(LINES), "live", None, end=True)
        _, cut, _ = rollup.apply(1, events.encode(end, events.EMPTY))
        assert cut is not None
        counted[where] = cut.cells.with_columns(pl.col(pl.Categorical).cast(pl.String))
    cells = pl.concat(counted.values())
    pages = dict(cells.group_by("page").agg(pl.col("hits").sum()).iter_rows())
    assert pages == {NOT_COLLECTED: 2, "/p": 2}
    assert set(cells["browser"]) == {NOT_COLLECTED, "Firefox"}
    assert cells["status"].unique().to_list() == ["200"]
    assert cells["hits"].sum() == len(LINES)


def test_every_field_and_dimension_has_a_purpose_of_the_packaged_policy() -> None:
    assert set(DIMENSION_PURPOSES) <= set(PURPOSES)
    for name, purpose in DIMENSION_PURPOSES.items():
        assert PURPOSES[name] == purpose
