"""A small report: two days of one site, with everything that needs care."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.report.model import Account, Breakdown, Report, Traffic

SUNDAY = dt.datetime(2015, 5, 17, tzinfo=dt.UTC)
MONDAY = SUNDAY + dt.timedelta(days=1)
SITE = "example.org"


@pytest.fixture
def report() -> Report:
    """Sunday is short, Monday has hours that were withheld; most pages are ``(other)``."""
    return Report(
        traffic_daily=(
            Traffic(SITE, SUNDAY, "bot", 40, 4_000, 10),
            Traffic(SITE, SUNDAY, "human", 1_200, 3 << 30, 200),
            Traffic(SITE, MONDAY, "human", 2_345, 5_000, 300),
        ),
        traffic_hourly=tuple(
            Traffic(SITE, SUNDAY + dt.timedelta(hours=hour), audience, 10 * hour, 100, 12)
            for hour in (10, 11, 30)
            for audience in ("bot", "human")
        ),
        breakdown_daily=(
            *(
                Breakdown(SITE, day, "page", value, hits, 20)
                for day in (SUNDAY, MONDAY)
                for value, hits in (("/", 100), ("/<b>bold</b>", 50), ("(other)", 1_000))
            ),
            *(Breakdown(SITE, SUNDAY, "page", f"/page/{n}", 20 - n, 11) for n in range(15)),
            Breakdown(SITE, SUNDAY, "status", "200", 1_000, 150),
            Breakdown(SITE, SUNDAY, "status", "404", 200, 50),
            Breakdown(SITE, SUNDAY, "country", "(unknown)", 1_240, 210),
            Breakdown(SITE, SUNDAY, "provider", "(unknown)", 1_240, 210),
        ),
        breakdown_hourly=(),
    )


@pytest.fixture
def account() -> Account:
    """Adds up with ``report``."""
    return Account(
        lines=3_600,
        events=3_592,
        rejected=5,
        ignored=3,
        withheld_hits=7,
        records=3_600,
        segments=2,
        k=10,
        promised=10,
        reasons={"malformed": 4, "too long": 1},
    )
