"""A sealed line is read again, alone, as split read it among the others."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipeline.restricted import open_reader
from pipeline.restricted.formats import FIELDS, FORMATS
from pipeline.restricted.proxies import read_proxies
from pipeline.restricted.records import RecordReader
from pipeline.settings import Split
from tests.golden.formats import FILES, read
from tests.support import door
from tests.support.door import messages

SHOP = b"shop"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_each_line_alone_says_what_it_said_in_its_file(file: Path) -> None:
    document = read(file)
    proxies = document.get("trusted_proxies", [])
    headers = [
        (name, str(document[name]).encode())
        for name in ("format", "zone", "fields")
        if name in document
    ]
    value = "\n".join(entry["line"] for entry in document["lines"]).encode()
    splitter = door.splitter(trusted_proxies=proxies)
    frame = splitter.read(messages([value], [[("site", SHOP), *headers]]), door.NOW).frame
    reader = RecordReader(FORMATS, read_proxies(proxies))
    alone = pl.concat(reader.read(frame[at], door.NOW) for at in range(frame.height))
    assert alone.select(*FIELDS).equals(frame.select(*FIELDS))
    assert alone["address"].null_count() < frame.height


def test_a_widget_s_line_gives_its_event_and_its_chat() -> None:
    line = (
        b'{"received":1799920890000,"address":"192.0.2.7","agent":null,"privacy":null,'
        b'"event":{"event":"rated","v":1,"rating":5,"chat_id":"chat-7"}}'
    )
    rows = pl.DataFrame(
        {"raw": [line, b"no json"], "format": ["widget"] * 2, "ingest": ["live"] * 2}
    )
    found = open_reader(Split()).read(rows, 1_799_920_900)
    assert found["event"].to_list() == ["rated", None]
    assert found["chat"].to_list() == ["chat-7", None]
    assert found["address"].to_list() == ["192.0.2.7", None]


def test_a_format_that_is_no_more_gives_the_line_and_no_field() -> None:
    rows = pl.DataFrame({"raw": [b"x"], "format": ["own-one"], "ingest": ["live"]})
    found = open_reader(Split()).read(rows, 0)
    assert found.height == 1
    assert found.null_count().sum_horizontal().item() == found.width
