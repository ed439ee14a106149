"""Questions that people ask often, by name: ``partywall query sources --site shop``."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pipeline.analytics import words
from pipeline.analytics.query import Query, read

_TIME: Final = "time"
"""Stands for hours where the range is one day, else for days."""
_FAILED: Final = ["is", "segment", [words.FAILED]]


@dataclass(frozen=True, slots=True)
class Named:
    """A question without a site and, where it may be another's, without a range.

    ``parts`` are asked one after the other, and ``titles`` say which is which where there are
    several; ``site`` is what is put behind the site's name.
    """

    about: str
    parts: tuple[dict[str, Any], ...]
    range: str = "30d"
    site: str = ""
    titles: tuple[str, ...] = ("",)


NAMED: Final[MappingProxyType[str, Named]] = MappingProxyType(
    {
        "overview": Named(
            "visitors, visits, views, bounces and how long visits last, day by day",
            (
                {"metrics": ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate",
                             "visit_duration", "visit_duration_p50"],
                 "compare": "previous_period"},
                {"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]},
            ),
            titles=("the whole", "day by day"),
        ),
        "sources": Named(
            "where visitors come from: channels, then sites",
            (
                {"metrics": ["visitors", "pageviews"], "dimensions": ["referrer_kind"],
                 "filters": [["is_not", "referrer_kind", ["internal"]]]},
                {"metrics": ["visitors", "pageviews"], "dimensions": ["referrer"],
                 "filters": [["is_not", "referrer", ["(internal)"]]]},
            ),
            titles=("channels", "sites"),
        ),
        "entries": Named(
            "pages that visits begin on, and how many end there at once",
            ({"metrics": ["entries", "bounce_rate", "visit_duration"],
              "dimensions": ["entry_page"]},),
        ),
        "exits": Named(
            "pages that visits end on",
            ({"metrics": ["exits", "exit_rate"], "dimensions": ["exit_page"]},),
        ),
        "paths": Named(
            "which page is viewed after which, and the ways that visits go most",
            (
                {"metrics": ["moves", "visitors"], "dimensions": ["page", "next_page"]},
                {"metrics": ["visits"], "dimensions": ["click_path"],
                 "filters": [words.SEVERAL_VIEWS]},
            ),
            titles=("from page to page", "ways of several pages"),
        ),
        "chats": Named(
            "which pages lead to a chat, and how long people wait: events of the widget",
            (
                {"metrics": ["events", "visitors"], "dimensions": ["page", "event"],
                 "filters": [["is", "event", ["chat_requested", "chat_started"]]]},
                {"metrics": ["events", "visitors"], "dimensions": ["detail"],
                 "filters": [["starts_with", "detail", ["waited_"]]]},
            ),
            site=words.WIDGET,
            titles=("pages", "waiting times"),
        ),
        "places": Named(
            "where visitors are: countries, then regions or cities, as the settings have them",
            (
                {"metrics": ["visitors", "pageviews"], "dimensions": ["country"]},
                {"metrics": ["visitors", "pageviews"], "dimensions": ["place"]},
            ),
            titles=("countries", "regions or cities"),
        ),
        "goals": Named(
            "how many reach each goal of the site's, and what share of its visitors",
            ({"metrics": ["conversions", "visitors", "conversion_rate"],
              "dimensions": ["goal"]},),
        ),
        "broken": Named(
            "what broke yesterday: statuses, pages and where they were linked, then files",
            (
                {"metrics": ["hits", "visitors"], "dimensions": ["status"], "filters": [_FAILED],
                 "compare": "previous_period"},
                {"metrics": ["hits", "visitors"], "dimensions": ["page"],
                 "filters": [_FAILED, ["not_ends_with", "page", list(words.ASSETS)]],
                 "compare": "previous_period"},
                {"metrics": ["hits", "visitors"], "dimensions": ["page", "came_from"],
                 "filters": [_FAILED]},
                {"metrics": ["hits", "visitors"], "dimensions": ["page"],
                 "filters": [_FAILED, ["ends_with", "page", list(words.ASSETS)]],
                 "compare": "previous_period"},
            ),
            range="yesterday",
            titles=("statuses", "pages", "pages and their links", "files that pages need"),
        ),
        "missing": Named(
            "pages that people ask for and that fail",
            ({"metrics": ["hits", "visitors"], "dimensions": ["page"], "filters": [_FAILED]},),
        ),
        "latency": Named(
            "how long answers took: quantiles by hour of a day or by day, then the histogram",
            (
                {"metrics": list(words.LATENCY), "dimensions": [_TIME]},
                {"metrics": ["hits"], "dimensions": ["response_time"],
                 "order": [["response_time", "asc"]]},
            ),
            range="7d",
            titles=("quantiles", "histogram"),
        ),
        "downloads": Named(
            "files that people take away",
            ({"metrics": ["hits", "visitors"], "dimensions": ["page"],
              "filters": [["is", "segment", [words.REQUEST]],
                          ["ends_with", "page", list(words.DOWNLOADS)]]},),
        ),
        "outbound": Named(
            "links that lead to other sites: where to, then from which pages; events of the widget",
            (
                {"metrics": ["events", "visitors"], "dimensions": ["detail"],
                 "filters": [["starts_with", "detail", ["outbound_"]]]},
                {"metrics": ["events", "visitors"], "dimensions": ["page"],
                 "filters": [["is", "event", ["outbound"]]]},
            ),
            site=words.WIDGET,
            titles=("where to", "from which pages"),
        ),
    }
)  # fmt: skip


def questions(name: str, own: Query) -> list[Query]:
    """Return the questions of a name, of the site, range and filters of ``own``."""
    given = own.document()
    asked = []
    for part in NAMED[name].parts:
        merged = {word: given[word] for word in ("site", "date_range", "limit", "compare")} | part
        merged["filters"] = [*part.get("filters", []), *given["filters"]]
        if part.get("dimensions") == [_TIME]:
            merged["dimensions"] = ["time:hour" if _one_day(own) else "time:day"]
        asked.append(read(merged))
    return asked


def _one_day(query: Query) -> bool:
    asked = query.date_range
    return asked in {"today", "yesterday", "1d"} if isinstance(asked, str) else asked[0] == asked[1]
