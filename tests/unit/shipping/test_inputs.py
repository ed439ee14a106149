"""What is read of a file is all of it, or an error; and each message fits the raw topic."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline import policy
from pipeline.errors import InputError
from pipeline.kafka.topics import declared
from pipeline.shipping import inputs
from pipeline.shipping.chunks import chunks, single

PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}
TOPIC = declared(policy.load().current.retention)["logs.web"]


def lines(seed: int, size: int) -> bytes:
    """Return text that does not compress to nothing."""
    dice = random.Random(seed)
    return b"".join(b"%x\n" % dice.getrandbits(200) for _ in range(size // 51))


def everything(path: Path) -> bytes:
    with inputs.opened(str(path)) as file:
        blocks = iter(lambda: inputs.read(file, path.name, 100_000), b"")
        return b"".join(blocks)


@pytest.mark.parametrize("packed", PACK)
def test_all_of_a_file_is_read(tmp_path: Path, packed: str) -> None:
    """Archives made of several, as log rotation appends them, included."""
    first, second = lines(1, 700_000), lines(2, 300_000)
    path = tmp_path / "log"
    path.write_bytes(PACK[packed](first) + PACK[packed](second))
    assert everything(path) == first + second


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zst"])
@pytest.mark.parametrize("missing", [1, 9, 5_000, 200_000])
def test_an_archive_that_is_cut_is_never_taken_for_whole(
    tmp_path: Path, packed: str, missing: int
) -> None:
    path = tmp_path / "log"
    path.write_bytes(PACK[packed](lines(3, 1_000_000))[:-missing])
    with pytest.raises(InputError, match="log is damaged or cut short"):
        everything(path)


@given(st.lists(st.integers(0, 700_000), max_size=6), st.booleans())
def test_chunks_hold_every_byte_and_fit_a_message(lengths: list[int], ended: bool) -> None:
    data = b"\n".join(b"x" * length for length in lengths) + (b"\n" if ended else b"")
    made = list(chunks(io.BytesIO(data).read, offset=0, lines=0))
    assert b"".join(chunk.value for chunk in made) == data
    # Kafka's limit counts the batch's own bytes and the headers, too.
    assert all(len(chunk.value) <= TOPIC.max_message_bytes - 4_096 for chunk in made)
    assert [chunk.end for chunk in made] == [
        sum(len(chunk.value) for chunk in made[: number + 1]) for number in range(len(made))
    ]


@given(st.lists(st.text("ab", max_size=5), max_size=20), st.booleans())
def test_lines_alone_are_the_chunk_s_lines_with_their_numbers(
    texts: list[str], ended: bool
) -> None:
    data = "\n".join(texts).encode() + (b"\n" if ended else b"")
    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    alone = [
        one for chunk in chunks(io.BytesIO(data).read, offset=0, lines=0) for one in single(chunk)
    ]
    assert [one.value for one in alone] == expected
    assert [one.first for one in alone] == list(range(1, len(expected) + 1))
    assert not alone or alone[-1].end == len(data)
