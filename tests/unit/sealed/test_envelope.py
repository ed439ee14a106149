"""A sealed message opens to the very bytes that went in, or not at all."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import envelope, sealed
from pipeline.errors import IntegrityError
from pipeline.investigations.open import open_batch, open_frame
from pipeline.keys.material import Tokeniser
from pipeline.restricted import seal as sealing
from pipeline.restricted.seal import seal
from tests.unit.sealed.records import HOUR, START, day_key, line, records

DAY = day_key()


def messages(frame: pl.DataFrame, limit: int = sealing.MESSAGE_BYTES) -> list[bytes]:
    return seal(frame, DAY.key, source="logs.web:3", hour=START, limit=limit)


@pytest.fixture(scope="module")
def small() -> bytes:
    """A message of two frames, small enough to damage every byte of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "FRAME_RECORDS", 3)
        [message] = messages(records(range(5)))
    return message


def test_what_was_sealed_is_what_opens() -> None:
    given_records = records(range(100, 5_100), lines=2)
    parts = [open_batch(DAY.private, message) for message in messages(given_records)]
    opened = pl.concat(parts)
    assert opened["raw"].to_list() == given_records["raw"].to_list()
    kept = [name for name in sealed.INDEX if name != "token"]
    assert opened.select(kept).equals(given_records.select(kept))
    token = Tokeniser(DAY.key.token_key)
    assert opened["token"].to_list() == [
        None if address is None else token(site, hour and hour // (24 * HOUR), address)
        for site, hour, address in given_records.select("site", "hour", "address").iter_rows()
    ]


@given(lines=st.lists(st.binary(max_size=300), min_size=1, max_size=30))
def test_any_bytes_are_kept_exactly(lines: list[bytes]) -> None:
    [message] = messages(records(range(len(lines)), raw=lines))
    assert open_batch(DAY.private, message)["raw"].to_list() == lines


def test_the_public_half_shows_no_byte_of_a_line_or_an_address() -> None:
    [message] = messages(records(range(50)))
    for offset in range(50):
        assert line(offset)[:12] not in message
        assert f"10.0.{offset % 7}.".encode() not in message


def test_one_frame_opens_without_the_others(small: bytes) -> None:
    batch = sealed.decode(small)
    assert [count for _, count in batch.header.frames] == [3, 2]
    opened = open_frame(DAY.private, batch.head, batch.encapsulated, 1, batch.frames[1])
    assert opened == [line(3), line(4)]


def test_any_byte_changed_is_seen(small: bytes) -> None:
    for place in range(len(small)):
        damaged = bytearray(small)
        damaged[place] ^= 1 << (place % 8)
        with pytest.raises(IntegrityError):
            open_batch(DAY.private, bytes(damaged))


def test_any_cut_is_seen(small: bytes) -> None:
    for length in range(len(small)):
        with pytest.raises(IntegrityError):
            sealed.decode(small[:length])
    with pytest.raises(IntegrityError, match="grown"):
        sealed.decode(small + b"\x00")


def test_the_error_names_the_part_that_is_damaged(small: bytes) -> None:
    batch = sealed.decode(small)
    parts = {
        "header": small.index(batch.head) + 5,
        "index": small.index(batch.index) + 5,
        "batch's key": small.index(batch.encapsulated) + 5,
        "frame 0": small.index(batch.frames[0]) + 5,
        "frame 1": small.index(batch.frames[1]) + 5,
    }
    for name, place in parts.items():
        damaged = bytearray(small)
        damaged[place] ^= 1
        with pytest.raises(IntegrityError, match=name):
            open_batch(DAY.private, bytes(damaged))


def test_frames_in_another_order_do_not_open() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "FRAME_RECORDS", 1)
        [message] = messages(records(range(2), raw=[b"one line", b"two line"]))
    batch = sealed.decode(message)
    swapped = sealed.encode(batch.head, batch.index, batch.encapsulated, [*batch.frames][::-1])
    with pytest.raises(IntegrityError, match="frame 0"):
        open_batch(DAY.private, swapped)


def test_a_frame_of_another_batch_does_not_open() -> None:
    [one], [other] = messages(records(range(5))), messages(records(range(5)))
    mine, theirs = sealed.decode(one), sealed.decode(other)
    assert mine.header.frames == theirs.header.frames
    spliced = sealed.encode(mine.head, mine.index, mine.encapsulated, [*theirs.frames])
    with pytest.raises(IntegrityError, match="frame 0"):
        open_batch(DAY.private, spliced)
    spliced = sealed.encode(mine.head, mine.index, theirs.encapsulated, [*theirs.frames])
    with pytest.raises(IntegrityError, match="key does not open"):
        open_batch(DAY.private, spliced)


def test_another_day_s_key_does_not_open(small: bytes) -> None:
    with pytest.raises(IntegrityError, match="wrong key"):
        open_batch(day_key(2).private, small)


def test_a_forged_header_with_a_fresh_digest_does_not_open(small: bytes) -> None:
    batch = sealed.decode(small)
    forged = batch.head.replace(b'"source":"logs.web:3"', b'"source":"logs.web:4"')
    assert forged != batch.head
    message = sealed.encode(forged, batch.index, batch.encapsulated, [*batch.frames])
    assert sealed.decode(message).header.source == "logs.web:4"  # no key, no knowing
    with pytest.raises(IntegrityError, match="key does not open"):
        open_batch(DAY.private, message)


@given(st.binary(max_size=400))
def test_any_bytes_decode_or_raise_the_one_error(data: bytes) -> None:
    for message in (data, envelope.MAGIC + data):
        with pytest.raises(IntegrityError):
            sealed.decode(message)


JSON = st.none() | st.integers(-(2**63), 2**63) | st.text() | st.lists(st.lists(st.integers(0, 99)))


@given(JSON)
def test_a_header_of_wrong_values_raises_the_one_error(value: object) -> None:
    header = envelope.Header(
        "0" * 32, "k", "t:0", (0, 0), (1, 0), 2, 0, {"a": (0, HOUR)}, ("b",), 10, "s", ((20, 2),)
    )
    for name in ("records", "frames", "first", "last", "source", "spans", "untimed"):
        values = {f: getattr(header, f) for f in header.__slots__} | {name: value}
        head = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
        try:
            assert envelope.encode_header(envelope.decode_header(head)) == head
        except IntegrityError:
            continue


@given(seed=st.integers(0, 10**6), limit=st.sampled_from([12_000, 30_000]))
def test_messages_follow_each_other_and_stay_under_the_limit(seed: int, limit: int) -> None:
    draw = random.Random(seed)
    raw: list[bytes] = []
    places: list[tuple[int, int]] = []
    for offset in range(draw.randrange(1, 40)):
        size = draw.choice([1, 1, 1, 5, 60])
        places += [(offset, number) for number in range(size)]
        raw += [draw.randbytes(draw.choice([0, 20, 200])) for _ in range(size)]
    frame = records([offset for offset, _ in places], raw=raw).with_columns(
        line=pl.Series([number for _, number in places], dtype=pl.UInt32)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "FRAME_RECORDS", 5)
        sealed_messages = messages(frame, limit)
    batches = [sealed.decode(message) for message in sealed_messages]
    for before, after in pairwise(batches):
        assert before.header.last < after.header.first
    for message, batch in zip(sealed_messages, batches, strict=True):
        assert len(message) <= limit or batch.header.records == 1
    opened = pl.concat([open_batch(DAY.private, message) for message in sealed_messages])
    assert opened["raw"].to_list() == raw


def test_a_line_larger_than_the_limit_is_sealed_alone() -> None:
    noise = random.Random(4).randbytes(1 << 20)
    sealed_messages = messages(records(range(3), raw=[b"small", noise, b"small too"]))
    counts = [sealed.decode(message).header.records for message in sealed_messages]
    assert counts == [1, 1, 1]
    assert open_batch(DAY.private, sealed_messages[1])["raw"].to_list() == [noise]


def test_a_chunk_of_many_empty_lines_goes_into_several_messages() -> None:
    frame = records([7], lines=200_000, raw=[b""] * 200_000)
    sealed_messages = messages(frame, limit=500_000)
    assert len(sealed_messages) > 1
    assert max(map(len, sealed_messages)) <= 500_000
    assert sum(open_batch(DAY.private, m).height for m in sealed_messages) == 200_000


def test_records_out_of_order_or_with_a_column_too_many_are_refused() -> None:
    with pytest.raises(IntegrityError, match="order"):
        messages(records([2, 1]))
    with pytest.raises(IntegrityError, match="order"):
        messages(records([1, 1]))
    with pytest.raises(IntegrityError, match="agent"):
        messages(records([1]).with_columns(agent=pl.lit("x")))
    assert messages(records([])) == []


def test_an_index_made_to_hurt_is_read_or_refused(small: bytes) -> None:
    """Whoever may write to the topic can make the hash fit; the vault's writer must live on."""
    batch = sealed.decode(small)
    draw = random.Random(7)
    refused = 0
    for _ in range(2_000):
        index = bytearray(batch.index)
        for _ in range(draw.choice([1, 1, 2, 5])):
            place = draw.randrange(len(index))
            index[place] = draw.choice([0, 255, index[place] ^ 1, draw.randrange(256)])
        try:
            rows = sealed.index_rows(replace(batch, index=bytes(index)))
        except IntegrityError:
            refused += 1
        else:
            assert rows.height == len(rows.rows()) == batch.header.records
    assert refused > 1_000


def test_nothing_of_a_message_shows_in_a_repr(small: bytes) -> None:
    batch = sealed.decode(small)
    shown = repr(batch) + repr(DAY.key) + repr(DAY)
    assert batch.index.hex() not in shown
    assert repr(batch.frames[0]) not in shown
    assert repr(DAY.key.token_key) not in shown
    assert repr(DAY.private) not in shown


def test_the_index_does_not_join_an_address_over_sites_or_days() -> None:
    """One address, three sites, three days and lines without a time: a token for each."""
    frame = records(range(24)).with_columns(
        address=pl.lit("192.0.2.7"),
        site=pl.Series([f"site{n % 3}" for n in range(24)]),
        hour=pl.Series([None if n >= 18 else START + n // 6 * 24 * HOUR for n in range(24)]),
    )
    [message] = messages(frame)
    index = sealed.index_rows(sealed.decode(message))
    days = pl.col("hour") // (24 * HOUR)
    assert index["token"].n_unique() == index.select("site", days).n_unique() == 12
    assert index["token"].null_count() == 0
