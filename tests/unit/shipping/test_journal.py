"""An entry of a journal export is one line of JSON, and any of them may be gone on with."""

from __future__ import annotations

import struct
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.shipping import inputs, journal
from pipeline.shipping.chunks import chunks, cutter
from pipeline.shipping.resume import Points
from pipeline.shipping.ship import Plan, Shipper, Tags
from tests.unit.shipping.conftest import Broker, GoneError

Entry = list[tuple[str, bytes]]


def export(entries: list[Entry]) -> bytes:
    """As ``journalctl -o export``: texts as they are, others with their length before them."""
    made = b""
    for number, entry in enumerate(entries):
        made += b"__CURSOR=s=%d\n" % number
        for name, value in entry:
            if b"\n" in value or any(byte < 32 and byte != 9 for byte in value):
                made += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
            else:
                made += name.encode() + b"=" + value + b"\n"
        made += b"\n"
    return made


def expected(number: int, entry: Entry) -> dict[str, object]:
    made: dict[str, list[object]] = {"__CURSOR": [f"s={number}"]}
    for name, value in entry:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = "\x00"
        odd = any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in text)
        made.setdefault(name, []).append(list(value) if odd else text)
    return {name: values[0] if len(values) == 1 else values for name, values in made.items()}


names = st.sampled_from(["MESSAGE", "_PID", "SYSLOG_IDENTIFIER", "__REALTIME_TIMESTAMP"])
values = st.one_of(st.binary(max_size=30), st.text(max_size=20).map(str.encode))
entries = st.lists(st.lists(st.tuples(names, values), max_size=5), min_size=1, max_size=8)


@given(entries, st.integers(1, 80), st.booleans())
def test_each_entry_is_a_line_however_it_is_read(made: list[Entry], size: int, alone: bool) -> None:
    data = export(made)
    whole = [*_chunks(data, size, alone=alone)]
    lines = b"".join(chunk.value for chunk in whole).splitlines()
    assert [orjson.loads(line) for line in lines] == [expected(*one) for one in enumerate(made)]
    assert b"".join(chunk.read for chunk in whole) == data
    assert [chunk.lines for chunk in whole] == [1] * len(made) if alone else True
    for at, before in enumerate(whole):
        rest = chunks(
            _reader(data[before.end :], size), offset=before.end,
            lines=before.first - 1 + before.lines, cut=cutter(data[:20], alone=alone),
        )  # fmt: skip
        assert b"".join(c.value for c in rest) == b"".join(c.value for c in whole[at + 1 :])


def _reader(data: bytes, size: int):  # type: ignore[no-untyped-def] # noqa: ANN202
    at = 0

    def read(_: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    return read


def _chunks(data: bytes, size: int, *, alone: bool):  # type: ignore[no-untyped-def] # noqa: ANN202
    return chunks(_reader(data, size), offset=0, lines=0, cut=cutter(data[:20], alone=alone))


@given(entries, st.integers(0, 200))
def test_an_entry_that_is_still_being_written_waits(made: list[Entry], missing: int) -> None:
    data = export(made)
    part = data[: max(0, len(data) - missing)]
    lines, used, count = journal.cut(part, final=False, most=1 << 20)
    assert part[:used] == export(made[:count])
    assert lines.count(b"\n") == count


def test_a_long_field_is_null_and_the_line_stays_short() -> None:
    """As for journalctl without --all."""
    data = export([[("MESSAGE", b"m"), ("COREDUMP", b"x" * 100_000)]])
    [line] = journal.cut(data, final=True, most=1)[0].splitlines()
    assert orjson.loads(line) == {"__CURSOR": "s=0", "MESSAGE": "m", "COREDUMP": None}
    data = export([[("MESSAGE", b"m"), *[("FIELD", b"\xff" * 60_000)] * 40]])
    [line] = journal.cut(data, final=True, most=1)[0].splitlines()
    assert len(line) <= 256 * 1024
    assert orjson.loads(line)["MESSAGE"] == "m"


@pytest.mark.parametrize("data", [b"__CURSOR=s=1\nno field\n\n", b"__CURSOR=1\n=x\n\n"])
def test_what_is_no_export_is_an_error_without_its_content(data: bytes) -> None:
    with pytest.raises(InputError, match="has a line that is no field") as caught:
        journal.cut(data, final=False, most=100)
    assert "no field\n" not in str(caught.value)


def test_an_entry_without_an_end_in_sight_is_an_error() -> None:
    data = b"__CURSOR=s=1\nCOREDUMP\n" + struct.pack("<Q", 1 << 40)
    with pytest.raises(InputError, match="larger than 8 MiB"):
        journal.cut(data + bytes(journal.LONGEST_ENTRY), final=False, most=100)


def test_the_format_is_told_by_the_lines_and_not_by_the_export(tmp_path: Path) -> None:
    path = tmp_path / "journal.export"
    path.write_bytes(export([[("MESSAGE", b"a\nb"), ("BIN", bytes(range(256)))]] * 3))
    heads = [orjson.loads(line) for line in inputs.head(str(path))]
    assert [head["MESSAGE"] for head in heads] == ["a\nb"] * len(heads)
    assert heads


@pytest.mark.parametrize("alone", [False, True])
async def test_a_journal_goes_on_at_an_entry_after_a_kill(tmp_path: Path, alone: bool) -> None:
    path, kept = tmp_path / "journal.export", tmp_path / "ship.sqlite"
    made: list[Entry] = [[("MESSAGE", b"entry %d\nof many" % n), ("PAD", b"x" * 20_000)]
                         for n in range(200)]  # fmt: skip
    path.write_bytes(export(made))
    broker = Broker(patience=5, arrives=4)
    tags = Tags("shop", "web-1", "journald", "old-1")
    for _ in range(2):
        points = Points(kept)
        try:
            await Shipper(broker, points, lambda _chunk, _tags: None, lines_alone=alone).ship(
                [Plan(inputs.entry_of(str(path)), tags)]
            )
        except GoneError:
            broker.restart()
        finally:
            points.close()
    found = sorted(broker.lines, key=lambda line: int(orjson.loads(line)["__CURSOR"][2:]))
    assert [orjson.loads(line) for line in found] == [expected(*one) for one in enumerate(made)]
