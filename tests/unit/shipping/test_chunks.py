"""Whatever the bytes and however they come, chunks hold every line once and in order."""

from __future__ import annotations

import io
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.lines import Label, Labeller, RawMessages, explode
from pipeline.shipping import chunks as module
from pipeline.shipping.chunks import Chunk, chunks, single


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file: an end closes a line, and a last one needs none."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


def cut(data: bytes, size: int, offset: int = 0, lines: int = 0) -> list[Chunk]:
    return list(chunks(io.BytesIO(data[offset:]).read, offset=offset, lines=lines, size=size))


text = st.lists(st.binary(max_size=12), max_size=30).map(b"\n".join)


@settings(max_examples=300)
@given(text, st.integers(1, 40))
def test_chunks_hold_the_bytes_in_order(data: bytes, size: int) -> None:
    made = cut(data, size)
    assert b"".join(chunk.value for chunk in made) == data
    assert sum(chunk.lines for chunk in made) == len(lines_of(data))
    end = number = 0
    for chunk in made:
        end += len(chunk.value)
        assert (chunk.end, chunk.first) == (end, number + 1)
        number += chunk.lines
    assert all(chunk.value.endswith(b"\n") for chunk in made[:-1])


@settings(max_examples=300)
@given(text, st.integers(1, 40), st.integers(0, 30))
def test_going_on_behind_any_chunk_gives_the_rest(data: bytes, size: int, at: int) -> None:
    made = cut(data, size)
    for before in made[at : at + 1]:
        lines = before.first - 1 + before.lines
        rest = cut(data, size, before.end, lines)
        assert b"".join(chunk.value for chunk in rest) == data[before.end :]
        assert [c.first for c in rest[:1]] == [lines + 1][: len(rest)]


@settings(max_examples=300)
@given(text, st.integers(1, 40))
def test_one_line_a_message_or_a_chunk_of_many_is_the_same(data: bytes, size: int) -> None:
    """What split takes out of the messages are the file's lines, whichever way they went."""
    made = cut(data, size)
    alone = [one for chunk in made for one in single(chunk)]
    for values in ([c.value for c in made], [c.value for c in alone]):
        offsets = list(range(len(values)))
        messages = RawMessages("logs.web:0", offsets, values, [()] * len(values))
        exploded = explode(messages, Labeller(Label("a", "b", "combined")))
        assert exploded.frame["raw"].to_list() == lines_of(data)
    assert [one.first for one in alone] == list(range(1, len(alone) + 1))
    assert [one.end for one in alone][-1:] == [len(data)][: len(alone)]


def test_a_line_without_an_end_in_sight_is_cut() -> None:
    """A line longer than a message may be does not gather in memory; its bytes are all kept."""
    data = random.Random(1).randbytes(3 * module.LONGEST_LINE).replace(b"\n", b" ") + b"\nlast\n"
    made = cut(data, module.CHUNK_BYTES)
    assert b"".join(chunk.value for chunk in made) == data
    assert max(len(chunk.value) for chunk in made) <= module.LONGEST_LINE + module.CHUNK_BYTES
    assert made[-1].value.endswith(b"\nlast\n")
