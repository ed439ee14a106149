"""Nothing is unpacked beyond its limit, and every byte that is held is given back."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.bodies import Budget, unpack
from pipeline.collect.refusals import RefusedError

LIMIT = 10_000
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "": bytes,
}


def unpacked(body: bytes, encoding: str, limit: int = LIMIT) -> bytes:
    budget = Budget(limit * 2)
    try:
        with budget.share() as share:
            plain = unpack(body, encoding, limit, share)
            assert budget.held in {0, len(plain)}
            return plain
    finally:
        assert budget.held == 0


def refused(body: bytes, encoding: str, limit: int = LIMIT) -> str:
    with pytest.raises(RefusedError) as caught:
        unpacked(body, encoding, limit)
    return caught.value.reason


@pytest.mark.parametrize("encoding", PACK)
@given(parts=st.lists(st.binary(max_size=200), max_size=4))
def test_what_was_packed_comes_out(encoding: str, parts: list[bytes]) -> None:
    """In several members or frames too, as a sender makes that packs as it goes."""
    packed = b"".join(PACK[encoding](part) for part in parts)
    assert unpacked(packed, encoding) == b"".join(parts)


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("more", [0, 1])
def test_the_limit_is_exact(encoding: str, more: int) -> None:
    packed = PACK[encoding](b"x" * (LIMIT + more))
    if more:
        assert refused(packed, encoding) == "too_large"
    else:
        assert len(unpacked(packed, encoding)) == LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_takes_no_more_memory_than_the_limit(encoding: str) -> None:
    """A hundred million bytes: of one member, and of ten thousand small ones."""
    for bomb in (PACK[encoding](bytes(10**8)), PACK[encoding](bytes(10**4)) * 10**4):
        tracemalloc.start()
        assert refused(bomb, encoding, 10**6) == "too_large"
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 12 * 10**6


def test_a_zstd_frame_that_wants_a_large_window_is_refused() -> None:
    """It may be a few bytes long, and would take the memory before the first is out."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packed = zstandard.ZstdCompressor(compression_params=parameters)
    writer = packed.compressobj()
    frame = writer.compress(b"x" * 100) + writer.flush()
    assert refused(frame, "zstd") == "damaged"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(body=st.binary(max_size=100))
def test_any_bytes_are_unpacked_or_refused(encoding: str, body: bytes) -> None:
    reason = "damaged"
    try:
        unpacked(body, encoding)
    except RefusedError as error:
        reason = error.reason
    assert reason == "damaged"


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_what_is_cut_short_is_damaged(cut: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 20)
    assert refused(packed[:-cut], "gzip") == "damaged"
    assert refused(packed + b"more", "gzip") == "damaged"
    assert refused(zlib.compress(b"x"), "gzip") == "damaged"


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "gzip\x00", "é"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert refused(b"x", encoding) == "encoding"


def test_a_budget_is_for_all_together() -> None:
    budget = Budget(100)
    with budget.share() as one, budget.share() as other:
        one.take(60)
        with pytest.raises(RefusedError, match="busy"):
            other.take(41)
        other.take(40)
        assert budget.held == 100
        one.give(10)
        other.take(10)
    assert budget.held == 0
