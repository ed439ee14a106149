"""Any bytes, in any messages, become lines; any line becomes an event or a sealed reject."""

from __future__ import annotations

import gzip
from collections.abc import Sized
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import events, policy, sealed
from pipeline.restricted import Label, RawMessages, Splitter, client_ip, open_splitter
from pipeline.restricted.formats import FORMATS
from pipeline.restricted.lines import MOST_GUESSES, MOST_LABELS, Headers, Labeller, explode, text
from pipeline.settings import Split
from tests.support import door
from tests.unit.sealed.records import day_key

DEFAULT = Label("default", "kafka", "combined")
NOW = 1_500_000_000
GOOD = (
    b'10.1.2.3 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "Mozilla/5.0 '
    b'(X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"'
)
CORPUS = [
    b"",
    b"\r",
    b"\x00",
    b"\xff\xfe\xfa",
    b"\xed\xa0\x80",
    GOOD,
    GOOD[:-40],
    GOOD + b"\r",
    GOOD.replace(b"GET /a", b"\\x16\\x03\\x01"),
    GOOD.replace(b"200 7", b"200 99999999999999999999999"),
    GOOD.replace(b"2015", b"9999"),
    GOOD.replace(b"17/May", b"31/Feb"),
    GOOD.replace(b"10.1.2.3", b"fe80::1%eth0"),
    GOOD.replace(b'"-"', b'"' + b'\\"' * 300 + b'"'),
    b'{"ts": 1e400, "request": null}',
    b'{"ts": 1, "request": {"headers": {"User-Agent": [[]]}}, "status": -1}',
    b"[" * 2000,
    b'"' * 500,
    b" " * 500,
    "🧱".encode() * 50,
]
line = st.one_of(st.sampled_from(CORPUS), st.binary(max_size=80))
value = st.lists(line, max_size=6).map(b"\n".join)
names = st.sampled_from(["site", "source", "format", "ingest", "line", "control", "x"])
header = st.tuples(
    names, st.one_of(st.sampled_from([b"shop", b"end", b"auto", *map(str.encode, FORMATS)]),
                     st.binary(max_size=10)),
)  # fmt: skip


def lines_of(message: bytes, headers: Headers) -> list[bytes]:
    """The contract, in plain Python."""
    if dict(headers).get("control") == b"end":
        return []
    lines = message.split(b"\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


messages = st.lists(st.tuples(value, st.lists(header, max_size=3)), min_size=1, max_size=6)


def raw(found: list[tuple[bytes, list[tuple[str, bytes]]]]) -> RawMessages:
    return RawMessages(
        "logs.web:3",
        [7 * n for n in range(len(found))],
        [v for v, _ in found],
        [h for _, h in found],
    )


@settings(max_examples=300)
@given(messages)
def test_every_line_of_every_message_is_there_once_with_its_number(
    found: list[tuple[bytes, list[tuple[str, bytes]]]],
) -> None:
    exploded = explode(raw(found), Labeller(DEFAULT))
    expected = [
        (7 * at, number, content)
        for at, (message, headers) in enumerate(found)
        for number, content in enumerate(lines_of(message, headers))
    ]
    assert exploded.frame.select("offset", "line", "raw").rows() == expected
    assert exploded.frame["label"].max() is None or all(
        number < len(exploded.labels) for number in exploded.frame["label"]
    )
    assert len(text(exploded.frame["raw"])) == len(expected)


@settings(max_examples=200)
@given(st.lists(header, max_size=4))
def test_a_header_is_a_label_or_is_not_believed(headers: list[tuple[str, bytes]]) -> None:
    """Labels cross the wall: whatever is sent, they are letters, digits, dots and dashes."""
    for label in explode(raw([(GOOD, headers)]), Labeller(DEFAULT)).labels:
        for part in (label.site, label.source, label.format, label.ingest):
            assert part.isascii()
            assert part.replace(".", "").replace("-", "").replace("_", "").isalnum()


@pytest.fixture(scope="module")
def splitter() -> Splitter:
    return open_splitter(Split(), policy.load(None), 4)


def key_of(day: int) -> bytes:
    return day.to_bytes(32, "big", signed=True)


def check(splitter: Splitter, batch: RawMessages, lines: int) -> None:
    """Cross the wall, and close the account on both sides of it."""
    reading = splitter.read(batch, NOW)
    keys = {(ingest, day): key_of(day) if day % 2 == 0 else None for ingest, day in reading.days}
    crossing = splitter.cross(reading, day_key().key, keys)
    assert sum(crossing.outcomes.values()) == lines
    rows = [events.decode(message)[1] for _, message in crossing.events]
    made = sum(frame.height for frame in rows)
    assert made == sum(n for (_, outcome, _), n in crossing.outcomes.items() if outcome == "event")
    assert sum(sealed.decode(m).header.records for m in crossing.sealed) == lines


@settings(max_examples=120)
@given(found=messages)
def test_any_bytes_become_events_or_sealed_rejects(
    splitter: Splitter, found: list[tuple[bytes, list[tuple[str, bytes]]]]
) -> None:
    """Never an exception, and lines = events + rejected + ignored = sealed."""
    check(splitter, raw(found), sum(len(lines_of(*message)) for message in found))


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_the_corpus_goes_through_every_format(splitter: Splitter, format_: str) -> None:
    headers = [("format", format_.encode())]
    found = [(line, headers) for line in CORPUS] + [(b"\n".join(CORPUS), headers)]
    batch = RawMessages(
        "logs.web:0", list(range(len(found))), [v for v, _ in found], [h for _, h in found]
    )
    check(splitter, batch, 2 * len(CORPUS))


def test_a_line_over_the_limit_is_sealed_and_no_event(splitter: Splitter) -> None:
    long = GOOD[:-1] + b"x" * 70_000 + b'"'
    batch = RawMessages("logs.web:0", [1, 2], [long, GOOD], [(), ()])
    reading = splitter.read(batch, NOW)
    crossing = splitter.cross(reading, day_key().key, dict.fromkeys(reading.days, bytes(32)))
    assert crossing.outcomes == {
        ("default", "rejected", "too_long"): 1,
        ("default", "event", ""): 1,
    }


def test_real_lines_as_messages_or_as_chunks_come_to_the_same(splitter: Splitter) -> None:
    path = Path(__file__).parents[4] / "shared/data/apache_logs.gz"
    if not path.is_file():
        pytest.skip("the sample of real requests is not there")
    lines = gzip.decompress(path.read_bytes()).removesuffix(b"\n").split(b"\n")[:3000]
    outcomes = []
    for values in (lines, [b"\n".join(lines[at : at + 700]) for at in range(0, 3000, 700)]):
        batch = RawMessages("logs.web:0", list(range(len(values))), values, [()] * len(values))
        reading = splitter.read(batch, NOW)
        keys = {(ingest, day): key_of(day) for ingest, day in reading.days}
        crossing = splitter.cross(reading, day_key().key, keys)
        outcomes.append(crossing.outcomes)
        rows = [events.decode(message)[1].drop("offset", "line") for _, message in crossing.events]
        outcomes[-1] |= {("bytes", "", ""): sum(int(f["bytes"].sum()) for f in rows)}
    assert outcomes[0] == outcomes[1]


def test_live_traffic_cannot_be_ended() -> None:
    """Whoever may ship could close everybody's windows else."""
    end = ("control", b"end")
    headers: list[Headers] = [[end], [end, ("ingest", b"live")], [end, ("ingest", b"old")]]
    found = explode(
        RawMessages("logs.web:0", [0, 1, 2], [b"", b"", b""], headers),
        Labeller(Label("site", "source", "combined")),
    )
    assert found.said.ended == ["old"]


def test_a_backfill_says_on_which_topics_it_comes() -> None:
    """Only topics of raw lines, and never of live traffic, which is everywhere."""

    def begin(ingest: bytes, topics: bytes) -> Headers:
        return [("control", b"begin"), ("ingest", ingest), ("topics", topics)]

    headers: list[Headers] = [
        begin(b"old", b"logs.widget"), begin(b"old", b"logs.web,events,alice"),
        begin(b"live", b"logs.widget"), begin(b"other", b""), [("control", b"begin")],
    ]  # fmt: skip
    batch = RawMessages("logs.web:0", [0, 1, 2, 3, 4], [b""] * 5, headers)
    found = explode(batch, Labeller(Label("site", "source", "combined")))
    assert found.said.begun == {"old": ("logs.web", "logs.widget")}
    assert not found.said.ended
    assert found.frame.is_empty()


def test_the_least_watermark_of_a_batch_counts() -> None:
    """Whoever else ships into the ingest; and no one speaks for what is not theirs to name."""

    def line(ingest: bytes, watermark: bytes, site: bytes = b"shop") -> Headers:
        return [("site", site), ("ingest", ingest), ("watermark", watermark)]

    headers: list[Headers] = [
        line(b"old", b"170"), line(b"old", b"150"), line(b"old", b"160"), line(b"live", b"90"),
        line(b"old", b"-1"), line(b"old", b""), line(b"old", b"1" * 13), line(b"old", b"1.5"),
        line(b"old", b"10", b"strange"), [("ingest", b"other")],
    ]  # fmt: skip
    batch = RawMessages("logs.web:0", list(range(10)), [b"a line"] * 10, headers)
    found = explode(batch, Labeller(Label("shop", "source", "combined"), sites=["shop"]))
    assert found.said.watermarks == {"old": 150, "live": 90}
    assert found.frame.height == 10


def test_what_is_said_of_an_ingest_crosses_with_its_events(splitter: Splitter) -> None:
    headers: list[Headers] = [
        [("control", b"begin"), ("ingest", b"old"), ("topics", b"logs.web,logs.widget")],
        [("ingest", b"old")],
    ]
    batch = RawMessages("logs.web:0", [0, 1], [b"", GOOD], headers)
    reading = splitter.read(batch, NOW)
    keys = {(ingest, day): key_of(day) for ingest, day in reading.days}
    crossing = splitter.cross(reading, day_key().key, keys)
    heads = [events.decode_header(message) for _, message in crossing.events]
    assert {(h.ingest, h.topics) for h in heads} == {("old", ("logs.web", "logs.widget"))}


def test_no_site_is_called_as_a_widget(splitter: Splitter) -> None:
    batch = labelled({"site": "shop.widget"}, {"site": "shop.widget2"}, {"site": "widget"})
    assert set(splitter.read(batch, NOW).frame.select("site", "reject").iter_rows()) == {
        ("default", "unknown_label"),
        ("shop.widget2", None),
        ("widget", None),
    }


def labelled(*names: dict[str, str]) -> RawMessages:
    """A good line for each of these headers."""
    headers: list[Headers] = [[(k, v.encode()) for k, v in each.items()] for each in names]
    return RawMessages("logs.web:0", list(range(len(names))), [GOOD] * len(names), headers)


def test_a_batch_is_cut_before_it_has_too_many_labels(splitter: Splitter) -> None:
    """Each label costs a parser's start: thousands in a batch would stall the line."""
    batch = labelled(*({"site": f"s{n // 2}"} for n in range(300)))
    reading = splitter.read(batch, NOW)
    assert reading.messages.offsets == list(range(2 * MOST_LABELS))
    assert reading.frame["site"].n_unique() == MOST_LABELS
    keys = {(ingest, day): key_of(day) for ingest, day in reading.days}
    crossing = splitter.cross(reading, day_key().key, keys)
    assert sum(crossing.outcomes.values()) == 2 * MOST_LABELS
    last = {events.decode(message)[0].last_offset for _, message in crossing.events}
    assert last == {2 * MOST_LABELS - 1}


def test_what_is_no_label_costs_no_label(splitter: Splitter) -> None:
    batch = labelled(*({"site": f"?{n}", "source": "?" * 999} for n in range(300)))
    assert splitter.read(batch, NOW).messages is batch


def test_labels_outside_the_lists_are_sealed_under_the_default_one() -> None:
    """Whoever may ship may not make up sites, nor end an ingest by way of a wrong one."""
    made = open_splitter(
        Split(sites=["shop"], ingests=["old"], ingest="first"), policy.load(None), 4
    )
    end = {"control": "end"}
    batch = labelled(
        {"site": "shop"}, {}, {"site": "blog"}, {"site": "shop", "ingest": "new"},
        {"ingest": "old"}, {"ingest": "new", **end}, {"ingest": "old", **end},
    )  # fmt: skip
    reading = made.read(batch, NOW)
    keys = {(ingest, day): key_of(day) for ingest, day in reading.days}
    crossing = made.cross(reading, day_key().key, keys)
    assert crossing.outcomes == {
        ("shop", "event", ""): 1,
        ("default", "event", ""): 2,
        ("default", "rejected", "unknown_label"): 2,
    }
    assert reading.lines.said.ended == ["old"]
    index = pl.concat([sealed.index_rows(sealed.decode(one)) for one in crossing.sealed])
    assert index["site"].to_list() == ["shop", "default", "default", "default", "default"]
    assert index["ingest"].to_list() == ["first", "first", "first", "first", "old"]


def test_a_new_day_forgets_the_values_of_the_old_one() -> None:
    made = open_splitter(Split(), policy.load(None), 4)
    remembered: list[Sized] = [
        made._describer._agents._remembered,
        made._describer._referrers._remembered,
        made._describer._pages._scrubber._remembered,
        client_ip._canonical,
    ]
    line = GOOD.replace(b"10.1.2.3", b"2001:DB8::7")
    batch = RawMessages("logs.web:0", [1], [line], [()])
    made.forget(17_000)
    reading = made.read(batch, NOW)
    made.cross(reading, day_key().key, dict.fromkeys(reading.days, bytes(32)))
    made.forget(17_000)
    assert all(len(each) for each in remembered)
    made.forget(17_001)
    assert not any(len(each) for each in remembered)


def test_few_formats_are_guessed_at_a_time() -> None:
    """Each guess tries all formats, so that many labels would hold a batch up for long."""
    labeller = Labeller(Label("default", "kafka", "combined"))
    headers = [[("source", f"s{n}".encode()), ("format", b"auto")] for n in range(20)]
    batch = door.messages([b"x"] * 20, headers)
    assert explode(batch, labeller).messages == MOST_GUESSES


def test_labels_that_are_too_long_to_remember_are_forgotten_too() -> None:
    labeller = Labeller(Label("default", "kafka", "combined"))
    for n in range(10_001):
        labeller.number({"source": f"s{n}".encode(), "fields": b"x" * 4_000})
    assert labeller.full
