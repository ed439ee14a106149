"""Sixty days of three sites that do not exist, in the tables of an engine: what a console reads.

Seeded and of whole days, as a release would leave them: a value of fewer than ``K`` visitors is in
``(other)``, and each dimension adds up to its segment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate

K: Final = 10
TODAY: Final = dt.date(2026, 11, 29)
DAYS: Final = 60
HOSTILE: Final = '/<script>alert("x")</script>"\'><img src=x onerror=alert(1)>'
OTHER: Final = "(other)"

_PAGES: Final = {
    "/": 30, "/products/garden-hose": 12, "/products/lamp": 9, "/pricing": 8, "/blog": 6,
    "/blog/how-to-water-a-lawn-in-august": 5, "/cart": 5, "/checkout": 3, "/about": 2,
    "/contact": 2, "/products/chair": 6, "/search": 4, "/account": 2, "/help/returns": 1.5,
    "/blog/2026/11/winter-is-coming-and-so-are-our-new-heated-blankets": 2.5,
    HOSTILE: 1.2, "/careers": 0.4, "/imprint": 0.1,
}  # fmt: skip
_MIX: Final[Mapping[str, Mapping[str, float]]] = {
    "page": _PAGES,
    "referrer_kind": {"direct": 40, "search": 32, "social": 14, "mail": 6, "other": 8},
    "referrer": {
        "(none)": 40, "google.com": 24, "bing.com": 5, "duckduckgo.com": 3, "facebook.com": 6,
        "reddit.com": 4, "news.ycombinator.com": 4, "mail.example": 6, "partner.example": 5,
        "forum.example": 0.2,
    },
    "campaign": {"(none)": 82, "autumn-sale": 10, "newsletter-11": 6, "retargeting": 2},
    "country": {
        "US": 30, "DE": 18, "GB": 10, "FR": 8, "AT": 6, "IN": 6, "BR": 4, "CA": 4, "JP": 3, "AU": 3,
        "NL": 3, "SG": 1.2, "ZA": 1, "MX": 1, "MT": 0.4, "NG": 0.5, "PL": 1.5, "IS": 0.1,
    },
    "provider": {
        "Deutsche Telekom": 14, "Comcast": 16, "Vodafone": 11, "BT": 8, "Orange": 7,
        "(unknown)": 30,
    },
    "device": {"desktop": 52, "mobile": 43, "tablet": 5},
    "browser": {"Chrome": 55, "Safari": 24, "Firefox": 10, "Edge": 9, "Opera": 1.5, "Lynx": 0.05},
    "system": {"Windows": 36, "iOS": 22, "Android": 20, "macOS": 16, "Linux": 5, "ChromeOS": 1},
}  # fmt: skip
_PLACES: Final = {
    "US-CA": 14, "US-NY": 9, "DE-BE": 7, "DE-BY": 6, "GB-ENG": 8, "FR-IDF": 5, "AT-9": 3,
    OTHER: 30, "(unknown)": 6,
}  # fmt: skip
"""Of the shop's views: nobody else has a database of regions."""
_GOALS: Final = {"(none)": 88, "signup": 7, "checkout": 5}
"""Of the shop's views."""
_FAILED: Final[Mapping[str, Mapping[str, float]]] = {
    "came_from": {"(direct)": 45, "(elsewhere)": 25, "/blog": 18, "/products/lamp": 12},
    "status": {"404": 80, "403": 9, "500": 7, "503": 3, "410": 1},
    "page": {"/old-catalogue": 30, "/wp-login.php": 26, "/products/retired": 20, "/img/logo": 8},
}
_BOTS: Final[Mapping[str, Mapping[str, float]]] = {
    "bot": {"search": 40, "ai training": 30, "seo": 14, "ai search": 8, "monitor": 6, "feed": 2},
    "page": _PAGES,
    "status": {"200": 90, "404": 10},
}
_TIMES: Final[Mapping[str, Mapping[str, float]]] = {
    "response_time": {
        "0-0.005 s": 22, "0.005-0.01 s": 17, "0.01-0.025 s": 24, "0.025-0.05 s": 15,
        "0.05-0.1 s": 9, "0.1-0.25 s": 7, "0.25-0.5 s": 3.2, "0.5-1 s": 1.6, "1-2.5 s": 0.8,
        "2.5-5 s": 0.2, "(none)": 2,
    },
}  # fmt: skip
"""Only the shop's log says how long answers took."""
_RANGES: Final = {"0-0.01 s": 0.3, "0.01-0.05 s": 0.45, "from 0.05 s": None}
"""Of a step: which share of its answers took so long."""
_EVENTS: Final = {
    "shown": 1.0,
    "opened": 0.24,
    "chat_requested": 0.11,
    "chat_started": 0.09,
    "rated": 0.03,
}
_WAITS: Final = {
    "up_to_10_s": 26, "11_to_30_s": 30, "31_to_60_s": 20, "1_to_3_min": 15, "3_to_10_min": 7,
    "over_10_min": 2,
}  # fmt: skip
"""How long people waited for a chat, in percent of the chats that started."""
_LINKS: Final = {"parcels.example": 58, "maps.example": 24, "maker.example": 17, "unnamed": 0.5}
"""Where links to other sites led; the pages that they stood on."""
_LINKED: Final = {"/help/returns": 60, "/contact": 25, "/about": 14.5, "/imprint": 0.5}
_ROLES: Final = {"bounce": 0.18, "entry": 0.17, "between": 0.48, "exit": 0.17}
_LENGTHS: Final = {
    "0-10 s": 9, "11-30 s": 14, "31-60 s": 18, "1-3 min": 26, "3-10 min": 22, "10-30 min": 9,
    "30+ min": 2,
}  # fmt: skip
_SITES: Final = {"shop": 900.0, "blog": 240.0, "docs": 60.0}


@dataclass
class _Rows:
    """Rows by table, gathered so that each is inserted once."""

    by_table: dict[str, list[list[object]]] = field(default_factory=dict)

    def add(self, table: str, *values: object) -> None:
        self.by_table.setdefault(table, []).append([*values, "live", 1])


_COLUMNS: Final = {
    "segment": ["site", "window_start", "segment", "hits", "bytes", "visitors"],
    "segment_breakdown": [
        "site", "window_start", "segment", "dimension", "value", "hits", "visitors",
    ],
    "health": [
        "site", "window_start", "minutes", "segment", "status_class", "hits", "bytes", "visitors",
    ],
    "traffic": ["site", "window_start", "audience", "hits", "bytes", "visitors"],
    "breakdown": ["site", "window_start", "dimension", "value", "hits", "visitors"],
    "response_time": [
        "site", "window_start", "minutes", "segment", "status_class", "response_time", "hits",
        "visitors",
    ],
    "pair": [
        "site", "window_start", "segment", "dimension", "value", "across", "across_value", "hits",
        "visitors", "seconds",
    ],
}  # fmt: skip


def fill(folder: Path, *, days: int = DAYS, today: dt.date = TODAY, seed: int = 7) -> None:
    """Make the tables in an engine's folder, and fill them up to today's first hours."""
    client = connect(Engine(path=folder))
    try:
        migrate(client, rollups_days=3650)
        _insert(client, _made(days, today, np.random.default_rng(seed)))
    finally:
        client.close()


def _insert(client: Client, rows: _Rows) -> None:
    for table, found in rows.by_table.items():
        columns = [*_COLUMNS[table.rpartition("_")[0]], "ingest", "revision"]
        client.insert(f"analytics.{table}_revisions", found, column_names=columns)


def _made(days: int, today: dt.date, random: np.random.Generator) -> _Rows:
    rows = _Rows()
    for site, usual in _SITES.items():
        for back in range(days, 0, -1):
            day = today - dt.timedelta(days=back)
            weekly = 0.72 if day.weekday() >= 5 else 1.0
            trend = 1 + 0.35 * (days - back) / days + 0.1 * np.sin(back / 5)
            people = int(usual * weekly * trend * random.uniform(0.9, 1.1))
            _day(rows, site, day, people, random)
            if back <= 8:
                _hours(rows, site, day, people, range(24), random)
        _hours(rows, site, today, int(usual * 1.2), range(9), random)
    _steps(rows, "shop", dt.datetime.combine(today, dt.time(10), dt.UTC), random)
    return rows


def _steps(rows: _Rows, site: str, start: dt.datetime, random: np.random.Generator) -> None:
    """Steps of two hours, the second up to its 37th minute: those of views short, of failures long.

    An hour's last minutes are in no step.
    """
    for hour, upto in ((0, 57), (1, 37)):
        for segment, kind, spans, usual in (
            ("view", "2xx", 1, 60), ("view", "3xx", 9, 20), ("request", "2xx", 1, 540),
            ("failed", "4xx", 11, 30), ("bot", "2xx", 6, 70),
        ):  # fmt: skip
            for minute in range(0, upto - spans + 1, spans):
                hits = int(usual * random.uniform(0.6, 1.4))
                begin = start + dt.timedelta(hours=hour, minutes=minute)
                rows.add(
                    "health_minute", site, begin, spans, segment, kind, hits, hits * 21_000,
                    max(K, hits // 3),
                )  # fmt: skip
                told = 0
                for name, share in _RANGES.items() if kind == "2xx" and segment != "bot" else ():
                    some = hits - told if share is None else int(hits * share)
                    told += some
                    rows.add(
                        "response_time_minute", site, begin, spans, segment, kind, name, some,
                        max(K, some // 3),
                    )  # fmt: skip


def _day(rows: _Rows, site: str, day: dt.date, people: int, random: np.random.Generator) -> None:
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    views = int(people * random.uniform(2.6, 3.2))
    _window(rows, "daily", site, start, people, views, random)
    roles = {name: int(views * share) for name, share in _ROLES.items()}
    roles["between"] += views - sum(roles.values())
    _roles(rows, site, start, "segment", "view", roles, people)
    for dimension in _MIX:
        if dimension == "page":
            continue
        for value, (hits, seen) in _cells(_MIX[dimension], views, people).items():
            ours = {name: max(int(hits * share), K) for name, share in _ROLES.items()}
            _roles(rows, site, start, dimension, value, ours, seen)
    for value, (hits, seen) in _cells(_PAGES, views, people).items():
        lean = {"/": 2.2, "/checkout": 0.2, "/cart": 0.3}.get(value, 0.8)
        ours = {
            "bounce": int(hits * 0.16 * lean), "entry": int(hits * 0.17 * lean),
            "exit": int(hits * 0.15 / lean),
        }  # fmt: skip
        ours["between"] = max(hits - sum(ours.values()), 0)
        _roles(rows, site, start, "page", value, ours, seen)
    for value, (hits, seen) in _cells(_LENGTHS, roles["entry"], int(people * 0.6)).items():
        rows.add("pair_daily", site, start, "view", "segment", "view", "visit_length", value,
                 hits, seen, hits * 60)  # fmt: skip
    _across(rows, site, start, "view", "page", "next_page", views * 0.6, people * 0.6)
    _across(rows, site, start, "view", "page", "referrer_kind", views, people)
    _across(rows, site, start, "view", "page", "country", views, people)
    _across(rows, site, start, "view", "country", "device", views, people)
    _across(rows, site, start, "view", "country", "referrer_kind", views, people)
    if site == "shop":
        _widget(rows, f"{site}.widget", start, int(people * 0.9), random)


def _window(
    rows: _Rows, kind: str, site: str, start: dt.datetime, people: int, views: int,
    random: np.random.Generator,
) -> None:  # fmt: skip
    """One hour or day: its segments, and each dimension of each."""
    failed, bots = int(people * random.uniform(0.03, 0.07)), int(people * random.uniform(0.3, 0.5))
    segments = {
        "view": (
            views,
            people,
            {**_MIX, "goal": _GOALS, "place": _PLACES} if site == "shop" else _MIX,
        ),
        "failed": (int(failed * 1.6), failed, _FAILED),
        "request": (views * 9, people, {"status": {"200": 85, "304": 15}}),
        "bot": (bots * 4, bots, _BOTS),
    }
    for segment, (hits, seen, mix) in segments.items():
        if seen < K:
            continue
        times = _TIMES if site == "shop" else {"response_time": {"(none)": 1.0}}
        rows.add(f"segment_{kind}", site, start, segment, hits, hits * 21_000, seen)
        for dimension, weights in {**mix, **times}.items():
            for value, (part, by) in _cells(weights, hits, seen).items():
                rows.add(
                    f"segment_breakdown_{kind}", site, start, segment, dimension, value, part, by
                )
                rows.add(f"breakdown_{kind}", site, start, dimension, value, part, by)
    human = views * 10 + int(failed * 1.6)
    rows.add(f"traffic_{kind}", site, start, "human", human, human * 21_000, people)
    if bots >= K:
        rows.add(f"traffic_{kind}", site, start, "bot", bots * 4, bots * 4_000, bots)


def _hours(
    rows: _Rows, site: str, day: dt.date, people: int, hours: range, random: np.random.Generator
) -> None:
    curve = np.array([2, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 8, 8, 8, 7, 7, 7, 8, 8, 8, 7, 6, 4, 3])
    for hour in hours:
        seen = int(people * curve[hour] / curve.sum() * 1.3)
        start = dt.datetime.combine(day, dt.time(hour), dt.UTC)
        if seen >= K:
            _window(rows, "hourly", site, start, seen, int(seen * 2.3), random)


def _widget(
    rows: _Rows, site: str, start: dt.datetime, people: int, random: np.random.Generator
) -> None:
    seen = {name: int(people * share * random.uniform(0.9, 1.1)) for name, share in _EVENTS.items()}
    seen["outbound"] = seen["opened"]
    hits = {name: int(number * 1.15) for name, number in seen.items()}
    rows.add("segment_daily", site, start, "request", sum(hits.values()), 0, people)
    rows.add("traffic_daily", site, start, "human", sum(hits.values()), 0, people)
    chats, links = hits["chat_started"], hits["outbound"]
    details = {"(none)": sum(hits.values()) - chats - links}
    details |= {f"waited_{name}": chats * part // 100 for name, part in _WAITS.items()}
    details |= {f"outbound_{name}": int(links * part / 99.5) for name, part in _LINKS.items()}
    for value, (part, by) in _cells(details, sum(hits.values()), people).items():
        rows.add("segment_breakdown_daily", site, start, "request", "detail", value, part, by)
        rows.add("breakdown_daily", site, start, "detail", value, part, by)
    for name, number in hits.items():
        if seen[name] < K:
            continue
        if name == "outbound":
            for page, (part, by) in _cells(_LINKED, links, seen[name]).items():
                rows.add(
                    "pair_daily", site, start, "request", "page", page, "event", name, part, by, 0
                )
        rows.add(
            "segment_breakdown_daily", site, start, "request", "event", name, number, seen[name]
        )
        rows.add("breakdown_daily", site, start, "event", name, number, seen[name])
        for country, (part, by) in _cells(_MIX["country"], number, seen[name]).items():
            rows.add(
                "pair_daily", site, start, "request", "event", name, "country", country, part, by, 0
            )


def _roles(
    rows: _Rows, site: str, start: dt.datetime, dimension: str, value: str,
    roles: Mapping[str, int], people: int,
) -> None:  # fmt: skip
    total = sum(roles.values()) or 1
    left = 0
    for role, hits in roles.items():
        seen = min(int(people * hits / total * 1.4), hits)
        if seen < K:
            left += hits
            continue
        seconds = hits * 210 if role == "entry" else 0
        rows.add(
            "pair_daily", site, start, "view", dimension, value, "role", role, hits, seen, seconds
        )
    if left >= K:
        rows.add("pair_daily", site, start, "view", dimension, value, "role", OTHER, left, left, 0)


def _across(
    rows: _Rows, site: str, start: dt.datetime, segment: str, dimension: str, across: str,
    hits: float, people: float,
) -> None:  # fmt: skip
    other = _MIX["page" if across == "next_page" else across]
    for value, (part, seen) in _cells(_MIX[dimension], int(hits), int(people)).items():
        weights = {
            name: weight for name, weight in other.items() if name != value or across != "next_page"
        }
        for second, (cell, by) in _cells(weights, part, seen).items():
            rows.add(
                "pair_daily", site, start, segment, dimension, value, across, second, cell, by, 0
            )


def _cells(weights: Mapping[str, float], hits: int, people: int) -> dict[str, tuple[int, int]]:
    """Return hits and visitors of each value; small ones are one cell, if that is not small."""
    whole = sum(weights.values())
    shown: dict[str, tuple[int, int]] = {}
    folded = [0, 0]
    for value, weight in weights.items():
        part = int(hits * weight / whole)
        seen = min(int(people * min(weight / whole * 1.25, 1)), part)
        if seen >= K and value != OTHER:
            shown[value] = (part, seen)
        else:
            folded = [folded[0] + part, folded[1] + seen]
    left = hits - sum(part for part, _ in shown.values())
    if folded[1] >= K or (left and shown and left >= K):
        shown[OTHER] = (left, max(min(folded[1], left), K))
    return shown
