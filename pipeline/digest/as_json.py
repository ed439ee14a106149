"""A digest and alerts as JSON values, for the webhook and ``--json``."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from pipeline.digest.alerts import Alert, sentence
from pipeline.digest.contents import Digest, Listed


def digest_json(digest: Digest) -> dict[str, Any]:
    """Return a digest: a number that is not shown is null, ``days`` says on how many it is."""
    return {
        "kind": "digest",
        "id": f"partywall-{digest.site}-{digest.week}",
        "site": digest.site,
        "week": str(digest.week),
        "date_range": [str(digest.week.first), str(digest.week.last)],
        "zone": digest.zone,
        "k": digest.k,
        "anonymous": digest.lacking is None,
        "numbers": [
            {**asdict(number), "state": "not_shown" if number.value is None else "value"}
            for number in digest.numbers
        ],
        "pages": _listed(digest.pages, "page_views"),
        "sources": _listed(digest.sources, "visits"),
        "failed": _listed(digest.failed, "requests"),
        "alerts": [alert_json(alert) for alert in digest.alerts],
    }


def alert_json(alert: Alert) -> dict[str, Any]:
    """Return an alert; a score without bound (the past never varied) is null."""
    score = alert.found.score
    return {
        "site": alert.site,
        "day": str(alert.day),
        "metric": alert.metric,
        "value": alert.found.value,
        "usual": alert.found.usual,
        "score": round(score, 2) if math.isfinite(score) else None,
        "weeks": alert.found.weeks,
        "text": sentence(alert),
    }


def _listed(listed: Listed, name: str) -> list[dict[str, object]]:
    return [{"value": value, name: number} for value, number in listed]
