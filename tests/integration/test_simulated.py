"""A simulated site through every stage: the report's counts are the truth's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.command import partywall


def counted(report: dict[str, Any], rows: str, key: str, of: str = "hits") -> Counter[str]:
    """Add up a report's rows by one of their values."""
    found = Counter[str]()
    for row in report[rows]:
        found[row[key]] += row[of]
    return found


def values(report: dict[str, Any], dimension: str) -> Counter[str]:
    """Return the hits of a dimension's values."""
    found = Counter[str]()
    for row in report["breakdown_daily"]:
        if row["dimension"] == dimension:
            found[row["value"]] += row["hits"]
    return found


def test_the_report_of_a_simulated_site_is_the_truth(tmp_path: Path) -> None:
    partywall(
        tmp_path, "simulate", "--out", "logs", "--sites", "shop", "--visits", 120, "--bad", 0.03
    )
    site = json.loads((tmp_path / "logs" / "truth.json").read_bytes())["sites"]["shop"]
    truth = site["files"]["shop/combined.log"]
    report = json.loads(
        partywall(
            tmp_path, "report", "logs/shop/combined.log", "--format", "combined", "--site", "shop",
            "--own-host", site["host"], "--k", 1, "--json",
        )
    )  # fmt: skip
    assert report["lines"] == {
        "in": truth["lines"],
        "events": truth["events"],
        "rejected": sum(truth["rejected"].values()),
        "ignored": sum(truth["ignored"].values()),
    }
    assert report["totals"]["withheld_hits"] == 0
    assert report["totals"]["bytes"] == truth["bytes"]
    assert counted(report, "traffic_hourly", "window_start") == truth["hits_hourly"]
    assert counted(report, "traffic_daily", "audience") == truth["audience"]
    assert values(report, "status") == truth["statuses"]
    assert values(report, "method") == truth["methods"]
    kinds = values(report, "referrer_kind")
    assert {kind: kinds[kind] for kind in ("internal", "direct")} == {
        kind: truth["referrer_kinds"][kind] for kind in ("internal", "direct")
    }
    pages = values(report, "page")
    assert {page: pages[page] for page in truth["pages"]} == truth["pages"]
    visitors = report["totals"]["visitors_daily"]
    # By the whole address, or by the network of an IPv6 one: the pseudonym's choice.
    assert visitors in (truth["visitors_daily"], truth["visitors_daily_by_address"])
