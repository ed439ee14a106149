"""A pseudonym is the same for the same visitor of a day, and for nobody else."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.restricted.pseudonym import Pseudonymiser

KEYS = {1: bytes(range(32)), 2: bytes(range(1, 33))}
ROW = tuple[str | None, str | None, str | None, int]
PARTS = st.sampled_from(["", "a", "1:", "1:a", "é", "b\x00"]) | st.text(max_size=5)
ROWS = st.lists(st.tuples(PARTS, PARTS, PARTS, st.sampled_from([1, 2, 3])), max_size=25)


def of(rows: list[ROW], keys: dict[int, bytes | None] | None = None) -> list[int | None]:
    frame = pl.DataFrame(
        rows,
        schema={"site": pl.String, "address": pl.String, "agent": pl.String, "day": pl.Int64},
        orient="row",
    )
    made = Pseudonymiser().pseudonyms(frame, {**KEYS} if keys is None else keys)
    assert made.dtype == pl.UInt64
    assert made.len() == len(rows)
    return made.to_list()


@given(ROWS)
def test_two_rows_share_a_pseudonym_just_when_all_four_parts_are_equal(rows: list[ROW]) -> None:
    made = of(rows)
    keyed = [row for row in rows if row[3] in KEYS]
    assert len({p for p in made if p is not None}) == len(set(keyed))
    for row, pseudonym in zip(rows, made, strict=True):
        assert (pseudonym is None) == (row[3] not in KEYS)
        assert of([row]) == [pseudonym]


def test_parts_cannot_be_shifted_into_one_another() -> None:
    shifted = [("ab", "c", "d", 1), ("a", "bc", "d", 1), ("a", "b", "cd", 1), ("", "1:a", "", 1)]
    assert len(set(of([*shifted]))) == 4


def test_known_answer() -> None:
    """Keyed BLAKE2b, 8 bytes, person "partywall visit", over "1:s9:192.0.2.1Mozilla"."""
    assert of([("s", "192.0.2.1", "Mozilla", 1)]) == [10187976826929638761]


def test_a_missing_part_counts_as_empty_and_a_day_without_key_gives_none() -> None:
    assert of([("s", None, None, 1)]) == of([("s", "", "", 1)])
    assert of([("s", "a", "b", 1)], {1: None}) == [None]


def test_short_and_shared_keys_are_refused_by_name() -> None:
    with pytest.raises(IntegrityError, match="day 1 is not 32 bytes"):
        of([("s", "a", "b", 1)], {1: b"short"})
    with pytest.raises(IntegrityError, match="share"):
        of([("s", "a", "b", 1)], {1: KEYS[1], 2: KEYS[1]})


def test_the_pseudonymiser_keeps_no_key() -> None:
    assert Pseudonymiser.__slots__ == ()
