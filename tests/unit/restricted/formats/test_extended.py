"""W3C extended logs: what a line means is said by the directive in force, however it is shipped."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.restricted.formats import FORMATS, Context, known, parse
from pipeline.restricted.formats.extended import named
from tests.support import door

NOW = 1_800_000_000
FIELDS = {
    "date time c-ip cs-uri-stem": "2015-05-17 10:05:03 192.0.2.{n} /{n}",
    "c-ip date time cs-uri-stem sc-bytes": "192.0.2.{n} 2015-05-17 10:05:03 /{n} 7",
    "timestamp cs-uri c-ip": '1431857103 "/{n}" 192.0.2.{n}',
    "date time cs-uri-stem": "2015-05-17 10:05:03 /{n}",
}
"""Directives, the last of which names no client, and a line under each of them."""

_entry = st.one_of(
    st.sampled_from(sorted(FIELDS)).map("#Fields: ".__add__),
    st.tuples(st.sampled_from(sorted(FIELDS)), st.integers(1, 250)).map(
        lambda pair: FIELDS[pair[0]].format(n=pair[1])
    ),
    st.sampled_from(["#Version: 1.0", "#Fields:", "", "nonsense"]),
)


def in_force(lines: list[str], directive: str) -> list[str]:
    """The directive before each line, and after the last, in plain Python."""
    found = [directive]
    for line in lines:
        found.append(
            line.removeprefix("#Fields:").strip() if line.startswith("#Fields:") else found[-1]
        )
    return found


@pytest.mark.parametrize("name", ["w3c", "netscaler"])
@settings(max_examples=120)
@given(
    lines=st.lists(_entry, min_size=1, max_size=24),
    cuts=st.sets(st.integers(1, 23)),
    directive=st.sampled_from(["", *FIELDS]),
)
def test_a_file_cut_anywhere_gives_the_same_rows(
    name: str, lines: list[str], cuts: set[int], directive: str
) -> None:
    """Each message brings the directive in force, and is read with others of the same one."""
    whole = parse(name, pl.Series(lines), Context(NOW, directive=directive))
    before = in_force(lines, directive)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    messages = list(pairwise(bounds))
    rows: dict[int, tuple[object, ...]] = {}
    for label in {before[begin] for begin, _ in messages}:
        mine = [at for begin, end in messages if before[begin] == label for at in range(begin, end)]
        starts = pl.Series([any(at == begin for begin, _ in messages) for at in mine])
        context = Context(NOW, directive=label, starts=starts)
        if label or directive == "":
            found = parse(name, pl.Series([lines[at] for at in mine]), context)
            rows.update(zip(mine, found.rows(), strict=True))
    assert rows == {at: whole.row(at) for at in rows}
    assert directive or len(rows) == len(lines)


def test_many_directives_cost_no_more_than_one() -> None:
    """A directive before every line: nothing is compiled for each of them."""
    lines: list[str] = []
    for n in range(1_000):
        lines += [f"#Fields: x-{n} date time c-ip", f"{n} 2015-05-17 10:05:03 192.0.2.7"]
    found = parse("w3c", pl.Series(lines), Context(NOW))
    assert found["reject"].value_counts().sort("reject").rows() == [
        (None, 1_000),
        ("directive", 1_000),
    ]


def test_a_message_without_a_directive_of_its_own_knows_nothing_of_the_one_before() -> None:
    lines = [
        "#Fields: date time c-ip",
        "2015-05-17 10:05:03 192.0.2.7",
        "2015-05-17 10:05:03 192.0.2.7",
    ]
    found = parse("w3c", pl.Series(lines), Context(NOW, starts=pl.Series([True, False, True])))
    assert found["reject"].to_list() == ["directive", None, "not_this_format"]


def test_a_fields_line_is_a_format_of_ones_own() -> None:
    among = known({"edge": "#Fields: date time c-ip cs-method cs-uri-stem cs(User-Agent)"})
    lines = pl.Series(
        [
            '2015-05-17 12:05:03 192.0.2.7 GET /a "x y"',
            "#Fields: c-ip date time",
            "192.0.2.9 2015-05-17 12:05:03",
        ]
    )
    found = parse("edge", lines, Context(NOW, zone="Europe/Berlin"), among=among)
    assert found["time"].to_list() == [1_431_857_103, None, 1_431_857_103]
    assert found.row(0, named=True)["agent"] == "x y"
    assert found["reject"].to_list() == [None, "directive", None]


@pytest.mark.parametrize("fields", ["", "date time", "c-ip date", "time c-ip cs-uri", "c-ip c-ip"])
def test_fields_that_read_nothing_are_refused_in_one_line(fields: str) -> None:
    assert not named(fields)
    with pytest.raises(SettingsError, match=r"^setting split\.formats\.edge: .*c-ip"):
        known({"edge": f"#Fields: {fields}"})


def test_of_two_fields_for_one_thing_the_better_counts() -> None:
    fields = "timestamp c-ip cs(Host) cs-host x-host-header cs(Referrer) cs(Referer) bytes sc-bytes"
    line = (
        "1431857103 192.0.2.7 c.example b.example a.example https://b.example https://a.example 1 2"
    )
    row = parse("w3c", pl.Series([line]), Context(NOW, directive=fields)).row(0, named=True)
    assert (row["host"], row["referrer"], row["bytes"]) == ("a.example", "https://a.example", 2)


@pytest.mark.parametrize("name", ["iis", "netscaler", "shoutcast", "cloudfront"])
def test_every_default_directive_names_a_client_and_a_time(name: str) -> None:
    module = __import__(f"pipeline.restricted.formats.known.{name}", fromlist=["FIELDS"])
    assert named(module.FIELDS)
    assert name in FORMATS


def test_auto_knows_the_directive_that_a_message_brings() -> None:
    headers = [("format", b"auto"), ("fields", b"date time c-ip cs-uri-stem")]
    batch = door.messages([b"2015-05-17 10:05:03 192.0.2.7 /a"], [headers])
    crossing = door.carry(door.splitter(), batch)
    assert crossing.outcomes == {("default", "event", ""): 1}


def test_what_stands_behind_a_quote_is_no_field_of_its_own() -> None:
    fields = "date time c-ip cs-username cs-uri-stem sc-status cs(User-Agent) cs(Referer)"
    context = Context(NOW, directive=fields)
    spoofed = '2015-05-17 10:05:03 192.0.2.7 "u"203.0.113.9 / 200 "x y"'
    whole = '2015-05-17 10:05:03 192.0.2.7 "u v" / 200 "x" -'
    found = parse("w3c", pl.Series([spoofed, whole]), context)
    assert found["reject"].to_list() == ["not_this_format", None]


def test_a_stream_is_got_whatever_its_neighbours_fields_are() -> None:
    lines = pl.Series(
        ["192.0.2.7 - 2015-05-17 10:05:03 /stream 200 x 5 1 1", "#Fields: c-ip date time cs-method"]
    )
    alone = parse("shoutcast", lines[:1], Context(NOW))
    assert parse("shoutcast", lines, Context(NOW))[:1].equals(alone)
    assert alone["method"].to_list() == ["GET"]
