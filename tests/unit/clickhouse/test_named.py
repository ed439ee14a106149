"""The named queries over numbers that are known."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.queries import Reader


def test_sites_count_whole_days_and_the_hours_of_one_that_is_open(
    client: Client, reader: Reader
) -> None:
    """A day's hours need not add up to it: some of them stand for too few by themselves."""
    into = "INSERT INTO analytics.traffic_{} (site, window_start, audience, hits) VALUES {}"
    daily = "('a', '2026-03-01 00:00:00', 'human', 90), ('a', '2026-03-01 00:00:00', 'bot', 10)"
    hourly = (
        "('a', '2026-03-01 07:00:00', 'human', 60), ('a', '2026-03-02 05:00:00', 'human', 20), "
        "('a', '2026-03-02 06:00:00', 'bot', 5)"
    )
    client.command(into.format("daily_revisions", daily + ", ('b', '2026-03-04', 'bot', 7)"))
    client.command(into.format("hourly_revisions", hourly))
    found = [tuple(map(str, row.values())) for row in reader.rows("sites")]
    assert found == [
        ("a", "2026-03-01 07:00:00", "2026-03-02 06:00:00", "125"),
        ("b", "2026-03-04 00:00:00", "2026-03-04 00:00:00", "7"),
    ]
