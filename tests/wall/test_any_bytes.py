"""Whatever bytes arrive at door 1, every line is an event, rejected or ignored, and is sealed.

The lines are counted and cut here by plain Python, and what was sealed is opened again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.investigations.open import open_batch
from pipeline.restricted import Crossing, RawMessages
from pipeline.restricted.formats import FORMATS, RAW_SCHEMA, REJECTS, WRAPPERS, Context, parse
from pipeline.restricted.judge import EVENT, IGNORED, REASONS, REJECTED
from pipeline.restricted.lines import _LABEL
from tests.support import door

CORPUS = sorted((Path(__file__).parents[1] / "fuzz").glob("*.log"))
WRAPPED = [f"{wrapper}.combined" for wrapper in WRAPPERS]
NAMES = [*FORMATS, *WRAPPED, "syslog5424.docker.cloudflare", "auto", "no-such-format"]
GOOD = b'192.0.2.7 - - [14/Jan/2027:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "Mozilla/5.0"'
SPLITTER = door.splitter(max_line_bytes=65_536)
W3C = (
    "date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(Referer) "
    "cs(User-Agent) cs-host"
)
DIRECTIVES = {"w3c": W3C}
"""What has to be known of a file in a format that does not say it in every line."""


def lines_of(batch: RawMessages) -> list[bytes]:
    """The lines of a batch as the description of the raw topic says, and no other way."""
    found: list[bytes] = []
    for value, headers in zip(batch.values, batch.headers, strict=True):
        if dict(headers).get("control") == b"end":
            continue
        found += value.removesuffix(b"\n").split(b"\n")
    return found


def check(batch: RawMessages, crossing: Crossing) -> Counter[str]:
    """Every line is counted once and sealed as it came; events have the closed shape."""
    lines = lines_of(batch)
    counted: Counter[str] = Counter()
    for (site, outcome, reason), number in crossing.outcomes.items():
        assert _LABEL.fullmatch(site.encode())
        assert (reason in REASONS) == (outcome in {REJECTED, IGNORED})
        counted[outcome] += number
    assert set(counted) <= {EVENT, REJECTED, IGNORED}
    assert counted.total() == len(lines)
    records = [open_batch(door.DAY.private, message) for message in crossing.sealed]
    sealed = [line for part in records for line in part["raw"].to_list()]
    assert sealed == lines
    outcomes: Counter[str] = Counter(o for part in records for o in part["outcome"].to_list())
    assert outcomes == counted
    rows = door.rows(crossing)
    assert rows.height == counted[EVENT]
    assert not any(rows.null_count().row(0))
    return counted


_word = st.sampled_from(
    [b"", b" ", b"-", b'"', b"\\", b"[", b"{", b"}", b":", b"\x00", b"\xff", b"\r", b"\xc3", GOOD,
     b"192.0.2.7", b"::1", b'"GET / HTTP/1.1"', b"[14/Jan/2027:10:05:03 +0000]", b"200",
     b'{"remote_addr":"192.0.2.7","msec":"1', b"#Fields: date time c-ip", b"#", b"\t",
     b"2027-01-14 10:05:03", b"haproxy[7]: ", b"x" * 65_537, GOOD[:-1] + b"y" * 70_000 + b'"',
     "é".encode() * 40_000, b"\x00" * 66_000]
)  # fmt: skip
_line = st.one_of(
    st.binary(max_size=60), st.just(GOOD), st.lists(_word, max_size=4).map(b" ".join)
).map(lambda line: line.replace(b"\n", b"?"))
_value = st.one_of(
    st.binary(max_size=200),
    _line,
    st.lists(_line, max_size=6).map(b"\n".join),
    st.lists(_line, min_size=1, max_size=6).map(lambda lines: b"\n".join(lines) + b"\n"),
)
_label = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"shop", b"live", b"\xff\xfe", b"a" * 65, b"with blank", b"end", b"a\n", b""]),
    st.sampled_from([name.encode() for name in NAMES]),
    st.sampled_from([b"Europe/Berlin", b"localtime", b"date time c-ip", W3C.encode()]),
)
_name = st.sampled_from(
    ["site", "source", "format", "ingest", "control", "line", "shipped", "zone", "fields", "?"]
)
_headers = st.lists(st.tuples(_name, _label), max_size=6)
_one = st.tuples(_value, _headers)


@settings(max_examples=120)
@given(st.lists(_one, min_size=1, max_size=5))
def test_any_messages_with_any_headers(made: list[tuple[bytes, list[door.Header]]]) -> None:
    batch = door.messages([value for value, _ in made], [headers for _, headers in made])
    check(batch, door.carry(SPLITTER, batch))


@settings(max_examples=60)
@given(st.lists(_value, min_size=1, max_size=6), st.sampled_from(NAMES), st.booleans())
def test_any_chunks_in_any_format(values: list[bytes], name: str, gone: bool) -> None:
    """``gone``: also where the day's key has been destroyed, and the line comes too late."""
    batch = door.messages(values, [[("format", name.encode())]] * len(values))
    counted = check(
        batch, door.carry(SPLITTER, batch, keys=(lambda *_: None) if gone else door.a_key)
    )
    assert not (gone and counted[EVENT])


def corpus(path: Path) -> list[bytes]:
    return path.read_bytes().removesuffix(b"\n").split(b"\n")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_through_the_door(path: Path, name: str) -> None:
    """Line by line and in one chunk the same comes out."""
    lines = corpus(path)
    alone = door.messages(lines, [[("format", name.encode())]] * len(lines))
    whole = door.messages([b"\n".join(lines)], [[("format", name.encode())]])
    counts = [check(batch, door.carry(SPLITTER, batch)) for batch in (alone, whole)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", [*FORMATS, *WRAPPED])
def test_the_corpus_through_each_parser(path: Path, name: str) -> None:
    """All at once gives what each line gives alone: no line can spoil or shift another.

    A third of the lines is read alone, the next in another format; all are read in turned order.
    """
    lines = pl.Series([line.decode("utf-8", "replace") for line in corpus(path)])
    context = Context(door.NOW, directive=DIRECTIVES.get(name, ""))
    # Every line is a message: what it means depends on no other.
    each = replace(context, starts=pl.repeat(True, len(lines), eager=True))
    found = parse(name, lines, each)
    assert dict(found.schema) == RAW_SCHEMA
    assert found.height == len(lines)
    assert set(found["reject"].drop_nulls()) <= set(REJECTS)
    assert parse(name, lines.reverse(), each).reverse().equals(found)
    some = range(NAMES.index(name) % 3, len(lines), 3)
    alone = pl.concat([parse(name, lines[at : at + 1], context) for at in some])
    assert found[list(some)].equals(alone)


def test_the_corpus_is_worth_reading() -> None:
    """Some of it is an event in every format, and every reason to reject turns up."""
    seen: set[str] = set()
    for name in (*FORMATS, *WRAPPED):
        outcomes: Counter[str] = Counter()
        for path in CORPUS:
            lines = pl.Series([line.decode("utf-8", "replace") for line in corpus(path)])
            context = Context(door.NOW, directive=DIRECTIVES.get(name, ""))
            outcomes.update(parse(name, lines, context)["reject"].fill_null("none").to_list())
        assert outcomes["none"], name
        seen |= set(outcomes)
    assert seen >= set(REJECTS) - {"too_long"}


def test_too_long_a_line_is_sealed_whole_with_its_reason() -> None:
    limit = 65_536
    fits = GOOD[:-1] + b"y" * (limit - len(GOOD)) + b'"'
    lines: Sequence[bytes] = [fits, fits + b"y", GOOD]
    assert len(fits) == limit
    batch = door.messages([b"\n".join(lines)])
    crossing = door.carry(SPLITTER, batch)
    check(batch, crossing)
    assert crossing.outcomes == {
        ("default", EVENT, ""): 2,
        ("default", REJECTED, "too_long"): 1,
    }
