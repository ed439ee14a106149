"""A time that a person writes is understood, or answered with what to write."""

from __future__ import annotations

import pytest

from pipeline.cases.moments import moment
from pipeline.errors import UsageError


def test_a_date_takes_in_its_whole_day() -> None:
    assert moment("1970-01-02") == 86_400
    assert moment("1970-01-02", end=True) == 2 * 86_400 - 1
    assert moment("1970-01-02T01:00", end=True) == 90_000
    assert moment("1970-01-02T01:00+01:00") == 86_400


@pytest.mark.parametrize("text", ["yesterday", "9999-12-31", "2026-13-01", ""])
def test_what_is_no_time_of_the_calendar_is_a_person_s_mistake(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, end=True)
