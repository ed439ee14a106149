"""Numbers, sizes and dates are written the same way everywhere."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.report import words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (2_747_282_505, "2.56 GiB"),
        (15 << 20, "15.0 MiB"),
        (500 << 20, "500 MiB"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes_have_three_digits(value: int, expected: str) -> None:
    assert words.size(value) == expected


def test_thousands_are_set_apart_narrowly() -> None:
    assert words.number(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("share", "expected"), [(0, "0.0%"), (0.0001, "<0.1%"), (0.123, "12.3%"), (1, "100.0%")]
)
def test_a_small_share_is_not_called_zero(share: float, expected: str) -> None:
    assert words.percent(share) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2015-05-17T10", "2015-05-20T22", "17 May 10:00 to 20 May 2015 22:00 UTC"),
        ("2015-05-17T10", "2015-05-18T00", "17 May 2015, 10:00 to 24:00 UTC"),
        ("2014-12-31T00", "2015-01-02T00", "31 Dec 2014 00:00 to 1 Jan 2015 24:00 UTC"),
    ],
)
def test_a_period_is_said_as_a_reader_would(start: str, end: str, expected: str) -> None:
    moments = [dt.datetime.fromisoformat(f"{text}:00:00+00:00") for text in (start, end)]
    assert words.span(moments[0], moments[1], "UTC") == expected
